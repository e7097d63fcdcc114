//! Revocation lists: what those of a certificate's issuer say of it (RFC 5280 §6.3).
//!
//! What an authentic list in force names is revoked, whatever else the list covers: serial numbers of one issuer are
//! unique. What it does not name is good only where the list covers the certificate.

mod entries;
mod list;
mod scope;

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use polytls_x509::Name;
use rustls_pki_types::CertificateRevocationListDer;

use self::list::List;
use super::checker::{Link, Status};
use crate::{ConfigError, SignatureVerifier};

/// For how many issuers it is remembered which lists are theirs; only issuers of valid chains come here.
const MOST_ISSUERS: usize = 1024;

/// How many reasons are told why nothing is known.
const MOST_REASONS: usize = 3;

/// Lists of any issuers, indexed.
pub(super) struct RevocationLists {
    /// The newest first, so that of each kind the first in force counts.
    lists: Vec<List>,
    /// Places in `lists`, by the issuer's name in DER.
    by_issuer: Mutex<HashMap<Vec<u8>, Arc<[usize]>>>,
}

impl RevocationLists {
    /// Reads and indexes lists.
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] for one that cannot be used whatever the time.
    pub(super) fn new(crls: &Arc<[CertificateRevocationListDer<'static>]>) -> Result<Self, ConfigError> {
        let mut lists =
            (0..crls.len()).map(|place| List::new(crls.clone(), place)).collect::<Result<Vec<_>, _>>()?;
        lists.sort_by(|one, other| Reverse(one.age()).cmp(&Reverse(other.age())));
        Ok(Self { lists, by_issuer: Mutex::default() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    /// What the lists say of a certificate.
    pub(super) fn status(
        &self,
        link: &Link<'_>,
        signatures: &dyn SignatureVerifier,
        now: SystemTime,
    ) -> Status {
        let (mut counted, mut covered, mut reasons) = (Vec::new(), false, Vec::new());
        let places = self.of_issuer(&link.subject.issuer);
        for list in places.iter().filter_map(|place| self.lists.get(*place)) {
            // RFC 5280 §6.3.3 (c): a list of the same kind is replaced by the newer.
            if counted.contains(&list.scope()) || !list.may_be_of(&link.issuer) {
                continue;
            }
            let usable = list.check_usable(now).and_then(|()| list.check_signed_by(&link.issuer, signatures));
            if let Err(reason) = usable {
                reasons.push(reason);
                continue;
            }
            counted.push(list.scope());
            if let Some(revoked) = list.revoked(link.subject.serial_number) {
                return revoked;
            }
            match list.scope().check_covers(&link.subject) {
                Ok(()) => covered = true,
                Err(reason) => reasons.push(reason.into()),
            }
        }
        match covered {
            true => Status::Good,
            false => Status::Unknown(unknown(&link.subject.issuer, reasons)),
        }
    }

    /// The lists that bear an issuer's name, the newest first.
    fn of_issuer(&self, issuer: &Name<'_>) -> Arc<[usize]> {
        let mut known = self.by_issuer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = known.get(issuer.der()) {
            return places.clone();
        }
        let named = self.lists.iter().enumerate().filter(|(_, list)| list.is_named(issuer));
        let places: Arc<[usize]> = named.map(|(place, _)| place).collect();
        if known.len() >= MOST_ISSUERS {
            known.clear();
        }
        known.insert(issuer.der().to_vec(), places.clone());
        places
    }
}

fn unknown(issuer: &Name<'_>, mut reasons: Vec<String>) -> String {
    reasons.dedup();
    reasons.truncate(MOST_REASONS);
    if reasons.is_empty() {
        return format!("there is no revocation list of {issuer}");
    }
    format!("of the revocation lists of {issuer} none says so: {}", reasons.join("; "))
}
