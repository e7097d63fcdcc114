//! Valid chains, with one change each in what the peer presents: nobody may accept one, and nobody may panic.
//!
//! Each byte of each presented certificate is flipped in turn, by a pattern that the seed chooses; a sample of the bytes is
//! set to 0 and to 0xff, left out, doubled, and cut at. `POLYTLS_SEED` repeats a run. Roots are not changed: what is
//! trusted is trusted as it is.
//!
//! What is not signed counts too: the outer signatureAlgorithm must be the inner one (RFC 5280 §4.1.1.2), a BIT STRING has
//! no unused bits, and there is one encoding of everything in DER. The one change that leaves a certificate valid needs
//! arithmetic and not a byte: the signature (r, n - s) is good wherever ECDSA's (r, s) is. It changes nothing that is signed.

use std::{
    env, fmt,
    sync::{Arc, OnceLock},
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::FutureExt;
use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ExpectedPeer, PresentedChain, Roots, ServerName,
    TrustPolicy,
};
use polytls_builtin::{PathVerifier, Profile};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm,
};

/// How many bytes of each certificate are changed in the other ways.
const SAMPLE: usize = 40;

const NAME: &str = "server.example";

#[test]
fn no_changed_certificate_with_p256_is_accepted() {
    changes_are_refused(&PKCS_ECDSA_P256_SHA256);
}

#[test]
fn no_changed_certificate_with_rsa_is_accepted() {
    changes_are_refused(&PKCS_RSA_SHA256);
}

#[test]
fn no_changed_certificate_with_ed25519_is_accepted() {
    changes_are_refused(&PKCS_ED25519);
}

