//! Certificates for the behaviours: made on the spot, each with the one fault that a behaviour is about.

use std::{
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use polytls_api::{CertificateDer, CertificateRevocationListDer, Identity, Roots, SignatureScheme, Signer};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CustomExtension,
    DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose,
    NameConstraints, RevokedCertParams, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use time::{Duration, OffsetDateTime};

use crate::random::Random;

/// The name that the behaviours' servers have, unless they are about names.
pub(crate) const SERVER_NAME: &str = "server.example";

/// What cannot fail: the parameters are all our own.
const MADE: &str = "rcgen makes what these parameters say";

/// Generating an RSA key takes longer than all the others together.
static RSA_KEY: LazyLock<Vec<u8>> =
    LazyLock::new(|| KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect(MADE).serialize_der());

/// A certification authority: a root, or below one.
pub(crate) struct Authority {
    /// What is in its certificate, for an impostor.
    params: CertificateParams,
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates between the authority's leaves and the root.
    intermediates: Vec<CertificateDer<'static>>,
}

/// The algorithm of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    P256,
    P384,
    Ed25519,
    Rsa2048,
}

/// An end entity's certificate to be issued.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    params: CertificateParams,
    key: Key,
    bad_signature: bool,
}

/// The key of a responder.
pub(crate) struct OcspKey(KeyPair);

impl OcspKey {
    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).expect(MADE)
    }
}

/// The validity of an authority, relative to now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Validity {
    Now,
    Past,
    Future,
}

impl Authority {
    /// A root of its own.
    pub(crate) fn root() -> Self {
        Self::root_with(authority_params("polytls conformance root"), Key::P256)
    }

    /// A root with a key of this algorithm.
    pub(crate) fn root_with_key(key: Key) -> Self {
        Self::root_with(authority_params("polytls conformance root"), key)
    }

    /// A root that calls itself by this authority's name, with a key of its own.
    pub(crate) fn impostor(&self) -> Self {
        Self::root_with(self.params.clone(), Key::P256)
    }

    fn root_with(params: CertificateParams, key: Key) -> Self {
        let issuer = CertifiedIssuer::self_signed(params.clone(), key.generate()).expect(MADE);
        Self { params, issuer, intermediates: Vec::new() }
    }

    /// An authority below this one.
    pub(crate) fn intermediate(&self) -> Self {
        self.intermediate_with(|_| ())
    }

    /// An authority below this one, valid at another time.
    pub(crate) fn intermediate_valid(&self, validity: Validity) -> Self {
        self.intermediate_with(|params| set_validity(params, validity))
    }

    /// An authority below this one that may speak for names under `domain` only.
    pub(crate) fn intermediate_for_names_under(&self, domain: &str) -> Self {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(domain.into())];
        let constraints = NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() };
        self.intermediate_with(|params| params.name_constraints = Some(constraints))
    }

    /// An authority below this one that may have no authority below itself.
    pub(crate) fn intermediate_without_others_below(&self) -> Self {
        self.intermediate_with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)))
    }

    /// An authority below this one with this serial number, by which it can be revoked.
    pub(crate) fn intermediate_numbered(&self, serial: u64) -> Self {
        self.intermediate_with(|params| params.serial_number = Some(SerialNumber::from(serial)))
    }

    /// What is no authority, and issues certificates all the same.
    pub(crate) fn end_entity_that_issues(&self) -> Self {
        self.intermediate_with(|params| {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        })
    }

    fn intermediate_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params("polytls conformance intermediate");
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let key = KeyPair::generate().expect(MADE);
        let issuer = CertifiedIssuer::signed_by(params.clone(), key, &self.issuer).expect(MADE);
        let mut intermediates = vec![issuer.der().clone()];
        intermediates.extend(self.intermediates.iter().cloned());
        Self { params, issuer, intermediates }
    }

    /// The authority's revocation list (RFC 5280 §5), in force at this time, with these serial numbers on it.
    pub(crate) fn crl(&self, validity: Validity, revoked: &[u64]) -> CertificateRevocationListDer<'static> {
        let (this_update, next_update) = validity.period();
        let revoked_certs = revoked.iter().map(|&serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect(MADE).der().clone()
    }

    /// The authority's own certificate.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Trust in this authority alone.
    pub(crate) fn roots(&self) -> Roots {
        Roots::from_der([self.certificate()])
    }

    /// An identity with its whole chain, without the root.
    pub(crate) fn issue(&self, leaf: Leaf) -> Identity {
        let (mut chain, key) = self.sign(leaf);
        chain.extend(self.intermediates.iter().cloned());
        identity(chain, key)
    }

    /// An identity whose intermediates are left out.
    pub(crate) fn issue_without_chain(&self, leaf: Leaf) -> Identity {
        let (chain, key) = self.sign(leaf);
        identity(chain, key)
    }

    /// A certificate that speaks for this authority in OCSP, if the leaf is for that; and its key.
    pub(crate) fn responder(&self, leaf: Leaf) -> (CertificateDer<'static>, OcspKey) {
        let (mut chain, key) = self.sign(leaf);
        (chain.remove(0), OcspKey(key))
    }

    /// Over what the authority says beside certificates and lists.
    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        self.issuer.key().sign(message).expect(MADE)
    }

    fn sign(&self, leaf: Leaf) -> (Vec<CertificateDer<'static>>, KeyPair) {
        let key = leaf.key.generate();
        let certificate = leaf.params.signed_by(&key, &self.issuer).expect(MADE).der().clone();
        if !leaf.bad_signature {
            return (vec![certificate], key);
        }
        let mut der = certificate.to_vec();
        // The signature is the last field of a certificate (RFC 5280 §4.1).
        if let Some(last) = der.last_mut() {
            *last ^= 1;
        }
        (vec![der.into()], key)
    }
}

