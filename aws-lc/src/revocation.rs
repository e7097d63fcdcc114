//! Revocation lists: which are in force, and the newest of them first.
//!
//! webpki takes the first list that covers a certificate, knows when a list ends, and does not say when it began: so
//! that is read here (RFC 5280 §5.1.2.4).

use std::{
    cmp::Reverse,
    time::{Duration, SystemTime},
};

use der::{
    AnyRef, Decode, Error, SliceReader, Tag, Tagged,
    asn1::{GeneralizedTime, UtcTime},
};
use polytls_api::{CertificateRevocationListDer, ConfigError};
use webpki::{CertRevocationList, OwnedCertRevocationList};

/// The lists of one configuration.
pub(crate) struct RevocationLists(Vec<List>);

struct List {
    this_update: SystemTime,
    list: CertRevocationList<'static>,
}

impl RevocationLists {
    pub(crate) fn new(crls: &[CertificateRevocationListDer<'_>]) -> Result<Self, ConfigError> {
        let mut lists = crls.iter().map(|crl| List::new(crl)).collect::<Result<Vec<_>, _>>()?;
        // An older list must not hide what a newer one of the same issuer revokes.
        lists.sort_by_key(|list| Reverse(list.this_update));
        Ok(Self(lists))
    }

    /// Nothing is to be checked.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that have begun, the newest first. webpki sees to those that have ended.
    pub(crate) fn begun(&self, now: SystemTime) -> Vec<&CertRevocationList<'static>> {
        self.0.iter().filter(|list| list.this_update <= now).map(|list| &list.list).collect()
    }
}

impl List {
    fn new(crl: &[u8]) -> Result<Self, ConfigError> {
        let unusable = |reason: String| {
            let reason = format!("a revocation list cannot be used: {reason}; give CRLs of version 2 in DER");
            ConfigError::Certificates { reason }
        };
        let list = OwnedCertRevocationList::from_der(crl).map_err(|error| unusable(error.to_string()))?;
        let this_update = this_update(crl).map_err(|error| unusable(format!("its thisUpdate: {error}")))?;
        Ok(Self { this_update, list: list.into() })
    }
}

/// What stands fourth in a TBSCertList of version 2, behind version, signature and issuer.
fn this_update(crl: &[u8]) -> Result<SystemTime, Error> {
    let list = AnyRef::from_der(crl)?;
    let to_be_signed = AnyRef::decode(&mut SliceReader::new(list.value())?)?;
    let mut fields = SliceReader::new(to_be_signed.value())?;
    for _ in 0..3 {
        AnyRef::decode(&mut fields)?;
    }
    let time = AnyRef::decode(&mut fields)?;
    let since_1970: Duration = match time.tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => time.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(SystemTime::UNIX_EPOCH + since_1970)
}
