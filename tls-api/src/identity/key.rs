//! Private keys: their three forms, what is refused in their place, and the public part that they tell.

use der::Tag;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::{
    asn1::{self, ObjectIdentifier},
    certificate::Certificate,
    content::Content,
    pem::{self, Section},
};
use crate::ConfigError;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The algorithms of keys that can sign in TLS. A backend may know fewer.
const SIGNING: [ObjectIdentifier; 8] = [
    RSA,
    RSASSA_PSS,
    EC,
    ObjectIdentifier::new_unwrap("1.3.101.112"), // Ed25519
    ObjectIdentifier::new_unwrap("1.3.101.113"), // Ed448
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"), // ML-DSA-44
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"), // ML-DSA-65
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"), // ML-DSA-87
];

/// Algorithms that people do have keys of, and that cannot sign in TLS.
const OTHERS: [(ObjectIdentifier, &str); 5] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.3.1"), "Diffie-Hellman"),
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "X25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.111"), "X448"),
    (ObjectIdentifier::new_unwrap("1.2.156.10197.1.301"), "SM2"),
];

/// The fields of a DSA key in OpenSSL's own form: version, p, q, g, y, x.
const DSA_FIELDS: usize = 6;

/// A private key in DER: PKCS#8, PKCS#1 or SEC1.
pub(super) fn from_der(
    der: Zeroizing<Vec<u8>>,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, ConfigError> {
    match Content::of(&der) {
        Content::EncryptedPrivateKey => plain(decrypted(&der, password)?),
        Content::PrivateKey => {
            warn_of_password(password);
            plain(der)
        }
        Content::Pem => Err(refused("it is PEM, not DER; use `from_pem`".into())),
        Content::Other => Err(refused(match asn1::sequence(&der) {
            Err(error) if asn1::trailing(&error).is_some() => {
                let count = asn1::trailing(&error).unwrap_or_default();
                format!("{count} bytes follow the key; cut them off, or copy it anew")
            }
            _ => "not a PKCS#8, PKCS#1 or SEC1 key in DER; for PEM use `from_pem`".into(),
        })),
        content => Err(refused(format!("it is {}; {}", content.name(), content.instead_of_private_key()))),
    }
}

/// The one private key of a PEM text.
pub(super) fn from_pem(pem: &[u8], password: Option<&str>) -> Result<PrivateKeyDer<'static>, ConfigError> {
    if Content::of(pem) != Content::Pem {
        return Err(refused(not_pem(pem)));
    }
    let (mut keys, others): (Vec<_>, Vec<_>) = pem::sections(pem)
        .map_err(refused)?
        .into_iter()
        .partition(|section| section.content().is_private_key());
    let Some(key) = keys.pop() else {
        return Err(refused(none_among(&others)));
    };
    if !keys.is_empty() {
        let labels: Vec<_> = keys.iter().chain([&key]).map(|key| format!("`{}`", key.label)).collect();
        let reason = format!("it holds {} private keys ({}); leave one", labels.len(), labels.join(", "));
        return Err(refused(reason));
    }
    if key.legacy_encryption {
        let advice = "rewrite it with `openssl pkcs8 -topk8 -in KEY -out NEW`";
        return Err(refused(format!("it is encrypted in a way from before PKCS#8; {advice}")));
    }
    if key.content() == Content::OpenSshPrivateKey {
        let advice = Content::OpenSshPrivateKey.instead_of_private_key();
        return Err(refused(format!("it is an OpenSSH private key; {advice}")));
    }
    from_der(key.body, password)
}

fn not_pem(bytes: &[u8]) -> String {
    match Content::of(bytes) {
        Content::Empty => "it is empty; give a PEM text with a `BEGIN PRIVATE KEY` section".into(),
        Content::PrivateKey | Content::EncryptedPrivateKey => {
            "it is a private key in DER, not PEM; use `from_der`".into()
        }
        Content::Other => "no `PRIVATE KEY` section found; give a PEM text that holds one".into(),
        content => format!("it is {}; {}", content.name(), content.instead_of_private_key()),
    }
}

fn none_among(others: &[Section]) -> String {
    let known = others.iter().find(|section| section.content() != Content::Other).or(others.first());
    match known {
        Some(section) => {
            let (label, advice) = (&section.label, section.content().instead_of_private_key());
            format!("no `PRIVATE KEY` section found, but `{label}`; {advice}")
        }
        None => "no `PRIVATE KEY` section found; give a PEM text that holds one".into(),
    }
}

fn decrypted(der: &[u8], password: Option<&str>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    #[cfg(feature = "encrypted-keys")]
    {
        let Some(password) = password else {
            let reason = "it is encrypted and no password was given; use a loader that takes one, such as \
                          `from_pem_with_password`";
            return Err(refused(reason.into()));
        };
        super::encryption::decrypt_pkcs8(der, password).map_err(|failure| refused(failure.to_string()))
    }
    #[cfg(not(feature = "encrypted-keys"))]
    {
        let _ = (der, password);
        let reason = "it is encrypted; enable the feature `encrypted-keys` of polytls and give its password, or \
                      decrypt it first (`openssl pkey -in KEY -out PLAIN`)";
        Err(refused(reason.into()))
    }
}

/// One deployment's key is encrypted and another's is not: the same code loads both, and whoever believes a key to be
/// protected hears of it.
fn warn_of_password(password: Option<&str>) {
    if password.is_some() {
        tracing::warn!("the private key is not encrypted; its password was not needed");
    }
}

