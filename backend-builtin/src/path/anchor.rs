//! Trust anchors: what a path has to lead to. What a path asks of a root as a rule is read once, at configuration.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use polytls_api::{
    CertificateDer, CertificateError, ConfigError, Roots,
    x509::{Certificate, FoldedName, KeyPurposeId, SubjectPublicKeyInfo, Validity},
};
use polytls_aws_lc::AuthorityKey;

use super::{Profile, algorithms, candidate::subject_key_identifier, validate::Rules};

/// The roots, found by subject.
#[derive(Debug)]
pub(super) struct Anchors {
    /// In the order of their octets.
    anchors: Vec<Anchor>,
    /// Where they are, by subject.
    by_subject: HashMap<FoldedName, Vec<usize>>,
}

/// A root. Beside its DER is what tells that it lacks nothing; who wants to know what it lacks, or what is seldom asked for,
/// reads it again.
pub(super) struct Anchor {
    /// All of them, which other configurations may share, and its place.
    certificates: Arc<[CertificateDer<'static>]>,
    place: usize,
    pub(super) validity: Validity,
    pub(super) subject_key_identifier: Option<Box<[u8]>>,
    pub(super) path_len_constraint: Option<u32>,
    pub(super) has_name_constraints: bool,
    /// [`algorithms::weight`] of its key.
    pub(super) weight: u32,
    /// For which of [`PURPOSES`] it lacks nothing while it is valid.
    sound: [bool; PURPOSES.len()],
    /// Of those that were asked for a signature, which are few in a store of many.
    key: OnceLock<AuthorityKey>,
}

/// What a peer is asked for.
const PURPOSES: [KeyPurposeId; 2] = [KeyPurposeId::SERVER_AUTH, KeyPurposeId::CLIENT_AUTH];

impl Anchors {
    /// # Errors
    /// [`ConfigError::NoRoots`] where there are none, [`ConfigError::Certificates`] for a given one that is malformed.
    pub(super) fn new(roots: &Roots, profile: Profile) -> Result<Self, ConfigError> {
        let certificates = roots.certificates()?;
        let mut read = Vec::new();
        for (place, der) in certificates.iter().enumerate() {
            match (Certificate::parse(der), roots) {
                (Ok(root), _) => {
                    let anchor = Anchor::new(certificates.clone(), place, &root, profile);
                    read.push((root.subject.folded(), anchor));
                }
                (Err(error), Roots::Explicit(_) | Roots::Directory(_)) => {
                    let reason = format!("a root is malformed: {error}");
                    return Err(ConfigError::Certificates { reason });
                }
                // One in a store that cannot be read takes nothing from the others.
                (Err(error), _) => tracing::debug!(%error, "a malformed root was passed over"),
            }
        }
        if read.is_empty() && *roots != Roots::None {
            return Err(ConfigError::NoRoots { reason: "none of them can be read".into() });
        }
        read.sort_by(|(_, one), (_, other)| one.der().cmp(other.der()));
        let (mut anchors, mut by_subject) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        for (subject, anchor) in read {
            by_subject.entry(subject).or_default().push(anchors.len());
            anchors.push(anchor);
        }
        Ok(Self { anchors, by_subject })
    }

    /// Those with this subject.
    pub(super) fn of_subject(&self, subject: &FoldedName) -> impl Iterator<Item = &Anchor> {
        let indices = self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.anchors.get(*index))
    }

    /// Whether the very certificate is one of them.
    pub(super) fn contains(&self, certificate: &[u8]) -> bool {
        self.anchors.binary_search_by(|anchor| anchor.der().cmp(certificate)).is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.anchors.len()
    }
}

impl Anchor {
    fn new(
        certificates: Arc<[CertificateDer<'static>]>,
        place: usize,
        certificate: &Certificate<'_>,
        profile: Profile,
    ) -> Self {
        let extensions = &certificate.extensions;
        let basic_constraints = extensions.basic_constraints.as_ref();
        // At a time at which it is valid, if it is at any.
        let now = certificate.validity.not_before;
        let is_sound = |purpose| Rules { now, purpose, profile, max_depth: 0 }.anchor(certificate).is_ok();
        Self {
            certificates,
            place,
            validity: certificate.validity,
            subject_key_identifier: subject_key_identifier(certificate).map(Into::into),
            path_len_constraint: basic_constraints.and_then(|extension| extension.value.path_len_constraint),
            has_name_constraints: extensions.name_constraints.is_some(),
            weight: algorithms::weight(certificate),
            sound: PURPOSES.map(is_sound),
            key: OnceLock::new(),
        }
    }

    pub(super) fn der(&self) -> &[u8] {
        self.certificates.get(self.place).map(AsRef::as_ref).unwrap_or_default()
    }

    /// All of it, read again.
    pub(super) fn certificate(&self) -> Result<Certificate<'_>, CertificateError> {
        Certificate::parse(self.der())
            .map_err(|error| CertificateError::Malformed { detail: error.to_string() })
    }

    /// The key, in DER.
    pub(super) fn subject_public_key_info(&self) -> Result<&[u8], CertificateError> {
        match SubjectPublicKeyInfo::of_certificate(self.der()) {
            Ok(info) => Ok(info.der),
            Err(error) => Err(CertificateError::Malformed { detail: error.to_string() }),
        }
    }

    /// [`Rules::anchor`], of the profile that it was read for.
    pub(super) fn check(&self, rules: &Rules) -> Result<(), CertificateError> {
        let purpose = PURPOSES.iter().zip(self.sound).find(|(purpose, _)| **purpose == rules.purpose);
        if purpose.is_some_and(|(_, sound)| sound) && rules.validity(self.validity).is_ok() {
            return Ok(());
        }
        rules.anchor(&self.certificate()?)
    }

    /// Whether its key has made the signature.
    pub(super) fn verify_signature(&self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        let key = match self.key.get() {
            Some(key) => key,
            None => {
                let info = self.subject_public_key_info()?;
                self.key.get_or_init(|| AuthorityKey::new(info))
            }
        };
        key.verify_signature(
            certificate.signature_algorithm.der,
            certificate.tbs_certificate,
            certificate.signature_value,
        )
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anchor").field("validity", &self.validity).finish_non_exhaustive()
    }
}
