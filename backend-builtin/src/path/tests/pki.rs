//! Certificates for tests, field by field: whatever RFC 5280 §4.1 has a place for, right or wrong.
//!
//! What [`Template`] makes by itself breaks no rule of either profile.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use der::{Encode, asn1::ObjectIdentifier};
use polytls_api::CertificateDer;

pub(super) const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
pub(super) const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub(super) const ANY_PURPOSE: &str = "2.5.29.37.0";
pub(super) const ANY_POLICY: &str = "2.5.29.32.0";

// Extensions, by their last arc in id-ce.
pub(super) const SUBJECT_KEY_IDENTIFIER: u8 = 14;
pub(super) const KEY_USAGE: u8 = 15;
pub(super) const SUBJECT_ALT_NAME: u8 = 17;
pub(super) const BASIC_CONSTRAINTS: u8 = 19;
pub(super) const NAME_CONSTRAINTS: u8 = 30;
pub(super) const CERTIFICATE_POLICIES: u8 = 32;
pub(super) const POLICY_MAPPINGS: u8 = 33;
pub(super) const AUTHORITY_KEY_IDENTIFIER: u8 = 35;
pub(super) const POLICY_CONSTRAINTS: u8 = 36;
pub(super) const EXT_KEY_USAGE: u8 = 37;
pub(super) const INHIBIT_ANY_POLICY: u8 = 54;

// Bits of keyUsage, as its first octet has them.
pub(super) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(super) const KEY_CERT_SIGN: u8 = 0x04;
pub(super) const CRL_SIGN: u8 = 0x02;

// Choices of GeneralName.
pub(super) const RFC822: u8 = 0x81;
pub(super) const DNS: u8 = 0x82;
pub(super) const DIRECTORY: u8 = 0xa4;
pub(super) const URI: u8 = 0x86;
pub(super) const IP: u8 = 0x87;
pub(super) const REGISTERED_ID: u8 = 0x88;

/// DER: a tag, the content's length, the content.
pub(super) fn tlv(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let length = content.len();
    let header = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        0x100..0x10000 => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        _ => vec![tag, 0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8],
    };
    [&header, content].concat()
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, parts.concat())
}

pub(super) fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(text).to_der().unwrap()
}

/// A name with these attributes, one in each RDN: the attribute's last arc in id-at, the string's tag, the text.
pub(super) fn name(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let rdn = |(kind, tag, text): &(u8, u8, &[u8])| {
        tlv(0x31, sequence(&[tlv(6, [0x55, 4, *kind]), tlv(*tag, text)]))
    };
    sequence(&attributes.iter().map(rdn).collect::<Vec<_>>())
}

/// A name with this commonName.
pub(super) fn common_name(text: &str) -> Vec<u8> {
    name(&[(3, 0x0c, text.as_bytes())])
}

/// A key, and how it signs.
#[derive(Clone)]
pub(super) struct Key(Arc<Inner>);

enum Inner {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// Generating one takes longer than all else.
static RSA: LazyLock<Key> =
    LazyLock::new(|| Key(Arc::new(Inner::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))));