fn plain(der: Zeroizing<Vec<u8>>) -> Result<PrivateKeyDer<'static>, ConfigError> {
    let not_a_key = |_| refused("not a PKCS#8, PKCS#1 or SEC1 key".into());
    let fields = asn1::sequence(&der).map_err(not_a_key)?;
    match fields[..] {
        [_, algorithm, ..] if algorithm.header().tag() == Tag::Sequence => {
            let (oid, _) = asn1::algorithm(algorithm).map_err(not_a_key)?;
            if !SIGNING.contains(&oid) {
                return Err(refused(cannot_sign(oid)));
            }
        }
        [_, integer, ..] if integer.header().tag() == Tag::Integer && fields.len() == DSA_FIELDS => {
            return Err(refused(cannot_sign(OTHERS[0].0)));
        }
        _ => {}
    }
    PrivateKeyDer::try_from(der.as_slice())
        .map(|key| key.clone_key())
        .map_err(|_| refused("not a PKCS#8, PKCS#1 or SEC1 key".into()))
}

fn cannot_sign(algorithm: ObjectIdentifier) -> String {
    let name = OTHERS.iter().find(|(oid, _)| *oid == algorithm);
    let name = name.map_or_else(|| format!("unknown ({algorithm})"), |(_, name)| (*name).to_owned());
    format!("its algorithm is {name}, which cannot sign in TLS; use an ECDSA, Ed25519 or RSA key")
}

pub(super) fn refused(reason: String) -> ConfigError {
    ConfigError::PrivateKey { reason }
}

/// What a private key says of its public part, without a cryptographic library to work it out.
pub(super) struct PublicPart<'a> {
    algorithm: ObjectIdentifier,
    key: Option<PublicKey<'a>>,
}

enum PublicKey<'a> {
    /// Modulus and public exponent.
    Rsa(&'a [u8], &'a [u8]),
    /// What the certificate's BIT STRING holds.
    Bits(&'a [u8]),
}

impl<'a> PublicPart<'a> {
    /// What the key tells; `None` where not even its algorithm can be read.
    pub(super) fn of(key: &'a PrivateKeyDer<'_>) -> Option<Self> {
        let fields = asn1::sequence(key.secret_der()).ok()?;
        match key {
            PrivateKeyDer::Pkcs1(_) => Some(Self { algorithm: RSA, key: rsa(&fields) }),
            PrivateKeyDer::Sec1(_) => Some(Self { algorithm: EC, key: sec1(&fields) }),
            PrivateKeyDer::Pkcs8(_) => {
                let [_version, algorithm, ref key, ref rest @ ..] = fields[..] else {
                    return None;
                };
                let (algorithm, _) = asn1::algorithm(algorithm).ok()?;
                let inner = asn1::octets(*key).and_then(asn1::sequence);
                let key = match algorithm {
                    RSA | RSASSA_PSS => inner.ok().and_then(|inner| rsa(&inner)),
                    EC => inner.ok().and_then(|inner| sec1(&inner)),
                    _ => None,
                };
                Some(Self { algorithm, key: key.or_else(|| version_2(rest)) })
            }
            _ => None,
        }
    }

    /// Whether the certificate is for this key; `None` where the key does not tell.
    pub(super) fn belongs_to(&self, certificate: &Certificate<'_>) -> Option<bool> {
        let family = |oid| if oid == RSASSA_PSS { RSA } else { oid };
        if family(self.algorithm) != family(certificate.key_algorithm) {
            return Some(false);
        }
        match self.key.as_ref()? {
            PublicKey::Rsa(modulus, exponent) => {
                let [n, e] = asn1::sequence(certificate.public_key).ok()?[..] else {
                    return None;
                };
                Some(unsigned(n) == *modulus && unsigned(e) == *exponent)
            }
            // A point may be compressed (SEC1 §2.3.3) on one side only: left to the backend.
            PublicKey::Bits(bits) if bits.len() != certificate.public_key.len() => None,
            PublicKey::Bits(bits) => Some(*bits == certificate.public_key),
        }
    }
}

/// RFC 8017 appendix A.1.2: version, modulus, publicExponent, and what is secret.
fn rsa<'a>(fields: &[der::AnyRef<'a>]) -> Option<PublicKey<'a>> {
    match fields {
        [_version, n, e, ..] => Some(PublicKey::Rsa(unsigned(*n), unsigned(*e))),
        _ => None,
    }
}

/// RFC 5915 §3: version, the scalar, and perhaps `[1]`, the public key.
fn sec1<'a>(fields: &[der::AnyRef<'a>]) -> Option<PublicKey<'a>> {
    let field = fields.iter().find(|field| asn1::is_context(**field, 1))?;
    match asn1::elements(field.value()).ok()?[..] {
        [bits] => asn1::bits(bits).ok().map(PublicKey::Bits),
        _ => None,
    }
}

/// RFC 5958 §2: `[1] IMPLICIT` BIT STRING, which begins with the number of its unused bits.
fn version_2<'a>(rest: &[der::AnyRef<'a>]) -> Option<PublicKey<'a>> {
    let field = rest.iter().find(|field| asn1::is_context(**field, 1))?;
    field.value().strip_prefix(&[0]).map(PublicKey::Bits)
}

/// The bytes of an INTEGER that is not negative, without the zero that says so.
fn unsigned(integer: der::AnyRef<'_>) -> &[u8] {
    let bytes = integer.value();
    bytes.strip_prefix(&[0]).unwrap_or(bytes)
}
