//! What is asked of an identity before it takes the place of another.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use polytls_api::{
    Backend, CertificateError, ConfigError, Identity, ServerConfig, ServerName,
    x509::{Certificate, GeneralName, Malformed},
};

use crate::ReloadError;

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) backend: Arc<dyn Backend>,
    /// `None` for those of the certificate in force.
    pub(super) required_names: Option<Vec<String>>,
    pub(super) allow_lost_names: bool,
    pub(super) warn_before_end: Duration,
}

impl Rules {
    /// Whether the candidate may take the place of the current identity, or be the first. Gives whether the two are for the
    /// same names.
    pub(super) fn check(
        &self,
        candidate: &Identity,
        current: Option<&Identity>,
    ) -> Result<bool, ReloadError> {
        let chain = parsed(candidate)?;
        let Some(end_entity) = chain.first() else {
            return Err(ConfigError::Certificates { reason: "the chain is empty".into() }.into());
        };
        // The loader has put it in order, so who issued it is next if it is there at all.
        if chain.get(1).is_some_and(|next| !issued(next, end_entity)) {
            return Err(ReloadError::BrokenChain);
        }
        let has_same_names = self.check_names(end_entity, current)?;
        self.check_time(end_entity, current.is_some(), SystemTime::now())?;
        self.check_key(candidate)?;
        Ok(has_same_names)
    }

    fn check_names(
        &self,
        candidate: &Certificate<'_>,
        current: Option<&Identity>,
    ) -> Result<bool, ReloadError> {
        let own = names(candidate);
        let current = current.map(parsed).transpose()?.unwrap_or_default();
        let held = current.first().map(names).unwrap_or_default();
        let lost: Vec<String> =
            held.iter().filter(|name| !covered(name, own)).map(|name| text(name)).collect();
        let has_same_names = lost.is_empty() && own.iter().all(|name| covered(name, held));
        let lost = match &self.required_names {
            Some(required) => lacking(required, own)?,
            None if self.allow_lost_names => Vec::new(),
            None => lost,
        };
        if lost.is_empty() { Ok(has_same_names) } else { Err(ReloadError::LostNames { names: lost }) }
    }

    fn check_time(
        &self,
        candidate: &Certificate<'_>,
        replaces: bool,
        now: SystemTime,
    ) -> Result<(), ReloadError> {
        let (not_before, not_after) = (candidate.validity.not_before, candidate.validity.not_after);
        // The first one has no other to stay in its place, and its loader has warned.
        if replaces && now > not_after {
            return Err(CertificateError::Expired { now, not_after: Some(not_after) }.into());
        }
        if replaces && now < not_before {
            return Err(CertificateError::NotYetValid { now, not_before: Some(not_before) }.into());
        }
        if let Ok(left) = not_after.duration_since(now)
            && left < self.warn_before_end
        {
            let hours = left.as_secs() / 3600;
            tracing::warn!(target: "polytls::reload", hours, "the identity's certificate ends soon; renew it");
        }
        Ok(())
    }

    /// Has the backend hold the key against the certificate, as it would for a server.
    fn check_key(&self, candidate: &Identity) -> Result<(), ConfigError> {
        let config = ServerConfig::builder(self.backend.clone(), candidate.clone()).build()?;
        self.backend.server(&config).map(drop)
    }
}

fn parsed(identity: &Identity) -> Result<Vec<Certificate<'_>>, ConfigError> {
    let malformed = |error: Malformed| ConfigError::Certificates { reason: error.to_string() };
    identity.chain().iter().map(|certificate| Certificate::parse(certificate).map_err(malformed)).collect()
}

/// Whether one is the other's issuer, by key identifiers where both have them, else by names: as the loader tells.
fn issued(issuer: &Certificate<'_>, subject: &Certificate<'_>) -> bool {
    let own = issuer.extensions.subject_key_identifier.as_ref().map(|extension| extension.value);
    let authority = subject.extensions.authority_key_identifier.as_ref();
    match (own, authority.and_then(|extension| extension.value.key_identifier)) {
        (Some(own), Some(authority)) => own == authority,
        _ => issuer.subject.matches(&subject.issuer),
    }
}

