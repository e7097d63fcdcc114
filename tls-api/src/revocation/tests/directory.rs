//! Lists from a directory.

use std::fs;

use base64ct::{Base64, Encoding};

use super::chains::{ListOptions, Path};
use crate::{ConfigError, RevocationPolicy, read_crl_directory};

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", Base64::encode_string(der))
}

#[test]
fn every_file_that_is_a_list_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(directory.path().join(name), content).unwrap();
    let path = Path::new();
    let [first, second] = [path.lists(&[], &[]).remove(0), path.lists(&[], &[]).remove(1)];
    let third = path.root.list(&[7], ListOptions::default());
    write("a.crl", &first);
    write("b.pem", format!("two of them\n{}{}", pem(&second), pem(&third)).as_bytes());
    write("README", b"lists of the two authorities");
    write("root.der", &path.root.certificate());
    fs::create_dir(directory.path().join("c.crl")).unwrap();
    let lists = read_crl_directory(directory.path()).unwrap();
    assert_eq!(lists, [first, second, third]);
    let policy = RevocationPolicy::hard_fail().with_crls_from_directory(directory.path()).unwrap();
    assert_eq!(*policy.crls, *lists);
}

#[test]
fn what_is_wrong_is_told_with_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |words: [&str; 2]| {
        let error = read_crl_directory(directory.path()).unwrap_err();
        assert!(matches!(error, ConfigError::Certificates { .. }), "{error}");
        assert!(words.iter().all(|words| error.to_string().contains(words)), "{error}");
    };
    refused([directory.path().to_str().unwrap(), "no file in it is a revocation list"]);
    let path = Path::new();
    let list = path.lists(&[], &[]).remove(0);
    let file = directory.path().join("bad.CRL");
    fs::write(&file, &list[..list.len() - 1]).unwrap();
    refused(["bad.CRL", "malformed"]);
    fs::write(&file, pem(&list).replace("END", "END ")).unwrap();
    refused(["bad.CRL", "malformed"]);
    fs::write(&file, pem(&list[..list.len() - 1])).unwrap();
    refused(["bad.CRL", "malformed"]);
    fs::remove_file(&file).unwrap();
    // OpenSSL's hashed directory, and a list that is being written.
    fs::write(directory.path().join("good.pem"), pem(&list)).unwrap();
    let file = directory.path().join("1a2b3c4d.r0");
    for written in [&[][..], &list[..list.len() / 2]] {
        fs::write(&file, written).unwrap();
        refused(["1a2b3c4d.r0", "malformed"]);
    }
    fs::remove_file(&file).unwrap();
    fs::write(directory.path().join("large.pem"), vec![b'#'; (16 << 20) + 1]).unwrap();
    let error = read_crl_directory(directory.path()).unwrap_err();
    assert!(matches!(&error, ConfigError::File { path, .. } if path.ends_with("large.pem")), "{error}");
    let missing = read_crl_directory(directory.path().join("missing")).unwrap_err();
    assert!(matches!(missing, ConfigError::File { .. }), "{missing}");
}