impl Key {
    pub(super) fn p256() -> Self {
        Self(Arc::new(Inner::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())))
    }

    pub(super) fn ed25519() -> Self {
        Self(Arc::new(Inner::Ed25519(Ed25519KeyPair::generate().unwrap())))
    }

    pub(super) fn rsa() -> Self {
        RSA.clone()
    }

    fn public(&self) -> &[u8] {
        match &*self.0 {
            Inner::P256(key) => key.public_key().as_ref(),
            Inner::Ed25519(key) => key.public_key().as_ref(),
            Inner::Rsa(key) => key.public_key().as_ref(),
        }
    }

    pub(super) fn info(&self) -> Vec<u8> {
        let algorithm = match &*self.0 {
            Inner::P256(_) => sequence(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]),
            Inner::Ed25519(_) => sequence(&[oid("1.3.101.112")]),
            Inner::Rsa(_) => sequence(&[oid("1.2.840.113549.1.1.1"), tlv(5, [])]),
        };
        sequence(&[algorithm, tlv(3, [&[0], self.public()].concat())])
    }

    fn signature_algorithm(&self) -> Vec<u8> {
        match &*self.0 {
            Inner::P256(_) => sequence(&[oid("1.2.840.10045.4.3.2")]),
            Inner::Ed25519(_) => sequence(&[oid("1.3.101.112")]),
            Inner::Rsa(_) => sequence(&[oid("1.2.840.113549.1.1.11"), tlv(5, [])]),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.0 {
            Inner::P256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Inner::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Inner::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// What its certificates call it.
    pub(super) fn identifier(&self) -> Vec<u8> {
        let public = self.public();
        public[public.len() - 20..].to_vec()
    }
}

/// A certificate to be issued.
#[derive(Clone)]
pub(super) struct Template {
    pub(super) version: u8,
    pub(super) serial: Vec<u8>,
    pub(super) subject: Vec<u8>,
    /// UTCTime of its first and last second.
    pub(super) validity: (String, String),
    pub(super) key: Key,
    /// In the place of the key's own.
    pub(super) key_info: Option<Vec<u8>>,
    /// In the place of the algorithm of the issuer's key: what is signed, and what is outside.
    pub(super) algorithms: Option<(Vec<u8>, Vec<u8>)>,
    /// Each with its last arc in id-ce, whether it is critical, and its value.
    pub(super) extensions: Vec<(Vec<u8>, bool, Vec<u8>)>,
}

impl Template {
    fn new(subject: Vec<u8>) -> Self {
        let key = Key::p256();
        Self {
            version: 3,
            serial: key
                .identifier()
                .into_iter()
                .take(8)
                .map(|octet| octet | 1)
                .map(|octet| octet & 0x7f)
                .collect(),
            subject,
            validity: ("240101000000Z".into(), "491231235959Z".into()),
            key,
            key_info: None,
            algorithms: None,
            extensions: Vec::new(),
        }
    }

    pub(super) fn authority(name: &str) -> Self {
        Self::new(common_name(name)).with(BASIC_CONSTRAINTS, true, basic_constraints(true, None)).with(
            KEY_USAGE,
            true,
            key_usage(KEY_CERT_SIGN | CRL_SIGN),
        )
    }

    pub(super) fn server(dns: &str) -> Self {
        Self::new(common_name(dns))
            .with(KEY_USAGE, true, key_usage(DIGITAL_SIGNATURE))
            .with(EXT_KEY_USAGE, false, purposes(&[SERVER_AUTH]))
            .with(SUBJECT_ALT_NAME, false, general_names(&[(DNS, dns.as_bytes())]))
    }

    pub(super) fn client(name: &str) -> Self {
        Self::new(common_name(name)).with(KEY_USAGE, true, key_usage(DIGITAL_SIGNATURE)).with(
            EXT_KEY_USAGE,
            false,
            purposes(&[CLIENT_AUTH]),
        )
    }

    /// With this extension, in the place of another of its kind.
    pub(super) fn with(self, extension: u8, critical: bool, value: Vec<u8>) -> Self {
        let mut changed = self.without(extension);
        changed.extensions.push((id_ce(extension), critical, value));
        changed
    }

    pub(super) fn without(mut self, extension: u8) -> Self {
        self.extensions.retain(|(kind, ..)| *kind != id_ce(extension));
        self
    }

    /// With names of a server, in the place of those that it has.
    pub(super) fn names(self, names: &[(u8, &[u8])]) -> Self {
        self.with(SUBJECT_ALT_NAME, false, general_names(names))
    }

    pub(super) fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn key(self, key: Key) -> Self {
        self.change(|template| template.key = key)
    }

    /// Signed by its own key.
    pub(super) fn self_signed(self) -> Authority {
        let issuer = Authority { name: self.subject.clone(), key: self.key.clone(), der: Vec::new().into() };
        issuer.authority_as(self, false)
    }

    /// The certificate, under this issuer's name and key.
    fn encode(&self, issuer: &Authority, with_identifiers: bool) -> CertificateDer<'static> {
        let mut extensions = self.extensions.clone();
        let has = |kind: u8| self.extensions.iter().any(|(own, ..)| *own == id_ce(kind));
        if !has(SUBJECT_KEY_IDENTIFIER) {
            extensions.push((id_ce(SUBJECT_KEY_IDENTIFIER), false, tlv(4, self.key.identifier())));
        }
        if with_identifiers && !has(AUTHORITY_KEY_IDENTIFIER) {
            let value = sequence(&[tlv(0x80, issuer.key.identifier())]);
            extensions.push((id_ce(AUTHORITY_KEY_IDENTIFIER), false, value));
        }
        // One without a value says that there is to be none.
        extensions.retain(|(_, _, value)| !value.is_empty());
        let own = issuer.key.signature_algorithm();
        let (inner, outer) = self.algorithms.clone().unwrap_or((own.clone(), own));
        let tbs = self.tbs_certificate(issuer, &inner, &extensions);
        let signature = tlv(3, [vec![0], issuer.key.sign(&tbs)].concat());
        sequence(&[tbs, outer, signature]).into()
    }

    fn tbs_certificate(
        &self,
        issuer: &Authority,
        algorithm: &[u8],
        extensions: &[(Vec<u8>, bool, Vec<u8>)],
    ) -> Vec<u8> {
        let time = |text: &str| tlv(if text.len() == 13 { 0x17 } else { 0x18 }, text);
        let mut fields = Vec::new();
        if self.version > 1 {
            fields.push(tlv(0xa0, tlv(2, [self.version - 1])));
        }
        fields.extend([
            tlv(2, &self.serial),
            algorithm.to_vec(),
            issuer.name.clone(),
            sequence(&[time(&self.validity.0), time(&self.validity.1)]),
            self.subject.clone(),
            self.key_info.clone().unwrap_or_else(|| self.key.info()),
        ]);
        if self.version == 3 {
            let encode = |(kind, critical, value): &(Vec<u8>, bool, Vec<u8>)| {
                let critical = if *critical { tlv(1, [0xff]) } else { Vec::new() };
                sequence(&[tlv(6, kind), critical, tlv(4, value)])
            };
            fields.push(tlv(0xa3, sequence(&extensions.iter().map(encode).collect::<Vec<_>>())));
        }
        sequence(&fields)
    }
}

/// Who issues certificates.
#[derive(Clone)]
pub(super) struct Authority {
    pub(super) name: Vec<u8>,
    pub(super) key: Key,
    pub(super) der: CertificateDer<'static>,
}

impl Authority {
    pub(super) fn root(name: &str) -> Self {
        Template::authority(name).self_signed()
    }

    pub(super) fn issue(&self, template: Template) -> CertificateDer<'static> {
        template.encode(self, true)
    }

    /// Another below it.
    pub(super) fn authority(&self, template: Template) -> Self {
        self.authority_as(template, true)
    }

    fn authority_as(&self, template: Template, with_identifiers: bool) -> Self {
        let der = template.encode(self, with_identifiers);
        Self { name: template.subject, key: template.key, der }
    }
}