fn changes_are_refused(algorithm: &'static SignatureAlgorithm) {
    let mut random = Random(seed());
    let mut accepted = Vec::new();
    for (length, role) in [(2, Role::Server), (3, Role::Server), (2, Role::Client), (3, Role::Client)] {
        let chain = Chain::new(algorithm, length, role);
        let verifiers = verifiers(&chain.trust);
        for (name, verifier) in &verifiers {
            chain
                .verify(&chain.presented, verifier.as_ref())
                .unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
        for (place, change) in chain.changes(&mut random) {
            let Some(changed) = chain.changed(place, change) else { continue };
            for (name, verifier) in &verifiers {
                if chain.verify(&changed, verifier.as_ref()).is_ok() {
                    accepted.push(format!("{name}: {length} {role:?}: certificate {place}: {change}"));
                }
            }
        }
    }
    assert!(accepted.is_empty(), "accepted with seed {}:\n{}", seed(), accepted.join("\n"));
}

/// Every verifier of polytls, with these roots.
fn verifiers(trust: &TrustPolicy) -> Vec<(String, Arc<dyn CertificateVerifier>)> {
    let verifier = |backend: &Arc<dyn polytls::Backend>| {
        (backend.info().name.to_owned(), backend.verifier(trust).expect("the roots are good"))
    };
    let mut verifiers: Vec<_> = polytls::backends::all().iter().map(verifier).collect();
    for profile in [Profile::Interoperable, Profile::Strict] {
        let path = PathVerifier::new(trust, profile).expect("the roots are good");
        verifiers.push((format!("builtin {profile:?}"), Arc::new(path)));
    }
    verifiers
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

/// A valid chain.
struct Chain {
    trust: TrustPolicy,
    /// The end entity's first, without the root.
    presented: Vec<CertificateDer<'static>>,
    peer: Option<ServerName>,
}

impl Chain {
    /// One of so many certificates, the root among them.
    fn new(algorithm: &'static SignatureAlgorithm, length: usize, role: Role) -> Self {
        let key = || key(algorithm);
        let root = CertifiedIssuer::self_signed(authority("root"), key()).expect("a root");
        let trust = TrustPolicy::new(Roots::from_der([root.der().clone()]));
        let end_entity = end_entity(role);
        let presented = match length {
            2 => vec![end_entity.signed_by(&key(), &root).expect("an end entity").der().clone()],
            _ => {
                let issuer =
                    CertifiedIssuer::signed_by(authority("intermediate"), key(), &root).expect("an issuer");
                let end_entity = end_entity.signed_by(&key(), &issuer).expect("an end entity");
                vec![end_entity.der().clone(), issuer.der().clone()]
            }
        };
        let peer = (role == Role::Server).then(|| NAME.parse().expect("a name"));
        Self { trust, presented, peer }
    }

    fn verify(
        &self,
        presented: &[CertificateDer<'_>],
        verifier: &dyn CertificateVerifier,
    ) -> Result<(), CertificateError> {
        let [end_entity, intermediates @ ..] = presented else { return Err(CertificateError::Missing) };
        let peer = self.peer.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
        let chain = PresentedChain::new(end_entity, intermediates);
        let verdict = verifier.verify(&chain, &peer, SystemTime::now()).now_or_never();
        verdict.expect("polytls's own verifiers answer at once").map(|_| ())
    }

    /// A change a time, with the place of the certificate in the chain.
    fn changes(&self, random: &mut Random) -> Vec<(usize, Change)> {
        let mut changes = Vec::new();
        for (place, certificate) in self.presented.iter().enumerate() {
            changes.extend((0..certificate.len()).map(|at| (place, Change::Flip(at, random.mask()))));
            for _ in 0..SAMPLE {
                let at = random.below(certificate.len());
                let others = [
                    Change::Set(at, 0),
                    Change::Set(at, 0xff),
                    Change::LeaveOut(at),
                    Change::Double(at),
                    Change::Cut(at),
                ];
                changes.extend(others.map(|change| (place, change)));
            }
            // What follows a certificate.
            changes.push((place, Change::Append(0)));
            changes.push((place, Change::Append(0x30)));
            // BER around what is signed.
            changes.push((place, Change::LongLength));
            changes.push((place, Change::IndefiniteLength));
        }
        changes
    }

    /// The chain with one certificate changed; `None` where the change changes nothing.
    fn changed(&self, place: usize, change: Change) -> Option<Vec<CertificateDer<'static>>> {
        let mut changed = self.presented.clone();
        let certificate = changed.get_mut(place)?;
        let der = change.apply(certificate.to_vec());
        if *der == **certificate {
            return None;
        }
        *certificate = der.into();
        Some(changed)
    }
}

/// One change of a certificate, and where.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// These bits.
    Flip(usize, u8),
    /// To this byte.
    Set(usize, u8),
    LeaveOut(usize),
    Double(usize),
    /// All from here on is gone.
    Cut(usize),
    /// This byte behind the last.
    Append(u8),
    /// An octet more than needed for the length of the whole.
    LongLength,
    /// No length of the whole; two octets end it (X.690 §8.1.3.6).
    IndefiniteLength,
}

impl Change {
    fn apply(self, mut der: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Flip(at, mask) => der[at] ^= mask,
            Self::Set(at, byte) => der[at] = byte,
            Self::LeaveOut(at) => drop(der.remove(at)),
            Self::Double(at) => der.insert(at, der[at]),
            Self::Cut(at) => der.truncate(at),
            Self::Append(byte) => der.push(byte),
            // A certificate of this test has between 256 and 65,535 octets: 30 82, and two of length.
            Self::LongLength => drop(der.splice(1..2, [0x83, 0])),
            Self::IndefiniteLength => {
                der.splice(1..4, [0x80]);
                der.extend([0, 0]);
            }
        }
        der
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:x?}")
    }
}

fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    // Generating an RSA key takes longer than all the others together.
    static RSA: OnceLock<Vec<u8>> = OnceLock::new();
    if *algorithm == PKCS_RSA_SHA256 {
        let generate = || KeyPair::generate_for(algorithm).expect("a key").serialize_der();
        return KeyPair::try_from(RSA.get_or_init(generate).as_slice()).expect("the same key");
    }
    KeyPair::generate_for(algorithm).expect("a key")
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = name != "root";
    params
}

fn end_entity(role: Role) -> CertificateParams {
    let (names, usage) = match role {
        Role::Server => (vec![NAME.to_owned()], ExtendedKeyUsagePurpose::ServerAuth),
        Role::Client => (Vec::new(), ExtendedKeyUsagePurpose::ClientAuth),
    };
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, "end entity");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params
}

/// The seed of this run; it is printed where a test fails.
fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = env::var("POLYTLS_SEED").ok().and_then(|text| text.parse().ok());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let seed = given.unwrap_or_else(now);
        println!("POLYTLS_SEED={seed}");
        seed
    })
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    /// Bits to flip, at least one.
    fn mask(&mut self) -> u8 {
        match self.next() % 2 {
            0 => 1 << self.below(8),
            _ => u8::try_from(self.below(255) + 1).expect("it is a byte"),
        }
    }
}