impl Leaf {
    /// A server's, for [`SERVER_NAME`].
    pub(crate) fn server() -> Self {
        Self::server_for(&[SERVER_NAME])
    }

    /// A server's, for these DNS names and addresses.
    pub(crate) fn server_for(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect(MADE);
        params.distinguished_name.push(DnType::CommonName, "polytls conformance server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Self::new(params)
    }

    /// A server's that holds an address, but as the text of a DNS name.
    pub(crate) fn server_with_address_as_text(address: IpAddr) -> Self {
        let mut leaf = Self::server_for(&[]);
        let text = address.to_string().try_into().expect(MADE);
        leaf.params.subject_alt_names = vec![SanType::DnsName(text)];
        leaf
    }

    /// A server's that holds the name in its subject only (RFC 9525 §2 forbids to look there).
    pub(crate) fn server_by_common_name(name: &str) -> Self {
        let mut leaf = Self::server_for(&[]);
        leaf.params.distinguished_name.push(DnType::CommonName, name);
        leaf
    }

    /// A responder's of its issuer (RFC 6960 §4.2.2.2).
    pub(crate) fn ocsp_responder() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "polytls conformance responder");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        Self::new(params)
    }

    /// That says must-staple (RFC 7633): status_request.
    pub(crate) fn must_staple(mut self) -> Self {
        let (oid, value) = ([1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]);
        self.params.custom_extensions.push(CustomExtension::from_oid_content(&oid, value));
        self
    }

    /// A client's.
    pub(crate) fn client() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "polytls conformance client");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Self::new(params)
    }

    fn new(mut params: CertificateParams) -> Self {
        set_validity(&mut params, Validity::Now);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        Self { params, key: Key::P256, bad_signature: false }
    }

    /// With a key of this algorithm; default: P-256.
    pub(crate) fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// With this serial number, by which it can be revoked.
    pub(crate) fn numbered(mut self, serial: u64) -> Self {
        self.params.serial_number = Some(SerialNumber::from(serial));
        self
    }

    /// With so many names that the certificate takes 48 KiB, and more than one read brings when it is compressed
    /// (RFC 8879).
    pub(crate) fn bulky(mut self) -> Self {
        let mut random = Random::new(0);
        let alphabet = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut name = || {
            let letters =
                random.bytes(40).into_iter().map(|byte| alphabet[usize::from(byte) % alphabet.len()]);
            let label: String = letters.map(char::from).collect();
            format!("{label}.many.example").try_into().expect(MADE)
        };
        let names = std::iter::repeat_with(&mut name).take(900);
        self.params.subject_alt_names.extend(names.map(SanType::DnsName));
        self
    }

    /// Valid at another time.
    pub(crate) fn valid(mut self, validity: Validity) -> Self {
        set_validity(&mut self.params, validity);
        self
    }

    /// Of the wrong usage for a server.
    pub(crate) fn for_clients(mut self) -> Self {
        self.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self
    }

    /// Of the wrong usage for a client.
    pub(crate) fn for_servers(mut self) -> Self {
        self.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self
    }

    /// An authority's, too.
    pub(crate) fn of_an_authority(mut self) -> Self {
        self.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        self
    }

    /// With a signature that is not its issuer's.
    pub(crate) fn badly_signed(mut self) -> Self {
        self.bad_signature = true;
        self
    }

    /// Signed by its own key.
    pub(crate) fn self_signed(mut self) -> Identity {
        let key = self.key.generate();
        self.params.use_authority_key_identifier_extension = false;
        let certificate = self.params.self_signed(&key).expect(MADE).der().clone();
        identity(vec![certificate], key)
    }
}