fn id_ce(extension: u8) -> Vec<u8> {
    vec![0x55, 0x1d, extension]
}

pub(super) fn basic_constraints(ca: bool, path_length: Option<u8>) -> Vec<u8> {
    let ca = if ca { tlv(1, [0xff]) } else { Vec::new() };
    sequence(&[ca, path_length.map(|length| tlv(2, [length])).unwrap_or_default()])
}

pub(super) fn key_usage(bits: u8) -> Vec<u8> {
    tlv(3, [bits.trailing_zeros().min(7) as u8, bits])
}

pub(super) fn purposes(purposes: &[&str]) -> Vec<u8> {
    sequence(&purposes.iter().map(|purpose| oid(purpose)).collect::<Vec<_>>())
}

pub(super) fn general_names(names: &[(u8, &[u8])]) -> Vec<u8> {
    sequence(&names.iter().map(|(tag, content)| tlv(*tag, content)).collect::<Vec<_>>())
}

/// Constraints: each subtree is the choice of GeneralName, and its content.
pub(super) fn name_constraints(permitted: &[(u8, &[u8])], excluded: &[(u8, &[u8])]) -> Vec<u8> {
    let subtrees = |tag, bases: &[(u8, &[u8])]| match bases {
        [] => Vec::new(),
        _ => {
            let subtrees = bases.iter().map(|(tag, content)| sequence(&[tlv(*tag, content)]));
            tlv(tag, subtrees.collect::<Vec<_>>().concat())
        }
    };
    sequence(&[subtrees(0xa0, permitted), subtrees(0xa1, excluded)])
}

pub(super) fn policies(policies: &[&str]) -> Vec<u8> {
    sequence(&policies.iter().map(|policy| sequence(&[oid(policy)])).collect::<Vec<_>>())
}

pub(super) fn policy_mappings(mappings: &[(&str, &str)]) -> Vec<u8> {
    sequence(&mappings.iter().map(|(from, to)| sequence(&[oid(from), oid(to)])).collect::<Vec<_>>())
}

pub(super) fn policy_constraints(require_explicit: Option<u8>, inhibit_mapping: Option<u8>) -> Vec<u8> {
    let part = |tag, number: Option<u8>| number.map(|number| tlv(tag, [number])).unwrap_or_default();
    sequence(&[part(0x80, require_explicit), part(0x81, inhibit_mapping)])
}
