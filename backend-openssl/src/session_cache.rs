//! A client's sessions, kept with its configuration and offered to the server that they are from.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use openssl::ssl::SslRef;
use polytls_api::ServerName;

use crate::ffi::ResumableSession;

/// How many servers a client remembers sessions of, unless the configuration says otherwise, and how many sessions
/// of one.
const SERVERS: usize = 256;
const SESSIONS_PER_SERVER: usize = 8;

/// The sessions of one configuration.
pub(crate) struct SessionCache(Mutex<Sessions>);

struct Sessions {
    most_servers: usize,
    by_name: HashMap<ServerName, VecDeque<ResumableSession>>,
    /// The names in the order in which they came.
    names: VecDeque<ServerName>,
}

impl SessionCache {
    /// A cache for this many servers.
    pub(crate) fn new(servers: Option<usize>) -> Self {
        let most_servers = servers.unwrap_or(SERVERS);
        Self(Mutex::new(Sessions { most_servers, by_name: HashMap::new(), names: VecDeque::new() }))
    }

    /// Takes the newest session of this server: a TLS 1.3 ticket is used once (RFC 8446 appendix C.4). What may not be
    /// offered any more goes.
    pub(crate) fn take(&self, name: &ServerName) -> Option<ResumableSession> {
        let mut sessions = lock(&self.0);
        let of_server = sessions.by_name.get_mut(name)?;
        of_server.retain(ResumableSession::is_live);
        of_server.pop_back()
    }

    fn add(&self, name: &ServerName, session: ResumableSession) {
        if !session.is_live() {
            return;
        }
        let sessions = &mut *lock(&self.0);
        if !sessions.by_name.contains_key(name) {
            if sessions.names.len() >= sessions.most_servers
                && let Some(oldest) = sessions.names.pop_front()
            {
                sessions.by_name.remove(&oldest);
            }
            sessions.names.push_back(name.clone());
        }
        let of_server = sessions.by_name.entry(name.clone()).or_default();
        if of_server.len() == SESSIONS_PER_SERVER {
            of_server.pop_front();
        }
        of_server.push_back(session);
    }
}

/// The sessions that one connection brings.
pub(crate) struct NewSessions {
    cache: Arc<SessionCache>,
    name: ServerName,
    /// What came before the handshake was complete and the peer accepted; `None` afterwards.
    held: Mutex<Option<Vec<ResumableSession>>>,
}

impl NewSessions {
    pub(crate) fn new(cache: Arc<SessionCache>, name: ServerName) -> Self {
        Self { cache, name, held: Mutex::new(Some(Vec::new())) }
    }

    /// The connection has a new session.
    pub(crate) fn add(&self, session: ResumableSession) {
        match &mut *lock(&self.held) {
            Some(held) => held.push(session),
            None => self.cache.add(&self.name, session),
        }
    }

    /// The handshake is complete: what it brought may be resumed.
    pub(crate) fn release(&self, ssl: &SslRef) {
        let held = lock(&self.held).take();
        // RFC 5246 §7.3: a TLS 1.2 session may be resumed more than once, and this one has just proved good.
        let again = (ssl.session_reused() && ssl.version2() == Some(openssl::ssl::SslVersion::TLS1_2))
            .then(|| ResumableSession::of(ssl))
            .flatten();
        for session in held.into_iter().flatten().chain(again) {
            self.cache.add(&self.name, session);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionCache")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openssl::ssl::Ssl;
    use polytls_api::{Buffer, ProtocolVersion};

    use super::*;
    use crate::ends::Ends;

    #[test]
    fn a_ticket_that_is_too_old_is_forgotten() {
        const LIFETIME: Duration = Duration::from_secs(300);
        let mut ends = Ends::new(ProtocolVersion::Tls13, |client, server, _| {
            (client, server.session_lifetime(LIFETIME).tickets_per_connection(2))
        });
        ends.client.get_mut().swap(&mut ends.to_client, &mut Buffer::new());
        assert!(ends.client.ssl_read(&mut [0]).is_err(), "tickets, and no data");
        let name = "localhost".parse().unwrap();
        let [older, newer] = [(); 2].map(|()| ends.sessions.take(&name).unwrap());
        older.make_older(LIFETIME);
        newer.make_older(LIFETIME - Duration::from_secs(5));
        let mut next = Ssl::new(ends.client.ssl().ssl_context()).unwrap();
        assert_eq!(older.offer(&mut next), None);
        assert!(newer.offer(&mut next).is_some());

        ends.sessions.add(&name, older);
        assert!(ends.sessions.take(&name).is_none(), "it is not even taken in");
        ends.sessions.add(&name, newer);
        let newer = ends.sessions.take(&name).unwrap();
        ends.sessions.add(&name, newer);
        lock(&ends.sessions.0).by_name[&name][0].make_older(Duration::from_secs(5));
        assert!(ends.sessions.take(&name).is_none(), "it has grown too old meanwhile");
    }
}
