//! The name under which a client knows a server: what SNI carries and what the certificate must hold.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use rustls_pki_types::DnsName;

use crate::ConfigError;

/// A DNS name or an IP address (RFC 6066 §3, RFC 9525).
///
/// A DNS name is sent as SNI and must match a `dNSName` of the certificate. An IP address is never sent
/// as SNI and must match an `iPAddress`.
///
/// ```
/// use polytls_api::ServerName;
/// let name: ServerName = "example.com".parse()?;
/// assert!(matches!(name, ServerName::Dns(_)));
/// # Ok::<(), polytls_api::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a TLS server has no third kind of name")]
pub enum ServerName {
    /// A DNS name in its ASCII form (punycode for others), without a trailing dot.
    Dns(Arc<str>),
    /// An IP address.
    Ip(IpAddr),
}

impl ServerName {
    /// The name as SNI carries it: a DNS name only.
    pub fn sni(&self) -> Option<&str> {
        match self {
            Self::Dns(name) => Some(name),
            Self::Ip(_) => None,
        }
    }

    /// [`sni`](Self::sni), to be held beside this name, which shares it.
    pub fn to_sni(&self) -> Option<Arc<str>> {
        match self {
            Self::Dns(name) => Some(name.clone()),
            Self::Ip(_) => None,
        }
    }
}

impl FromStr for ServerName {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(ip) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Ok(Self::Ip(ip));
        }
        let ascii = text.strip_suffix('.').unwrap_or(text);
        match DnsName::try_from(ascii) {
            Ok(name) => Ok(Self::Dns(name.as_ref().to_ascii_lowercase().into())),
            Err(_) => Err(ConfigError::InvalidServerName { name: text.into() }),
        }
    }
}

impl TryFrom<&str> for ServerName {
    type Error = ConfigError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IpAddr> for ServerName {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        assert_eq!("Example.COM.".parse(), Ok(ServerName::Dns("example.com".into())));
        assert_eq!("127.0.0.1".parse(), Ok(ServerName::Ip([127, 0, 0, 1].into())));
        assert_eq!("[::1]".parse(), Ok(ServerName::Ip("::1".parse().unwrap())));
    }

    #[test]
    fn what_is_neither_is_refused_with_the_text() {
        for text in ["", "a b", "example.com:443", "*.example.com", "-x", "ü.example"] {
            let error = text.parse::<ServerName>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
