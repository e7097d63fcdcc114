//! Every wrong input, and the words in which it is refused.

use super::*;
use crate::{ConfigError, Roots};

/// One test for each wrong input: what is loaded, and the whole message.
macro_rules! refused {
    ($($name:ident: $load:expr => $message:expr;)*) => {
        $(#[test]
        fn $name() {
            assert_eq!($load.expect_err("it must be refused").to_string(), $message);
        })*
    };
}

fn key(name: &str) -> Result<Identity, ConfigError> {
    Identity::from_pem(&fixture("ec.cert.pem"), &fixture(name))
}

fn key_pem(pem: &[u8]) -> Result<Identity, ConfigError> {
    Identity::from_pem(&fixture("ec.cert.pem"), pem)
}

fn key_der(der: impl Into<Vec<u8>>) -> Result<Identity, ConfigError> {
    Identity::from_der([certificate("ec.cert.pem")], der)
}

fn chain(name: &str) -> Result<Identity, ConfigError> {
    chain_pem(&fixture(name))
}

fn chain_pem(pem: &[u8]) -> Result<Identity, ConfigError> {
    Identity::from_pem(pem, &fixture("ec.pkcs8.pem"))
}

fn chain_der(der: Vec<u8>) -> Result<Identity, ConfigError> {
    Identity::from_der([CertificateDer::from(der)], self::der("ec.pkcs8.pem"))
}

fn and_more(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(b"more");
    bytes
}

fn with(name: &str, old: &str, new: &str) -> Vec<u8> {
    let text = String::from_utf8(fixture(name)).unwrap();
    assert!(text.contains(old));
    text.replace(old, new).into()
}

/// The text without one of its lines.
fn without_line(name: &str, line: usize) -> Vec<u8> {
    let text = String::from_utf8(fixture(name)).unwrap();
    text.lines()
        .enumerate()
        .filter(|(number, _)| *number != line)
        .flat_map(|(_, line)| [line, "\n"])
        .collect::<String>()
        .into()
}

