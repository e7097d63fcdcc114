//! One revocation list: whose it is, whether it can be used, and what it names.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use polytls_x509::{Certificate, CertificateList, KeyUsage, Name};
use rustls_pki_types::CertificateRevocationListDer;
use sha2::{Digest, Sha256};

use super::{entries::Entries, scope::Scope};
use crate::{ConfigError, SignatureVerifier, error::date, revocation::checker::Status};

/// For how many keys it is remembered whether they signed a list. An issuer has one, rarely two.
const MOST_KEYS: usize = 8;

/// A list, indexed.
pub(super) struct List {
    crls: Arc<[CertificateRevocationListDer<'static>]>,
    /// Which of them it is.
    place: usize,
    /// The issuer's name, in DER.
    issuer: Vec<u8>,
    this_update: SystemTime,
    next_update: SystemTime,
    /// The cRLNumber, without leading zeros.
    number: Vec<u8>,
    scope: Scope,
    /// A number that lists of the same scope share.
    pub(super) kind: usize,
    /// What it names, or why it cannot be used.
    entries: Result<Entries, String>,
    signed_by: Mutex<Vec<Signer>>,
}

/// Whether a key has signed a list.
struct Signer {
    /// The SHA-256 digest of the key.
    digest: [u8; 32],
    verdict: Result<(), String>,
}

impl List {
    /// # Errors
    /// [`ConfigError::Certificates`] for what cannot be used whatever the time.
    pub(super) fn new(
        crls: Arc<[CertificateRevocationListDer<'static>]>,
        place: usize,
    ) -> Result<Self, ConfigError> {
        let unusable = |reason: String| ConfigError::Certificates {
            reason: format!("a revocation list cannot be used: {reason}; give complete CRLs in DER"),
        };
        let der = crls.get(place).map(|crl| crl.as_ref()).unwrap_or_default();
        let list = CertificateList::parse(der).map_err(|error| unusable(error.to_string()))?;
        if list.is_delta {
            return Err(unusable(
                "it is a delta, which says what is new since another (RFC 5280 §5.2.4)".into(),
            ));
        }
        // RFC 5280 §5.1.2.5. Without it nobody could say whether the list is in force.
        let next_update = list.next_update.ok_or_else(|| unusable("it has no nextUpdate".into()))?;
        let number = list.crl_number.map(|(number, _)| number).unwrap_or_default();
        let leading_zeros = number.iter().take_while(|byte| **byte == 0).count();
        Ok(Self {
            issuer: list.issuer.der().to_vec(),
            this_update: list.this_update,
            next_update,
            number: number.get(leading_zeros..).unwrap_or_default().to_vec(),
            scope: Scope::new(&list),
            kind: 0,
            entries: check_extensions(&list).and_then(|()| Entries::new(&list)),
            signed_by: Mutex::default(),
            place,
            crls,
        })
    }

    /// The greater, the newer.
    pub(super) fn age(&self) -> impl Ord + use<> {
        (self.this_update, self.number.len(), self.number.clone())
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether it bears this issuer's name.
    pub(super) fn is_named(&self, issuer: &Name<'_>) -> bool {
        self.issuer == issuer.der() || Name::parse(&self.issuer).is_ok_and(|name| name.matches(issuer))
    }

    /// # Errors
    /// Why it cannot be used at this time.
    pub(super) fn check_usable(&self, now: SystemTime) -> Result<(), String> {
        if let Err(reason) = &self.entries {
            return Err(reason.clone());
        }
        if now < self.this_update {
            return Err(format!("one is in force only from {}", date(self.this_update)));
        }
        if now > self.next_update {
            return Err(format!("one is outdated since {}", date(self.next_update)));
        }
        Ok(())
    }

    /// The key alone tells whose it is, and no identifier of a key: an authority may have certificates that call its key by
    /// different ones, and the peer chooses among them.
    ///
    /// # Errors
    /// Why it is not this issuer's, or cannot be told to be.
    pub(super) fn check_signed_by(
        &self,
        issuer: &Certificate<'_>,
        signatures: &dyn SignatureVerifier,
    ) -> Result<(), String> {
        // RFC 5280 §6.3.3 (f).
        let usage = issuer.extensions.key_usage.as_ref();
        if usage.is_some_and(|usage| !usage.value.contains(KeyUsage::CRL_SIGN)) {
            return Err("its key usage does not allow it to sign lists".into());
        }
        let key = issuer.subject_public_key_info.der;
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut known = self.signed_by.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = known.iter().find(|known| known.digest == digest) {
            return signer.verdict.clone();
        }
        let verdict = self.verify_signature(key, signatures);
        if known.len() >= MOST_KEYS {
            let _oldest = known.remove(0);
        }
        known.push(Signer { digest, verdict: verdict.clone() });
        verdict
    }

    fn verify_signature(&self, key: &[u8], signatures: &dyn SignatureVerifier) -> Result<(), String> {
        let der = self.crls.get(self.place).map(|crl| crl.as_ref()).unwrap_or_default();
        let list = CertificateList::parse(der).map_err(|error| error.to_string())?;
        let algorithm = list.signature_algorithm.der;
        // RFC 5280 §5.1.1.2.
        if list.tbs_signature.der != algorithm {
            return Err("one names two algorithms of its signature".into());
        }
        signatures
            .verify_signature(key, algorithm, list.tbs_cert_list, list.signature_value)
            .map_err(|error| format!("one is not signed by it: {error}"))
    }

    /// What it says of this serial number, where it names it.
    pub(super) fn revoked(&self, serial_number: &[u8]) -> Option<Status> {
        let entry = self.entries.as_ref().ok()?.of(serial_number)?;
        Some(Status::Revoked { at: entry.revocation_date, reason: entry.reason })
    }
}

/// RFC 5280 §5.2: a list with a critical extension that cannot be processed says nothing of any certificate.
fn check_extensions(list: &CertificateList<'_>) -> Result<(), String> {
    if let Some(extension) = list.unknown_critical.first() {
        return Err(format!("one has a critical extension that is not known, {extension}"));
    }
    if list.crl_number.is_some_and(|(_, critical)| critical) {
        return Err("one has a critical cRLNumber, which it must not be (RFC 5280 §5.2.3)".into());
    }
    match &list.issuing_distribution_point {
        Some(point) if point.indirect_crl => {
            Err("one is indirect, which is not supported (RFC 5280 §5.2.5)".into())
        }
        Some(point) if point.relative_name => {
            Err("one has a distribution point of a relative name, which is not supported (RFC 5280 §5.2.5)"
                .into())
        }
        _ => Ok(()),
    }
}
