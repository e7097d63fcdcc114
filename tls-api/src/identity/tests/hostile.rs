//! Damaged and hostile files: no panic, no endless work, no key where there is none.

use super::*;
use crate::identity::{
    asn1,
    encryption::{self, Failure, Password, Work},
};

/// xorshift64: the same damage on each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    /// The file with one to four bytes changed, and perhaps cut.
    fn damage(&mut self, file: &[u8]) -> Vec<u8> {
        let mut damaged = file.to_vec();
        for _ in 0..=self.below(4) {
            let place = self.below(damaged.len());
            damaged[place] = [0, 0x7f, 0x80, 0xff, damaged[place] ^ 1 << self.below(8)][self.below(5)];
        }
        if self.below(8) == 0 {
            damaged.truncate(self.below(damaged.len()));
        }
        damaged
    }
}

#[test]
fn damage_never_panics_or_hangs() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let chain = [certificate("ec.cert.pem"), certificate("root.pem")];
    for file in ["plain.p12", "modern.p12", "legacy.p12", "pbmac1.p12"] {
        let whole = fixture(file);
        // The password is wrong, so that what is behind the MAC is reached only where there is none.
        (0..400).for_each(|_| drop(Identity::from_pkcs12(&random.damage(&whole), "")));
    }
    for file in [
        "ec.pkcs8.pem",
        "ec.sec1.pem",
        "rsa.pkcs8.pem",
        "rsa.pkcs1.pem",
        "ed25519.pkcs8.pem",
        "ec.public.pem",
    ] {
        let (pem, whole) = (fixture(file), der(file));
        for _ in 0..400 {
            drop(Identity::from_der(chain.clone(), random.damage(&whole)));
            drop(Identity::from_pem(&fixture("ec.cert.pem"), &random.damage(&pem)));
        }
    }
    for file in ["ec.aes-256.pem", "ec.3des-sha-1.pem", "ec.pbe-3des.pem", "ec.pbe-rc2-128.pem"] {
        let whole = der(file);
        (0..200).for_each(|_| {
            drop(Identity::from_der_with_password(chain.clone(), random.damage(&whole), PASSWORD))
        });
    }
    let key = der("ec.bare.pem");
    for name in ["ec.cert.pem", "root.pem", "rsa.cert.pem"] {
        let whole = der(name);
        (0..1000).for_each(|_| {
            let damaged = CertificateDer::from(random.damage(&whole));
            drop(Identity::from_der([damaged, chain[1].clone()], key.clone()));
        });
    }
}

#[test]
fn absurd_work_is_refused_before_it_is_done() {
    let words = "its password asks for more than 10000000 rounds of hashing, or 256 MiB of memory; make it anew \
                 with less";
    let (salt, iv) = ([7; 8], [7; 16]);
    let absurd = [0x7f, 0xff, 0xff, 0xff];
    let key = encrypted_key(&pbkdf2(&salt, &absurd), &iv);
    let error = Identity::from_der_with_password([certificate("ec.cert.pem")], key, PASSWORD).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot load the private key: {words}"));
    let much = [
        (1 << 30, 8, 1),
        (1 << 14, 1 << 20, 1),
        (1 << 14, 8, 1 << 20),
        // Little work, and 600 MiB beside the blocks of N.
        (2, 1, 4_900_000),
        // Each half is within the bound, their sum is not.
        (1 << 17, 16, 1),
        (u32::MAX, u32::MAX, u32::MAX),
    ];
    for (n, r, p) in much {
        let key = encrypted_key(&scrypt(&salt, n, r, p), &iv);
        let error =
            Identity::from_der_with_password([certificate("ec.cert.pem")], key, PASSWORD).unwrap_err();
        assert!(error.to_string().ends_with(words), "{n} {r} {p}: {error}");
    }
    // The MAC of `openssl pkcs12` ends the file with its rounds, 2048.
    let file = with_mac_rounds(&fixture("modern.p12"), &absurd);
    let error = Identity::from_pkcs12(&file, PASSWORD).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot load the private key: {words}"));
}

