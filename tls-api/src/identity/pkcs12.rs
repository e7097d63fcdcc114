//! PKCS#12 files (RFC 7292): a key and certificates in one file, under one password.
//!
//! Taken apart level by level: the PFX and its MAC, safes (encrypted or not), bags. What is read is what tools write
//! for an identity: password integrity by PKCS#12's own MAC or PBMAC1 (RFC 9579), and password privacy. DER only.

use der::AnyRef;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::{
    asn1::{self, ObjectIdentifier},
    certificate,
    content::{Content, PKCS12_IN_BER},
    encryption::{self, Failure, Password, Purpose, Work},
    hash::Hash,
    key,
};
use crate::ConfigError;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const PBMAC1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.14");
const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const NESTED_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.6");
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");

/// What an identity is made of, in the file's order.
pub(super) struct Opened {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) key: Zeroizing<Vec<u8>>,
}

/// Opens a file; without a password, as if the password were empty.
pub(super) fn open(der: &[u8], password: Option<&str>) -> Result<Opened, ConfigError> {
    match Content::of(der) {
        Content::Pkcs12 => {}
        Content::Pem => {
            return Err(key::refused("it is PEM, not PKCS#12; use `from_pem` or `from_file`".into()));
        }
        Content::Pkcs12InBer => return Err(key::refused(PKCS12_IN_BER.into())),
        Content::Other => return Err(key::refused(not_pkcs12(der))),
        content => return Err(key::refused(format!("it is {}, not a PKCS#12 file", content.name()))),
    }
    let bags = read(der, password.unwrap_or_default()).map_err(|failure| match (failure, password) {
        (Failure::Password, None) => key::refused(Failure::NoPassword.to_string()),
        (failure, _) => key::refused(failure.to_string()),
    })?;
    if bags.certificates.is_empty() {
        let reason = "the PKCS#12 file holds no certificate; export the certificate with its key";
        return Err(certificate::refused(reason.into()));
    }
    Ok(bags)
}

fn not_pkcs12(der: &[u8]) -> String {
    match asn1::sequence(der).err().as_ref().and_then(asn1::trailing) {
        Some(count) => format!("{count} bytes follow the PKCS#12 file; cut them off, or copy it anew"),
        None => "not a PKCS#12 file in DER, or one that is cut short; copy it anew".into(),
    }
}

/// What the safes hold, before the key is decrypted: there must be one, and one password's work is enough.
#[derive(Default)]
struct Bags {
    certificates: Vec<CertificateDer<'static>>,
    keys: Vec<Key>,
}

enum Key {
    Plain(Zeroizing<Vec<u8>>),
    /// An EncryptedPrivateKeyInfo.
    Shrouded(Vec<u8>),
}

fn read(der: &[u8], password: &str) -> Result<Opened, Failure> {
    let mut password = Password::new(password);
    let mut work = Work::new();
    let fields = asn1::sequence(der).map_err(malformed)?;
    let [_version, safe, mac @ ..] = &fields[..] else {
        return Err(malformed(asn1::malformed()));
    };
    let (kind, safe) = content_info(*safe)?;
    if kind != DATA {
        return Err(Failure::Malformed("the PKCS#12 file is signed, and no password opens it".into()));
    }
    let safe = octets_in(safe)?;
    // Without a MAC the file is as trustworthy as PEM is, and the password is proved by what it decrypts.
    if let [mac, ..] = mac {
        verify_mac(*mac, safe, &mut password, &mut work)?;
    }
    let mut bags = Bags::default();
    for info in asn1::sequence(safe).map_err(malformed)? {
        let (kind, content) = content_info(info)?;
        match kind {
            DATA => bags.add(octets_in(content)?)?,
            ENCRYPTED_DATA => {
                let safe = decrypt_safe(content, &password, &mut work)?;
                // Where there is no MAC, this is where a wrong password shows.
                asn1::sequence(&safe).map_err(|_| Failure::Password)?;
                bags.add(&safe)?;
            }
            _ => {
                return Err(Failure::Malformed(
                    "the PKCS#12 file is encrypted to a key, not a password".into(),
                ));
            }
        }
    }
    let key = the_key(&mut bags.keys, &password, &mut work)?;
    Ok(Opened { certificates: bags.certificates, key })
}

fn the_key(
    keys: &mut [Key],
    password: &Password<'_>,
    work: &mut Work,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match keys {
        [Key::Plain(key)] => Ok(std::mem::take(key)),
        [Key::Shrouded(der)] => {
            let [algorithm, encrypted] = asn1::sequence(der).map_err(malformed)?[..] else {
                return Err(malformed(asn1::malformed()));
            };
            encryption::decrypt_key(algorithm, asn1::octets(encrypted)?, password, work)
        }
        [] => {
            let reason = "the PKCS#12 file holds no private key; export the certificate with its key";
            Err(Failure::Malformed(reason.into()))
        }
        keys => {
            let count = keys.len();
            let reason = format!("the PKCS#12 file holds {count} private keys; export one identity alone");
            Err(Failure::Malformed(reason))
        }
    }
}

