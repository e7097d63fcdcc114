//! Encryption under a password: PBES2 (RFC 8018 §6.2), and the schemes of PKCS#12 before it (RFC 7292 appendix C).
//!
//! The file says how much work its password costs, so that work is bounded here, over the whole file: what asks for
//! more is refused before any of it is done.

use aes::{Aes128, Aes192, Aes256};
use cbc::{
    Decryptor,
    cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit, block_padding::Pkcs7},
};
use der::{AnyRef, Tag};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use zeroize::Zeroizing;

use super::{
    asn1::{self, ObjectIdentifier},
    content::Content,
    hash::Hash,
};

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");

/// Keys and initialization vectors are never longer.
const MAX_KEY: usize = 32;

/// Rounds of a hash, or blocks of scrypt, that one file may ask for. OWASP's advice is 1.4 million at most for any
/// hash; this is some seconds of one core.
const MAX_WORK: u64 = 10_000_000;

/// Memory that scrypt may ask for, in its blocks of 128 bytes: 256 MiB.
const MAX_SCRYPT_BLOCKS: u64 = 1 << 21;

/// Why something stays encrypted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("wrong password, or the file is damaged")]
    Password,
    #[error("a password is needed; give the one that the file was made with")]
    NoPassword,
    #[error(
        "its password asks for more than {MAX_WORK} rounds of hashing, or 256 MiB of memory; make it anew with less"
    )]
    Work,
    #[error(
        "encrypted with an unknown algorithm ({0}); make it anew with AES (`openssl pkcs8 -topk8 -v2 aes-256-cbc`)"
    )]
    Unsupported(ObjectIdentifier),
    #[error("{0}")]
    Malformed(String),
}

impl From<der::Error> for Failure {
    fn from(error: der::Error) -> Self {
        Self::Malformed(match asn1::trailing(&error) {
            Some(count) => format!("{count} bytes follow what is encrypted; cut them off, or copy it anew"),
            None => "its encryption parameters are malformed; copy it anew".into(),
        })
    }
}

/// A password, in the forms in which the schemes take it.
pub(super) struct Password<'a> {
    /// For PBKDF2 and scrypt.
    pub(super) utf_8: &'a [u8],
    /// For PKCS#12's own derivation: UTF-16, big-endian, with a zero at its end (RFC 7292 appendix B.1).
    pub(super) utf_16: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    pub(super) fn new(password: &'a str) -> Self {
        // Room for all of it, so that growing leaves no copy behind.
        let mut utf_16 = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
        utf_16.extend(password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
        Self { utf_8: password.as_bytes(), utf_16 }
    }
}

/// What of [`MAX_WORK`] is left.
pub(super) struct Work(u64);

impl Work {
    pub(super) fn new() -> Self {
        Self(MAX_WORK)
    }

    pub(super) fn spend(&mut self, rounds: u64) -> Result<(), Failure> {
        self.0 = self.0.checked_sub(rounds).ok_or(Failure::Work)?;
        Ok(())
    }
}

/// The PKCS#8 key in an EncryptedPrivateKeyInfo (RFC 5958 §3).
pub(super) fn decrypt_pkcs8(der: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let [algorithm, encrypted] = asn1::sequence(der)?[..] else {
        return Err(asn1::malformed().into());
    };
    decrypt_key(algorithm, asn1::octets(encrypted)?, &Password::new(password), &mut Work::new())
}

/// A key decrypted with the wrong password has good padding once in 256 times, and is no key even then.
pub(super) fn decrypt_key(
    algorithm: AnyRef<'_>,
    encrypted: &[u8],
    password: &Password<'_>,
    work: &mut Work,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let key = decrypt(algorithm, encrypted, password, work)?;
    if Content::of(&key) != Content::PrivateKey {
        return Err(Failure::Password);
    }
    Ok(key)
}