/// The names of its subjectAltName.
fn names<'c, 'a>(certificate: &'c Certificate<'a>) -> &'c [GeneralName<'a>] {
    certificate.extensions.subject_alt_name.as_ref().map_or(&[], |extension| &*extension.value)
}

/// Whether a certificate with these names is for this one too.
fn covered(name: &GeneralName<'_>, by: &[GeneralName<'_>]) -> bool {
    by.iter().any(|other| match (name, other) {
        (GeneralName::Dns(name), GeneralName::Dns(pattern)) => dns_covered(name, pattern),
        _ => name == other,
    })
}

fn dns_covered(name: &[u8], pattern: &[u8]) -> bool {
    if name.eq_ignore_ascii_case(pattern) {
        return true;
    }
    // RFC 9525 §6.3: a wildcard is the whole leftmost label, and stands for one.
    let Some(parent) = pattern.strip_prefix(b"*") else { return false };
    let Some(dot) = name.iter().position(|&byte| byte == b'.') else { return false };
    let (label, rest) = name.split_at(dot);
    !label.is_empty() && label != b"*" && parent.len() > 1 && rest.eq_ignore_ascii_case(parent)
}

/// Which of the required names a certificate with these names is not for.
fn lacking(required: &[String], own: &[GeneralName<'_>]) -> Result<Vec<String>, ConfigError> {
    let mut lacking = Vec::new();
    for name in required {
        let is_there = match name.strip_prefix("*.").unwrap_or(name).parse()? {
            ServerName::Ip(address) => covered(&GeneralName::Ip(&octets(address)), own),
            ServerName::Dns(_) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                covered(&GeneralName::Dns(name.as_bytes()), own)
            }
        };
        if !is_there {
            lacking.push(name.clone());
        }
    }
    Ok(lacking)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The name, for people.
fn text(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::Dns(text) | GeneralName::Rfc822(text) | GeneralName::Uri(text) => {
            String::from_utf8_lossy(text).into_owned()
        }
        GeneralName::Ip(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*octets).map(IpAddr::from);
            v4.or_else(|_| v6()).map_or_else(|_| "an address".into(), |address| address.to_string())
        }
        _ => "a name of another kind".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_covered_by_itself_or_by_a_wildcard_for_one_label() {
        for (name, pattern, is_covered) in [
            ("a.example", "a.example", true),
            ("A.example", "a.EXAMPLE", true),
            ("a.example.com", "*.example.com", true),
            ("*.example.com", "*.example.com", true),
            ("a.b.example.com", "*.example.com", false),
            ("example.com", "*.example.com", false),
            ("*.example.com", "a.example.com", false),
            ("*.example", "*", false),
            ("a.", "*.", false),
            ("a", "*", false),
        ] {
            let covered =
                covered(&GeneralName::Dns(name.as_bytes()), &[GeneralName::Dns(pattern.as_bytes())]);
            assert_eq!(covered, is_covered, "{name} by {pattern}");
        }
        assert!(!covered(&GeneralName::Ip(&[127, 0, 0, 1]), &[GeneralName::Dns(b"127.0.0.1")]));
    }

    #[test]
    fn required_names_may_be_wildcards_and_addresses_and_must_be_names() {
        let own = [GeneralName::Dns(b"*.example.com"), GeneralName::Ip(&[127, 0, 0, 1])];
        let lacking = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            super::lacking(&names, &own)
        };
        assert_eq!(lacking(&["*.example.com", "a.example.com.", "127.0.0.1"]).unwrap(), [""; 0]);
        assert_eq!(lacking(&["b.a.example.com", "::1"]).unwrap(), ["b.a.example.com", "::1"]);
        assert!(lacking(&["https://example.com"]).is_err());
    }
}