/// RFC 7292 §4: the MAC is over the safes, and the first thing to show that the password is wrong.
fn verify_mac(
    mac_data: AnyRef<'_>,
    safe: &[u8],
    password: &mut Password<'_>,
    work: &mut Work,
) -> Result<(), Failure> {
    let fields = asn1::fields_of(mac_data).map_err(malformed)?;
    let (info, salt, rounds) = match fields[..] {
        [info, salt] => (info, salt, 1),
        [info, salt, rounds] => (info, salt, rounds.decode_as().map_err(malformed)?),
        _ => return Err(malformed(asn1::malformed())),
    };
    let [algorithm, mac] = asn1::fields_of(info).map_err(malformed)?[..] else {
        return Err(malformed(asn1::malformed()));
    };
    let (oid, parameters) = asn1::algorithm(algorithm)?;
    let mac = asn1::octets(mac)?;
    if oid == PBMAC1 {
        return verify_pbmac1(parameters, safe, mac, password, work);
    }
    let hash = Hash::of_digest(oid).ok_or(Failure::Unsupported(oid))?;
    let salt = asn1::octets(salt)?;
    let mut is_right = |utf_16: &[u8]| {
        work.spend(u64::from(rounds))?;
        let mut key = Zeroizing::new(vec![0; hash.output_size()]);
        hash.pkcs12(Purpose::Mac as u8, utf_16, salt, rounds, &mut key);
        Ok::<_, Failure>(hash.hmac_is(&key, safe, mac))
    };
    if is_right(&password.utf_16)? {
        return Ok(());
    }
    // Of an empty password some tools hash the terminating zero, and some nothing.
    if password.utf_8.is_empty() && is_right(&[])? {
        password.utf_16.clear();
        return Ok(());
    }
    Err(Failure::Password)
}

/// RFC 9579: PBKDF2 in place of PKCS#12's own derivation.
fn verify_pbmac1(
    parameters: Option<AnyRef<'_>>,
    safe: &[u8],
    mac: &[u8],
    password: &Password<'_>,
    work: &mut Work,
) -> Result<(), Failure> {
    let [derivation, scheme] = asn1::fields_of(parameters.ok_or_else(asn1::malformed)?)?[..] else {
        return Err(asn1::malformed().into());
    };
    let (oid, _) = asn1::algorithm(scheme)?;
    let hash = Hash::of_hmac(oid).ok_or(Failure::Unsupported(oid))?;
    let key = encryption::derive(derivation, hash.output_size(), password, work)?;
    match hash.hmac_is(&key, safe, mac) {
        true => Ok(()),
        false => Err(Failure::Password),
    }
}

/// RFC 5652 §8: EncryptedData, with its content in `[0] IMPLICIT` OCTET STRING.
fn decrypt_safe(
    content: &[u8],
    password: &Password<'_>,
    work: &mut Work,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let fields = asn1::sequence(content).map_err(malformed)?;
    let [_version, info, ..] = fields[..] else {
        return Err(malformed(asn1::malformed()));
    };
    match asn1::fields_of(info).map_err(malformed)?[..] {
        [_content_type, algorithm, encrypted] if asn1::is_context(encrypted, 0) => {
            encryption::decrypt(algorithm, encrypted.value(), password, work)
        }
        _ => Err(malformed(asn1::malformed())),
    }
}

impl Bags {
    /// RFC 7292 §4.2: the bags of a safe. What is no part of an identity (revocation lists, secrets) is passed over.
    fn add(&mut self, safe: &[u8]) -> Result<(), Failure> {
        for bag in asn1::sequence(safe).map_err(malformed)? {
            let fields = asn1::fields_of(bag).map_err(malformed)?;
            let [kind, value, ..] = fields[..] else {
                return Err(malformed(asn1::malformed()));
            };
            match kind.decode_as::<ObjectIdentifier>().map_err(malformed)? {
                KEY_BAG => self.keys.push(Key::Plain(Zeroizing::new(value.value().to_vec()))),
                SHROUDED_KEY_BAG => self.keys.push(Key::Shrouded(value.value().to_vec())),
                CERTIFICATE_BAG => self.certificates.push(certificate_of(value.value())?),
                NESTED_BAG => {
                    return Err(Failure::Malformed("the PKCS#12 file has safes within safes".into()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn certificate_of(bag: &[u8]) -> Result<CertificateDer<'static>, Failure> {
    match asn1::sequence(bag).map_err(malformed)?[..] {
        [kind, value] if kind.decode_as() == Ok(X509_CERTIFICATE) => {
            Ok(CertificateDer::from(octets_in(value.value())?.to_vec()))
        }
        _ => Err(Failure::Malformed("the PKCS#12 file holds a certificate that is not X.509".into())),
    }
}

/// RFC 5652 §3: a type, and its content in `[0]`.
fn content_info(info: AnyRef<'_>) -> Result<(ObjectIdentifier, &[u8]), Failure> {
    match asn1::fields_of(info).map_err(malformed)?[..] {
        [kind, content] if asn1::is_context(content, 0) => {
            Ok((kind.decode_as().map_err(malformed)?, content.value()))
        }
        _ => Err(malformed(asn1::malformed())),
    }
}

/// The bytes of the OCTET STRING that these bytes are.
fn octets_in(content: &[u8]) -> Result<&[u8], Failure> {
    match asn1::elements(content).map_err(malformed)?[..] {
        [octets] => asn1::octets(octets).map_err(malformed),
        _ => Err(malformed(asn1::malformed())),
    }
}

fn malformed(error: der::Error) -> Failure {
    Failure::Malformed(match asn1::is_indefinite(&error) {
        true => PKCS12_IN_BER.into(),
        false => "not a PKCS#12 file in DER, or one that is damaged; copy it anew".into(),
    })
}