refused! {
    an_empty_key: key_pem(b"")
        => "cannot load the private key: it is empty; give a PEM text with a `BEGIN PRIVATE KEY` section";
    a_blank_key: key_pem(b" \n\n")
        => "cannot load the private key: it is empty; give a PEM text with a `BEGIN PRIVATE KEY` section";
    an_empty_key_in_der: key_der([])
        => "cannot load the private key: it is empty; give a private key as PKCS#8, PKCS#1 or SEC1";
    a_text_without_a_key: key_pem(b"key: none")
        => "cannot load the private key: no `PRIVATE KEY` section found; give a PEM text that holds one";
    two_keys: key_pem(&[fixture("ec.pkcs8.pem"), fixture("rsa.pkcs1.pem")].concat())
        => "cannot load the private key: it holds 2 private keys (`PRIVATE KEY`, `RSA PRIVATE KEY`); leave one";
    a_certificate_for_a_key: key("ec.cert.pem")
        => "cannot load the private key: no `PRIVATE KEY` section found, but `CERTIFICATE`; give the private key that \
            it was issued for";
    a_certificate_for_a_key_in_der: key_der(der("ec.cert.pem"))
        => "cannot load the private key: it is a certificate; give the private key that it was issued for";
    a_public_key: key("ec.public.pem")
        => "cannot load the private key: no `PRIVATE KEY` section found, but `PUBLIC KEY`; give the private key that \
            it was made from";
    a_public_key_in_der: key_der(der("ec.public.pem"))
        => "cannot load the private key: it is a public key; give the private key that it was made from";
    an_openssh_key: key("openssh.pem")
        => "cannot load the private key: it is an OpenSSH private key; rewrite it with `ssh-keygen -p -m PKCS8 -f KEY`";
    a_key_in_openssls_old_encryption: key("rsa.old-encryption.pem")
        => "cannot load the private key: it is encrypted in a way from before PKCS#8; rewrite it with `openssl pkcs8 \
            -topk8 -in KEY -out NEW`";
    a_dsa_key: key("dsa.pem")
        => "cannot load the private key: its algorithm is DSA, which cannot sign in TLS; use an ECDSA, Ed25519 or RSA key";
    a_dsa_key_in_pkcs8: key("dsa.pkcs8.pem")
        => "cannot load the private key: its algorithm is DSA, which cannot sign in TLS; use an ECDSA, Ed25519 or RSA key";
    a_key_for_agreement: key("x25519.pem")
        => "cannot load the private key: its algorithm is X25519, which cannot sign in TLS; use an ECDSA, Ed25519 or \
            RSA key";
    a_key_of_an_unknown_algorithm: key_der([&[0x30, 12, 2, 1, 0, 0x30, 3, 6, 1, 0x2a, 4, 2][..], &[4, 0]].concat())
        => "cannot load the private key: its algorithm is unknown (1.2), which cannot sign in TLS; use an ECDSA, \
            Ed25519 or RSA key";
    a_key_in_der_for_pem: key_pem(&der("ec.pkcs8.pem"))
        => "cannot load the private key: it is a private key in DER, not PEM; use `from_der`";
    a_key_in_pem_for_der: key_der(fixture("ec.pkcs8.pem"))
        => "cannot load the private key: it is PEM, not DER; use `from_pem`";
    a_key_with_more_behind_it: key_der(and_more(der("ec.pkcs8.pem")))
        => "cannot load the private key: 4 bytes follow the key; cut them off, or copy it anew";
    a_key_cut_short: key_der(&der("ec.pkcs8.pem")[..60])
        => "cannot load the private key: not a PKCS#8, PKCS#1 or SEC1 key in DER; for PEM use `from_pem`";
    a_key_without_its_end: key_pem(&without_line("ec.pkcs8.pem", 4))
        => "cannot load the private key: `BEGIN PRIVATE KEY` has no `END` line; the text is cut short: copy the whole file";
    a_key_with_a_line_missing: key_pem(&without_line("ec.pkcs8.pem", 1))
        => "cannot load the private key: not a PKCS#8, PKCS#1 or SEC1 key in DER; for PEM use `from_pem`";
    a_key_with_damaged_base64: key_pem(&with("ec.pkcs8.pem", "SM49", "*M49"))
        => "cannot load the private key: `PRIVATE KEY` is damaged: its base64 is cut short or changed; copy the whole file";
    a_key_with_nothing_in_it: key_pem(b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
        => "cannot load the private key: `PRIVATE KEY` has nothing between its lines";
    a_key_that_ends_as_another: key_pem(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")
        => "cannot load the private key: `BEGIN PRIVATE KEY` ends in another `END` line";
    a_text_in_utf_16: key_pem(b"\xff\xfe-\0-\0-\0")
        => "cannot load the private key: it is a text in UTF-16; save it as UTF-8";

    no_certificates: Identity::from_der([], der("ec.pkcs8.pem"))
        => "cannot load certificates: the chain is empty; give the end entity's certificate at least";
    an_empty_chain: chain_pem(b"")
        => "cannot load certificates: it is empty; give a PEM text with a `BEGIN CERTIFICATE` section";
    a_text_without_a_certificate: chain_pem(b"certificate: none")
        => "cannot load certificates: no `BEGIN CERTIFICATE` section found; give a PEM text that holds one";
    a_request_for_a_certificate: chain("ec.csr.pem")
        => "cannot load certificates: no `BEGIN CERTIFICATE` section found, but `CERTIFICATE REQUEST`; give the \
            certificate that the authority issued for the request";
    a_request_for_a_certificate_in_der: chain_der(der("ec.csr.pem"))
        => "cannot load certificates: certificate 1 is a certificate request; give the certificate that the authority \
            issued for the request";
    a_key_for_a_certificate: chain("ec.pkcs8.pem")
        => "cannot load certificates: no `BEGIN CERTIFICATE` section found, but `PRIVATE KEY`; give the certificate \
            here, and the key to nobody";
    a_key_for_a_certificate_in_der: chain_der(der("ec.pkcs8.pem"))
        => "cannot load certificates: certificate 1 is a private key; give the certificate here, and the key to nobody";
    a_trusted_certificate: chain("ec.trusted.pem")
        => "cannot load certificates: no `BEGIN CERTIFICATE` section found, but `TRUSTED CERTIFICATE`; rewrite it with \
            `openssl x509 -in FILE -out NEW`";
    a_pkcs7_bundle: chain("ec.pkcs7.pem")
        => "cannot load certificates: no `BEGIN CERTIFICATE` section found, but `PKCS7`; unpack it with `openssl pkcs7 \
            -print_certs -in FILE -out NEW`";
    a_pkcs12_file_for_pem: chain("modern.p12")
        => "cannot load certificates: it is a PKCS#12 file; load it with `Identity::from_pkcs12`, or unpack it with \
            `openssl pkcs12 -nokeys`";
    a_certificate_in_der_for_pem: chain_pem(&der("ec.cert.pem"))
        => "cannot load certificates: it is a certificate in DER, not PEM; use `from_der`";
    a_certificate_in_pem_for_der: chain_der(fixture("ec.cert.pem"))
        => "cannot load certificates: certificate 1 is PEM, not DER; use `from_pem`";
    a_certificate_with_more_behind_it: chain_der(and_more(der("ec.cert.pem")))
        => "cannot load certificates: 4 bytes follow certificate 1; cut them off, or copy it anew";
    a_certificate_cut_short: chain_der(der("ec.cert.pem")[..200].to_vec())
        => "cannot load certificates: certificate 1 is not a certificate in DER (RFC 5280 §4.1); copy it anew";
    a_certificate_without_its_end: chain_pem(&[fixture("root.pem"), fixture("ec.cert.pem")[..300].to_vec()].concat())
        => "cannot load certificates: `BEGIN CERTIFICATE` has no `END` line; the text is cut short: copy the whole file";
    too_many_certificates: Identity::from_der(vec![certificate("root.pem"); 101], der("ec.pkcs8.pem"))
        => "cannot load certificates: 101 certificates, and a chain has 100 at most; give the end entity's and its \
            issuers'";
    a_key_of_another_certificate: Identity::from_pem(&fixture("rsa.cert.pem"), &fixture("ec.pkcs8.pem"))
        => "the private key does not belong to the certificate; give the key that the certificate was issued for";

    roots_in_an_empty_text: Roots::from_pem(b"")
        => "cannot load certificates: it is empty; give a PEM text with a `BEGIN CERTIFICATE` section";
    a_key_for_roots: Roots::from_pem(&fixture("root.key"))
        => "cannot load certificates: no `BEGIN CERTIFICATE` section found, but `PRIVATE KEY`; give the certificate \
            here, and the key to nobody";
    a_damaged_certificate_among_roots: Roots::from_pem(&[fixture("root.pem"), without_line("ec.cert.pem", 3)].concat())
        => "cannot load certificates: certificate 2 is not a certificate in DER (RFC 5280 §4.1); copy it anew";
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Identity::from_pem_files(path("absent.pem"), path("ec.pkcs8.pem")).unwrap_err();
    assert!(matches!(error, ConfigError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("absent.pem"), "{error}");
    let folder = path("");
    let error = Roots::from_pem_file(folder).unwrap_err();
    assert!(matches!(error, ConfigError::File { .. }), "{error:?}");
}

#[test]
fn what_is_wrong_names_its_file() {
    let swapped =
        Identity::from_pem_files(path("ec.pkcs8.pem"), path("ec.cert.pem")).unwrap_err().to_string();
    assert!(
        swapped.starts_with("cannot load certificates: /") && swapped.contains("ec.pkcs8.pem: no"),
        "{swapped}"
    );
    let twice = Identity::from_pem_files(path("ec.cert.pem"), path("ec.cert.pem")).unwrap_err().to_string();
    assert!(
        twice.starts_with("cannot load the private key: /") && twice.contains("ec.cert.pem: no"),
        "{twice}"
    );
    let alone = Identity::from_file(path("ec.cert.pem"), None).unwrap_err().to_string();
    assert!(alone.contains("ec.cert.pem: no `PRIVATE KEY` section found, but `CERTIFICATE`"), "{alone}");
    let root = Roots::from_pem_file(path("root.key")).unwrap_err().to_string();
    assert!(root.contains("root.key: no `BEGIN CERTIFICATE` section found, but `PRIVATE KEY`"), "{root}");
}

#[test]
fn a_file_of_one_half_in_der_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("half.der");
    for (half, name) in [("ec.cert.pem", "a certificate"), ("ec.pkcs8.pem", "a private key")] {
        std::fs::write(&file, der(half)).unwrap();
        let error = Identity::from_file(&file, None).unwrap_err().to_string();
        let words =
            format!("it is {name}; give a PEM text with a certificate and its key, or a PKCS#12 file");
        assert!(error.ends_with(&words), "{error}");
    }
}

#[test]
fn a_file_in_no_known_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    for (content, words) in
        [(&b"0 notes"[..], "it is in no known format, or damaged;"), (b"", "it is empty;")]
    {
        std::fs::write(&file, content).unwrap();
        let error = Identity::from_file(&file, None).unwrap_err().to_string();
        let words =
            format!("notes.txt: {words} give a PEM text with a certificate and its key, or a PKCS#12 file");
        assert!(error.ends_with(&words), "{error}");
    }
}

/// A SEQUENCE of these fields with an indefinite length (X.690 §8.1.3.6).
fn indefinite(fields: &[u8]) -> Vec<u8> {
    [&[0x30, 0x80], fields, &[0, 0]].concat()
}

#[test]
fn a_pkcs12_file_in_ber_is_told_how_to_be_rewritten() {
    let words = "it is a PKCS#12 file in BER; rewrite it: `openssl pkcs12 -in FILE -out X.pem`, then `openssl pkcs12 \
                 -export -in X.pem -out NEW`";
    let der = fixture("modern.p12");
    // Its SEQUENCE has a length of two bytes, its version is three bytes long.
    let throughout = indefinite(&der[4..]);
    let safe = [&[2, 1, 3][..], &indefinite(b"\x06\x01\x2a")].concat();
    let inside = [&[0x30, safe.len() as u8][..], &safe].concat();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity.p12");
    for ber in [throughout, inside] {
        std::fs::write(&file, &ber).unwrap();
        let error = Identity::from_file(&file, Some(PASSWORD)).unwrap_err().to_string();
        assert!(error.starts_with("cannot load the private key: ") && error.ends_with(words), "{error}");
        #[cfg(feature = "encrypted-keys")]
        {
            let error = Identity::from_pkcs12(&ber, PASSWORD).unwrap_err().to_string();
            assert_eq!(error, format!("cannot load the private key: {words}"));
        }
    }
}

#[test]
fn a_file_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.pem");
    std::fs::File::create(&file).unwrap().set_len((16 << 20) + 1).unwrap();
    let error = Roots::from_pem_file(&file).unwrap_err().to_string();
    assert!(error.ends_with("it is larger than 16 MiB"), "{error}");
}