impl Key {
    pub(crate) const ALL: [Self; 4] = [Self::P256, Self::P384, Self::Ed25519, Self::Rsa2048];

    /// The schemes that such a key signs with; the first will do in every version.
    pub(crate) fn schemes(self) -> &'static [SignatureScheme] {
        match self {
            Self::P256 => &[SignatureScheme::ECDSA_SECP256R1_SHA256],
            Self::P384 => &[SignatureScheme::ECDSA_SECP384R1_SHA384],
            Self::Ed25519 => &[SignatureScheme::ED25519],
            Self::Rsa2048 => &[SignatureScheme::RSA_PSS_RSAE_SHA256, SignatureScheme::RSA_PKCS1_SHA256],
        }
    }

    pub(crate) fn generate(self) -> KeyPair {
        let algorithm: &SignatureAlgorithm = match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::Rsa2048 => return KeyPair::try_from(RSA_KEY.as_slice()).expect(MADE),
        };
        KeyPair::generate_for(algorithm).expect(MADE)
    }
}

/// The chain with another, unrelated certificate at its end.
pub(crate) fn with_stranger(identity: &Identity, stranger: &Authority) -> Identity {
    let chain = identity.chain().iter().cloned().chain([stranger.certificate()]);
    Identity::from_der(chain, secret(identity)).expect(MADE)
}

/// The same chain with its key in the hands of this signer.
pub(crate) fn signed_elsewhere(identity: &Identity, signer: Arc<dyn Signer>) -> Identity {
    Identity::from_signer(identity.chain().iter().cloned(), signer).expect(MADE)
}

/// The chain of one identity with the P-256 key of the other, of which only the scalar is left: a key that tells its
/// public part would be refused before a backend sees it.
pub(crate) fn mismatched(chain_of: &Identity, key_of: &Identity) -> Identity {
    /// PKCS#8 (RFC 5958 §2) of id-ecPublicKey and P-256, up to the scalar of the ECPrivateKey (RFC 5915 §3) in it.
    const BEFORE_SCALAR: [u8; 35] = [
        0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20,
    ];
    let key = secret(key_of);
    let version_and_length = BEFORE_SCALAR.split_at(30).1;
    let place = key.windows(5).position(|window| window == version_and_length).expect(MADE) + 5;
    let bare = [&BEFORE_SCALAR, &key[place..place + 32]].concat();
    Identity::from_der(chain_of.chain().iter().cloned(), bare).expect(MADE)
}

/// The identity's key, as PKCS#8.
pub(crate) fn secret(identity: &Identity) -> Vec<u8> {
    identity.private_key().expect("identities of this suite hold their keys").secret_der().to_vec()
}

fn identity(chain: Vec<CertificateDer<'static>>, key: KeyPair) -> Identity {
    Identity::from_der(chain, key.serialize_der()).expect(MADE)
}

fn authority_params(name: &str) -> CertificateParams {
    // Two authorities of one name would leave it to the library which of their keys it tries.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("{name} {}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, Validity::Now);
    params
}

fn set_validity(params: &mut CertificateParams, validity: Validity) {
    (params.not_before, params.not_after) = validity.period();
}

impl Validity {
    fn period(self) -> (OffsetDateTime, OffsetDateTime) {
        let now = OffsetDateTime::now_utc();
        let (from, to) = match self {
            Self::Now => (-30, 30),
            Self::Past => (-20, -10),
            Self::Future => (10, 20),
        };
        (now + Duration::days(from), now + Duration::days(to))
    }
}