/// What was encrypted under this algorithm, with its parameters.
pub(super) fn decrypt(
    algorithm: AnyRef<'_>,
    encrypted: &[u8],
    password: &Password<'_>,
    work: &mut Work,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (scheme, parameters) = asn1::algorithm(algorithm)?;
    let parameters = parameters.ok_or_else(asn1::malformed)?;
    let mut data = Zeroizing::new(encrypted.to_vec());
    let plain = if scheme == PBES2 {
        let [derivation, encryption] = asn1::fields_of(parameters)?[..] else {
            return Err(asn1::malformed().into());
        };
        let (oid, iv) = asn1::algorithm(encryption)?;
        let cipher = Cipher::of_pbes2(oid).ok_or(Failure::Unsupported(oid))?;
        let key = derive(derivation, cipher.key_size(), password, work)?;
        cipher.decrypt(&key, asn1::octets(iv.ok_or_else(asn1::malformed)?)?, &mut data)
    } else {
        let cipher = Cipher::of_pkcs12(scheme).ok_or(Failure::Unsupported(scheme))?;
        let [salt, rounds] = asn1::fields_of(parameters)?[..] else {
            return Err(asn1::malformed().into());
        };
        let (salt, rounds) = (asn1::octets(salt)?, rounds.decode_as::<u32>()?);
        work.spend(2 * u64::from(rounds))?;
        let mut key = Zeroizing::new([0; MAX_KEY]);
        let mut iv = Zeroizing::new([0; 8]);
        let key = key.get_mut(..cipher.key_size()).ok_or_else(asn1::malformed)?;
        Hash::Sha1.pkcs12(Purpose::Key as u8, &password.utf_16, salt, rounds, key);
        Hash::Sha1.pkcs12(Purpose::Iv as u8, &password.utf_16, salt, rounds, &mut iv[..]);
        cipher.decrypt(key, &iv[..], &mut data)
    };
    let length = plain.ok_or(Failure::Password)?;
    data.truncate(length);
    Ok(data)
}

/// What a key is for, in PKCS#12's own derivation (RFC 7292 appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// A key of this size by PBKDF2 (RFC 8018 appendix A.2) or scrypt (RFC 7914 §7).
pub(super) fn derive(
    derivation: AnyRef<'_>,
    size: usize,
    password: &Password<'_>,
    work: &mut Work,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (oid, parameters) = asn1::algorithm(derivation)?;
    let fields = asn1::fields_of(parameters.ok_or_else(asn1::malformed)?)?;
    let mut key = Zeroizing::new(vec![0; size]);
    match oid {
        PBKDF2 => pbkdf2(&fields, password, work, &mut key)?,
        SCRYPT => scrypt(&fields, password, work, &mut key)?,
        oid => return Err(Failure::Unsupported(oid)),
    }
    Ok(key)
}

