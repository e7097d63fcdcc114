//! Every format that a loader reads.

use super::*;

#[test]
fn a_key_may_be_in_each_of_the_three_forms_in_pem_and_in_der() {
    let keys = [
        ("ec.cert.pem", "ec.pkcs8.pem"),
        ("ec.cert.pem", "ec.sec1.pem"),
        ("ec.cert.pem", "ec.bare.pem"),
        ("rsa.cert.pem", "rsa.pkcs8.pem"),
        ("rsa.cert.pem", "rsa.pkcs1.pem"),
        ("rsa-pss.cert.pem", "rsa-pss.pkcs8.pem"),
        ("ed25519.cert.pem", "ed25519.pkcs8.pem"),
    ];
    for (chain, key) in keys {
        let from_pem = Identity::from_pem(&fixture(chain), &fixture(key)).unwrap();
        let from_files = Identity::from_pem_files(path(chain), path(key)).unwrap();
        let from_der = Identity::from_der([certificate(chain)], der(key)).unwrap();
        for identity in [from_pem, from_files, from_der] {
            assert_eq!(identity.chain(), [certificate(chain)], "{key}");
            assert_eq!(key_of(&identity), der(key), "{key}");
        }
    }
}

#[test]
fn pem_may_have_what_editors_and_tools_put_around_it() {
    let (chain, key) = (fixture("ec.cert.pem"), fixture("ec.pkcs8.pem"));
    let windows = |pem: &[u8]| {
        let text = String::from_utf8(pem.to_vec()).unwrap().replace('\n', "\r\n");
        [b"\xef\xbb\xbf", text.as_bytes()].concat()
    };
    let indented = |pem: &[u8]| String::from_utf8(pem.to_vec()).unwrap().replace('\n', "\n    ").into_bytes();
    let commented =
        |pem: &[u8]| [b"# made for localhost: 2026\nBag Attributes\n", pem, b"# the end"].concat();
    for change in [&windows as &dyn Fn(&[u8]) -> Vec<u8>, &indented, &commented] {
        let identity = Identity::from_pem(&change(&chain), &change(&key)).unwrap();
        assert_eq!(identity.chain(), [certificate("ec.cert.pem")]);
        assert_eq!(key_of(&identity), der("ec.pkcs8.pem"));
    }
    let one_line = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
        String::from_utf8(chain).unwrap().lines().filter(|line| !line.starts_with('-')).collect::<String>()
    );
    assert_eq!(Identity::from_pem(one_line.as_bytes(), &key).unwrap().chain(), [certificate("ec.cert.pem")]);
}

#[test]
fn one_text_may_hold_both_in_any_order() {
    let both = [fixture("ec.pkcs8.pem"), fixture("root.pem"), fixture("ec.cert.pem")].concat();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity.pem");
    std::fs::write(&file, &both).unwrap();
    let chain = [certificate("ec.cert.pem"), certificate("root.pem")];
    assert_eq!(Identity::from_pem(&both, &both).unwrap().chain(), chain);
    assert_eq!(Identity::from_file(&file, None).unwrap().chain(), chain);
    assert_eq!(Identity::from_pem_files(&file, &file).unwrap().chain(), chain);
}

#[test]
fn a_text_may_begin_as_der_does() {
    // `openssl s_client -showcerts` counts the certificates from 0, and '0' is the first byte of a SEQUENCE.
    let both =
        [b"0 s:CN = localhost\n", &fixture("ec.cert.pem")[..], b"0x80\n", &fixture("ec.pkcs8.pem")].concat();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shown.pem");
    std::fs::write(&file, &both).unwrap();
    for identity in [Identity::from_pem(&both, &both), Identity::from_file(&file, None)] {
        assert_eq!(identity.unwrap().chain(), [certificate("ec.cert.pem")]);
    }
    assert_eq!(
        crate::Roots::from_pem_file(&file).unwrap(),
        crate::Roots::from_der([certificate("ec.cert.pem")])
    );
}

