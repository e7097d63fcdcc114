//! Where to connect, and the byte stream to there on which TLS may begin.

use std::time::Duration;

use polytls::ServerName;
use tokio::{net::TcpStream, time::timeout};

use crate::{failure::Failure, starttls::Protocol};

/// A server.
pub(super) struct Target<'a> {
    /// As the user wrote it.
    pub(super) server: &'a str,
    /// The name that its certificate must hold.
    pub(super) name: ServerName,
    pub(super) starttls: Option<Protocol>,
    host: &'a str,
    port: u16,
    limit: Duration,
}

impl<'a> Target<'a> {
    pub(super) fn new(
        server: &'a str,
        name: Option<&str>,
        starttls: Option<Protocol>,
        limit: Duration,
    ) -> Result<Self, Failure> {
        let (host, port) = split_address(server)?;
        let name = name.unwrap_or(host).parse()?;
        Ok(Self { server, name, starttls, host, port, limit })
    }

    /// Connects by TCP, and asks for TLS where the protocol has that come first.
    pub(super) async fn open(&self) -> Result<TcpStream, Failure> {
        let connecting = TcpStream::connect((self.host, self.port));
        let mut tcp = match timeout(self.limit, connecting).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(error)) => return Err(self.unreachable(&error.to_string())),
            Err(_) => return Err(self.unreachable("no answer within the time limit")),
        };
        tcp.set_nodelay(true)?;
        if let Some(protocol) = self.starttls {
            let asked = timeout(self.limit, protocol.ask(&mut tcp)).await;
            asked.unwrap_or_else(|_| {
                Err(Failure::connection(format!(
                    "no TLS over {protocol}: the server did not answer within the time limit; if it speaks TLS from \
                     the start, leave --starttls out"
                )))
            })?;
        }
        Ok(tcp)
    }

    fn unreachable(&self, reason: &str) -> Failure {
        Failure::connection(format!("cannot reach {}: {reason}", self.server))
    }
}

/// Host and port; the host of an IPv6 address without its brackets.
fn split_address(address: &str) -> Result<(&str, u16), Failure> {
    let wrong =
        || Failure::usage(format!("`{address}` is no HOST:PORT; write it as example.com:443 or [::1]:443"));
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if host.is_empty() || (bare.is_none() && host.contains(':')) {
        return Err(wrong());
    }
    let port = port.parse().ok().filter(|&port| port != 0);
    let port = port.ok_or_else(|| Failure::usage(format!("`{address}` has no port from 1 to 65535")))?;
    Ok((bare.unwrap_or(host), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split_where_the_port_begins() {
        assert_eq!(split_address("example.com:443").unwrap(), ("example.com", 443));
        assert_eq!(split_address("[::1]:8443").unwrap(), ("::1", 8443));
        for wrong in ["example.com", ":443", "::1:443", "example.com:", "example.com:0", "example.com:65536"]
        {
            let failure = split_address(wrong).unwrap_err();
            assert_eq!(failure.code, crate::failure::USAGE);
            assert!(failure.message.contains(wrong), "{}", failure.message);
        }
    }
}