#[test]
fn work_is_bounded_over_the_whole_file() {
    let mut work = Work::new();
    let algorithm = pbkdf2(&[7; 8], &[0x4c, 0x4b, 0x41]);
    let algorithm = asn1::elements(&algorithm).unwrap()[0];
    let password = Password::new(PASSWORD);
    work.spend(5_000_000).unwrap();
    // 5,000,001 rounds would do alone.
    assert_eq!(encryption::derive(algorithm, 32, &password, &mut work), Err(Failure::Work));
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let iv = [7; 16];
    let salt = [7; 8];
    let keys = [
        encrypted_key(&pbkdf2(&salt, &[1]), &iv[..3]),
        encrypted_key(&scrypt(&salt, 1000, 8, 1), &iv),
        encrypted_key(&scrypt(&salt, 0, 8, 1), &iv),
        encrypted_key(&scrypt(&salt, 1024, 0, 1), &iv),
        encrypted_key(&scrypt(&salt, 1024, 8, 0), &iv),
        encrypted_key(&pbkdf2(&salt, &[0xff]), &iv),
        encrypted_key(&[0x30, 0], &iv),
    ];
    for key in keys {
        assert!(encryption::decrypt_pkcs8(&key, PASSWORD).is_err());
    }
    // The least N is 2; with 1 a key would come out, and be a wrong one.
    let key = encrypted_key(&scrypt(&salt, 1, 8, 1), &iv);
    assert!(matches!(encryption::decrypt_pkcs8(&key, PASSWORD), Err(Failure::Malformed(_))));
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 0x80);
    [&[tag, content.len() as u8], content].concat()
}

fn sequence(fields: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &fields.concat())
}

fn pbkdf2(salt: &[u8], rounds: &[u8]) -> Vec<u8> {
    let oid = tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12]);
    sequence(&[&oid, &sequence(&[&tlv(4, salt), &tlv(2, rounds)])])
}

fn scrypt(salt: &[u8], n: u32, r: u32, p: u32) -> Vec<u8> {
    let oid = tlv(6, &[0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11]);
    let integer = |number: u32| {
        let bytes = [&[0], &number.to_be_bytes()[..]].concat();
        let zeros =
            bytes.iter().zip(&bytes[1..]).take_while(|(zero, next)| **zero == 0 && **next < 0x80).count();
        tlv(2, &bytes[zeros..])
    };
    sequence(&[&oid, &sequence(&[&tlv(4, salt), &integer(n), &integer(r), &integer(p)])])
}

/// An EncryptedPrivateKeyInfo of PBES2 with AES-128-CBC.
fn encrypted_key(derivation: &[u8], iv: &[u8]) -> Vec<u8> {
    let pbes2 = tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13]);
    let aes = sequence(&[&tlv(6, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2]), &tlv(4, iv)]);
    sequence(&[&sequence(&[&pbes2, &sequence(&[derivation, &aes])]), &tlv(4, &[7; 16])])
}

/// The file with other rounds, as long as their bytes, at its end, and the lengths around them put right.
fn with_mac_rounds(file: &[u8], rounds: &[u8; 4]) -> Vec<u8> {
    let rest = file.strip_suffix(&[2, 2, 8, 0]).expect("2048 rounds");
    let mut larger = [rest, &tlv(2, rounds)].concat();
    // The outermost SEQUENCE has a length of two bytes, the MacData in it one of one byte.
    let outer = u16::from_be_bytes([larger[2], larger[3]]) + 2;
    larger[2..4].copy_from_slice(&outer.to_be_bytes());
    let mac_data = larger.len() - 6 - usize::from(mac_data_length(file)) - 2 + 4;
    larger[mac_data + 1] += 2;
    larger
}

fn mac_data_length(file: &[u8]) -> u8 {
    let fields = asn1::sequence(file).unwrap();
    u8::try_from(fields[2].value().len()).unwrap()
}