#[test]
fn roots_are_read_from_a_bundle_with_comments_and_from_der() {
    use crate::Roots;
    let bundle = [
        b"# two of them\n\nfirst\n=====\n" as &[u8],
        &fixture("root.pem"),
        b"# and\n",
        &fixture("rsa.cert.pem"),
    ]
    .concat();
    let both = Roots::from_der([certificate("root.pem"), certificate("rsa.cert.pem")]);
    assert_eq!(Roots::from_pem(&bundle).unwrap(), both);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("root.crt");
    std::fs::write(&file, &bundle).unwrap();
    assert_eq!(Roots::from_pem_file(&file).unwrap(), both);
    std::fs::write(&file, der("root.pem")).unwrap();
    assert_eq!(Roots::from_pem_file(&file).unwrap(), Roots::from_der([certificate("root.pem")]));
}

#[test]
fn neither_key_nor_password_shows_in_debug() {
    let identity = Identity::from_pem(&fixture("ec.cert.pem"), &fixture("ec.pkcs8.pem")).unwrap();
    assert_eq!(format!("{identity:?} {:?}", identity.key()), "Identity { certificates: 1, .. } Der");
}

#[cfg(feature = "encrypted-keys")]
mod under_a_password {
    use super::*;

    #[test]
    fn a_key_may_be_encrypted_as_openssl_does_it() {
        let files = [
            "ec.aes-256.pem",
            "ec.aes-128-sha-512.pem",
            "ec.3des-sha-1.pem",
            "ec.scrypt.pem",
            "ec.pbe-3des.pem",
            "ec.pbe-2des.pem",
            "ec.pbe-rc2-128.pem",
        ];
        for file in files {
            let (chain, key) = (fixture("ec.cert.pem"), fixture(file));
            let from_pem = Identity::from_pem_with_password(&chain, &key, PASSWORD).expect(file);
            let from_files =
                Identity::from_pem_files_with_password(path("ec.cert.pem"), path(file), PASSWORD);
            let from_der =
                Identity::from_der_with_password([certificate("ec.cert.pem")], der(file), PASSWORD);
            for identity in [from_pem, from_files.expect(file), from_der.expect(file)] {
                assert_eq!(key_of(&identity), der("ec.pkcs8.pem"), "{file}");
            }
        }
    }

    #[test]
    fn pkcs12_files_of_each_tool_and_encryption_open() {
        let files = [
            ("modern.p12", PASSWORD),
            ("legacy.p12", PASSWORD),
            ("sha-512.p12", PASSWORD),
            ("pbmac1.p12", PASSWORD),
            ("no-mac.p12", PASSWORD),
            ("keytool.p12", PASSWORD),
            ("unicode.p12", "пароль"),
            ("empty-password.p12", ""),
            ("plain.p12", ""),
        ];
        for (file, password) in files {
            let identity = Identity::from_pkcs12(&fixture(file), password).expect(file);
            assert_eq!(identity.chain(), [certificate("ec.cert.pem"), certificate("root.pem")], "{file}");
            assert_eq!(key_of(&identity), der("ec.pkcs8.pem"), "{file}");
            let recognised = Identity::from_file(path(file), Some(password)).expect(file);
            assert_eq!(recognised.chain(), identity.chain(), "{file}");
        }
        let identity = Identity::from_pkcs12_file(path("certtool.p12"), PASSWORD).unwrap();
        assert_eq!(identity.chain(), [certificate("ec.cert.pem")]);
        assert_eq!(Identity::from_file(path("empty-password.p12"), None).unwrap().chain().len(), 2);
    }

    #[test]
    fn one_file_may_hold_the_chain_and_an_encrypted_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity.pem");
        std::fs::write(&file, [fixture("ec.aes-256.pem"), fixture("ec.cert.pem")].concat()).unwrap();
        let identity = Identity::from_file(&file, Some(PASSWORD)).unwrap();
        assert_eq!(key_of(&identity), der("ec.pkcs8.pem"));
    }
}