fn pbkdf2(
    fields: &[AnyRef<'_>],
    password: &Password<'_>,
    work: &mut Work,
    key: &mut [u8],
) -> Result<(), Failure> {
    let [salt, rounds, optional @ ..] = fields else {
        return Err(asn1::malformed().into());
    };
    let optional = match optional {
        [length, rest @ ..] if length.header().tag() == Tag::Integer => {
            key_length(*length, key)?;
            rest
        }
        rest => rest,
    };
    let hash = match optional {
        [] => Hash::Sha1,
        [function] => {
            let (oid, _) = asn1::algorithm(*function)?;
            Hash::of_hmac(oid).ok_or(Failure::Unsupported(oid))?
        }
        _ => return Err(asn1::malformed().into()),
    };
    let (salt, rounds) = (asn1::octets(*salt)?, rounds.decode_as::<u32>()?);
    work.spend(rounds.into())?;
    hash.pbkdf2(password.utf_8, salt, rounds, key);
    Ok(())
}

fn scrypt(
    fields: &[AnyRef<'_>],
    password: &Password<'_>,
    work: &mut Work,
    key: &mut [u8],
) -> Result<(), Failure> {
    let [salt, cost, block_size, parallelization, optional @ ..] = fields else {
        return Err(asn1::malformed().into());
    };
    if let [length] = optional {
        key_length(*length, key)?;
    }
    let salt = asn1::octets(*salt)?;
    let (n, r, p) =
        (cost.decode_as::<u32>()?, block_size.decode_as::<u32>()?, parallelization.decode_as::<u32>()?);
    let blocks = u64::from(n) * u64::from(r);
    // V and B of RFC 7914 §5 and §6: the one grows with N, the other with p.
    let memory = blocks.checked_add(u64::from(r) * u64::from(p));
    if memory.is_none_or(|memory| memory > MAX_SCRYPT_BLOCKS) {
        return Err(Failure::Work);
    }
    work.spend(blocks.saturating_mul(p.into()))?;
    // RFC 7914 §2: larger than 1 and a power of 2.
    if n < 2 || !n.is_power_of_two() {
        return Err(asn1::malformed().into());
    }
    let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
    let parameters = scrypt::Params::new(log_n, r, p).map_err(|_| asn1::malformed())?;
    scrypt::scrypt(password.utf_8, salt, &parameters, key).map_err(|_| asn1::malformed().into())
}

/// Where the parameters name the key's length, it is the cipher's.
fn key_length(named: AnyRef<'_>, key: &[u8]) -> Result<(), Failure> {
    match usize::from(named.decode_as::<u16>()?) == key.len() {
        true => Ok(()),
        false => Err(asn1::malformed().into()),
    }
}

/// A block cipher in CBC mode.
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    TwoKeyTripleDes,
    Rc2Of128,
    Rc2Of40,
}

impl Cipher {
    /// RFC 8018 appendix B.2, and NIST's identifiers of AES.
    fn of_pbes2(oid: ObjectIdentifier) -> Option<Self> {
        const KNOWN: [(ObjectIdentifier, Cipher); 4] = [
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2"), Cipher::Aes128),
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22"), Cipher::Aes192),
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42"), Cipher::Aes256),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.3.7"), Cipher::TripleDes),
        ];
        KNOWN.iter().find(|(known, _)| *known == oid).map(|(_, cipher)| *cipher)
    }

    /// RFC 7292 appendix C; without RC4, which no tool has written in this century.
    fn of_pkcs12(oid: ObjectIdentifier) -> Option<Self> {
        const KNOWN: [(ObjectIdentifier, Cipher); 4] = [
            (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3"), Cipher::TripleDes),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4"), Cipher::TwoKeyTripleDes),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5"), Cipher::Rc2Of128),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6"), Cipher::Rc2Of40),
        ];
        KNOWN.iter().find(|(known, _)| *known == oid).map(|(_, cipher)| *cipher)
    }

    fn key_size(self) -> usize {
        match self {
            Self::Aes128 | Self::TwoKeyTripleDes | Self::Rc2Of128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Rc2Of40 => 5,
        }
    }

    /// Decrypts in place, and says how much of it is plain text; `None` where the padding is not right.
    fn decrypt(self, key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<usize> {
        match self {
            Self::Aes128 => cbc::<Aes128>(key, iv, data),
            Self::Aes192 => cbc::<Aes192>(key, iv, data),
            Self::Aes256 => cbc::<Aes256>(key, iv, data),
            Self::TripleDes => cbc::<TdesEde3>(key, iv, data),
            Self::TwoKeyTripleDes => cbc::<TdesEde2>(key, iv, data),
            Self::Rc2Of128 | Self::Rc2Of40 => cbc::<Rc2>(key, iv, data),
        }
    }
}

fn cbc<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<usize> {
    let decryptor = Decryptor::<C>::new_from_slices(key, iv).ok()?;
    decryptor.decrypt_padded::<Pkcs7>(data).ok().map(<[u8]>::len)
}
