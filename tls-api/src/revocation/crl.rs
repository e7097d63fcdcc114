//! Revocation lists: what those of a certificate's issuer say of it (RFC 5280 §6.3).
//!
//! What an authentic list in force names is revoked, whatever else the list covers: serial numbers of one issuer are
//! unique. What it does not name is good only where the list covers the certificate.

mod entries;
mod list;
mod scope;

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use polytls_x509::{Certificate, Name};
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
        lists.sort_by_cached_key(|list| Reverse(list.age()));
        let mut kinds = HashMap::new();
        for list in &mut lists {
            let next = kinds.len();
            list.kind = *kinds.entry(list.scope().clone()).or_insert(next);
        }
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
        let places = self.of_issuer(&link.subject.issuer);
        let lists: Vec<_> = places.iter().filter_map(|place| self.lists.get(*place)).collect();
        let (kinds, not_covering) = relevant(&lists, &link.subject);
        let (mut counted, mut covered, mut reasons) = (HashSet::new(), false, Vec::new());
        for list in lists {
            // RFC 5280 §6.3.3 (c): a list of the same kind is replaced by the newer.
            let Some(covers) = kinds.get(&list.kind).filter(|_| !counted.contains(&list.kind)) else {
                continue;
            };
            let usable = list.check_usable(now).and_then(|()| list.check_signed_by(&link.issuer, signatures));
            if let Err(reason) = usable {
                reasons.push(reason);
                continue;
            }
            counted.insert(list.kind);
            if let Some(revoked) = list.revoked(link.subject.serial_number) {
                return revoked;
            }
            covered |= covers;
        }
        match covered {
            true => Status::Good,
            false => {
                reasons.extend(not_covering);
                Status::Unknown(unknown(&link.subject.issuer, reasons))
            }
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

/// The kinds of lists that can say something of a certificate, since they cover it, which stands beside them, or one of them
/// names it; and why others cannot. An issuer may have thousands, for as many parts of its certificates: the signatures
/// of all the others need not be verified.
fn relevant(lists: &[&List], subject: &Certificate<'_>) -> (HashMap<usize, bool>, Vec<String>) {
    let (mut kinds, mut reasons) = (HashMap::new(), Vec::new());
    for list in lists {
        match list.scope().check_covers(subject) {
            Ok(()) => {
                kinds.insert(list.kind, true);
            }
            Err(reason) => {
                if list.revoked(subject.serial_number).is_some() {
                    kinds.insert(list.kind, false);
                }
                if reasons.len() < MOST_REASONS {
                    reasons.push(reason.to_owned());
                }
            }
        }
    }
    (kinds, reasons)
}

fn unknown(issuer: &Name<'_>, mut reasons: Vec<String>) -> String {
    reasons.dedup();
    reasons.truncate(MOST_REASONS);
    if reasons.is_empty() {
        return format!("there is no revocation list of {issuer}");
    }
    format!("of the revocation lists of {issuer} none says so: {}", reasons.join("; "))
}