#[cfg(not(feature = "encrypted-keys"))]
refused! {
    an_encrypted_key_without_the_feature: key("ec.aes-256.pem")
        => "cannot load the private key: it is encrypted; enable the feature `encrypted-keys` of polytls and give its \
            password, or decrypt it first (`openssl pkey -in KEY -out PLAIN`)";
}

#[cfg(not(feature = "encrypted-keys"))]
#[test]
fn a_pkcs12_file_without_the_feature() {
    let error = Identity::from_file(path("modern.p12"), Some(PASSWORD)).unwrap_err().to_string();
    assert!(error.contains("enable the feature `encrypted-keys` of polytls to read it"), "{error}");
}

#[cfg(feature = "encrypted-keys")]
mod under_a_password {
    use super::*;

    fn encrypted(name: &str, password: &str) -> Result<Identity, ConfigError> {
        Identity::from_pem_with_password(&fixture("ec.cert.pem"), &fixture(name), password)
    }

    fn pkcs12(name: &str, password: &str) -> Result<Identity, ConfigError> {
        Identity::from_pkcs12(&fixture(name), password)
    }

    refused! {
        no_password_for_a_key: key("ec.aes-256.pem")
            => "cannot load the private key: it is encrypted and no password was given; use a loader that takes one, \
                such as `from_pem_with_password`";
        a_wrong_password_for_a_key: encrypted("ec.aes-256.pem", "pass")
            => "cannot load the private key: wrong password, or the file is damaged";
        a_wrong_password_for_a_legacy_key: encrypted("ec.pbe-3des.pem", "pass")
            => "cannot load the private key: wrong password, or the file is damaged";
        a_key_of_an_unknown_encryption: encrypted("ec.md5-des.pem", PASSWORD)
            => "cannot load the private key: encrypted with an unknown algorithm (1.2.840.113549.1.5.3); make it anew \
                with AES (`openssl pkcs8 -topk8 -v2 aes-256-cbc`)";
        a_wrong_password_for_pkcs12: pkcs12("modern.p12", "pass")
            => "cannot load the private key: wrong password, or the file is damaged";
        a_wrong_password_for_legacy_pkcs12: pkcs12("legacy.p12", "pass")
            => "cannot load the private key: wrong password, or the file is damaged";
        a_wrong_password_for_pbmac1: pkcs12("pbmac1.p12", "pass")
            => "cannot load the private key: wrong password, or the file is damaged";
        a_wrong_password_without_a_mac: pkcs12("no-mac.p12", "pass")
            => "cannot load the private key: wrong password, or the file is damaged";
        pkcs12_without_a_key: pkcs12("no-key.p12", PASSWORD)
            => "cannot load the private key: the PKCS#12 file holds no private key; export the certificate with its key";
        pkcs12_with_two_keys: pkcs12("two-keys.p12", PASSWORD)
            => "cannot load the private key: the PKCS#12 file holds 2 private keys; export one identity alone";
        pkcs12_without_a_certificate: pkcs12("no-certificate.p12", PASSWORD)
            => "cannot load certificates: the PKCS#12 file holds no certificate; export the certificate with its key";
        pkcs12_with_more_behind_it: Identity::from_pkcs12(&and_more(fixture("modern.p12")), PASSWORD)
            => "cannot load the private key: 4 bytes follow the PKCS#12 file; cut them off, or copy it anew";
        pkcs12_cut_short: Identity::from_pkcs12(&fixture("modern.p12")[..500], PASSWORD)
            => "cannot load the private key: not a PKCS#12 file in DER, or one that is cut short; copy it anew";
        pem_for_pkcs12: pkcs12("ec.pkcs8.pem", PASSWORD)
            => "cannot load the private key: it is PEM, not PKCS#12; use `from_pem` or `from_file`";
        a_key_for_pkcs12: Identity::from_pkcs12(&der("ec.pkcs8.pem"), PASSWORD)
            => "cannot load the private key: it is a private key, not a PKCS#12 file";
        nothing_for_pkcs12: Identity::from_pkcs12(b"", PASSWORD)
            => "cannot load the private key: it is empty, not a PKCS#12 file";
        pkcs12_in_ber: Identity::from_pkcs12(&[0x30, 0x80, 2, 1, 3, 0, 0], PASSWORD)
            => "cannot load the private key: it is a PKCS#12 file in BER; rewrite it: `openssl pkcs12 -in FILE -out \
                X.pem`, then `openssl pkcs12 -export -in X.pem -out NEW`";
        another_thing_in_ber: Identity::from_pkcs12(&[0x30, 0x80, 2, 1, 0, 0, 0], PASSWORD)
            => "cannot load the private key: it is BER with indefinite lengths, not DER, not a PKCS#12 file";
    }

    #[test]
    fn no_password_for_a_pkcs12_file() {
        let error = Identity::from_file(path("modern.p12"), None).unwrap_err().to_string();
        assert!(error.contains("modern.p12: a password is needed; give the one that"), "{error}");
    }
}
