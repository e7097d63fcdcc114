//! The chains that every stack uses: a root that nobody sends, and under it a certificate for each side.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm,
};

use crate::CertificateKind;

/// The server's name.
pub const NAME: &str = "localhost";

/// A root, and what it vouches for. Each side sends one certificate, whose signature the other verifies.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "a stack reads it")]
pub struct Certificates {
    /// The root's certificate in DER.
    pub root: Vec<u8>,
    /// The same in PEM.
    pub root_pem: String,
    /// The server's, for [`NAME`].
    pub server: Credentials,
    /// The client's.
    pub client: Credentials,
}

/// A certificate and its key.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "a stack reads it")]
pub struct Credentials {
    /// In DER.
    pub certificate: Vec<u8>,
    /// In DER, PKCS#8.
    pub key: Vec<u8>,
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The key in PEM, PKCS#8.
    pub key_pem: String,
}

impl Certificates {
    /// New ones, all of this kind.
    pub fn new(kind: CertificateKind) -> Self {
        let algorithm = match kind {
            CertificateKind::P256 => &PKCS_ECDSA_P256_SHA256,
            CertificateKind::Rsa2048 => &PKCS_RSA_SHA256,
            CertificateKind::Ed25519 => &PKCS_ED25519,
        };
        let (params, root_key) = (authority(), key(algorithm));
        let root = params.self_signed(&root_key).expect("rcgen makes roots");
        let issuer = Issuer::new(params, root_key);
        let end_entity = |name, purpose| Credentials::new(name, purpose, key(algorithm), &issuer);
        Self {
            server: end_entity(NAME, ExtendedKeyUsagePurpose::ServerAuth),
            client: end_entity("client", ExtendedKeyUsagePurpose::ClientAuth),
            root: root.der().to_vec(),
            root_pem: root.pem(),
        }
    }
}

impl Credentials {
    fn new(name: &str, purpose: ExtendedKeyUsagePurpose, key: KeyPair, issuer: &Issuer<'_, KeyPair>) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a DNS name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, issuer).expect("rcgen makes end entities");
        Self {
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("aws-lc-rs generates such keys")
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "the root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}
