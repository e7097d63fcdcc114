//! Handshakes between two of this backend's ends, for what only the inside of a connection shows.

use std::sync::Arc;

use openssl::ssl::SslStream;
use polytls_api::{
    Backend as _, Buffer, ClientConfig, ClientConfigBuilder, ConnectionInfo, Identity, ProtocolVersion,
    Roots, ServerConfig, ServerConfigBuilder,
};

use crate::{
    OpenSsl,
    config::{self, ClientSessions},
    connection::{Client, Connection, Server},
    ffi,
    identity::ParsedIdentity,
    session_cache::SessionCache,
    wire::Wire,
};

/// Two ends of one connection whose handshake is complete.
pub(crate) struct Ends {
    pub(crate) client: SslStream<Wire>,
    pub(crate) server: SslStream<Wire>,
    /// The most plaintext of a record that the server sends.
    pub(crate) record: usize,
    /// Where the client's sessions go.
    pub(crate) sessions: Arc<SessionCache>,
    /// What the server sent last.
    pub(crate) to_client: Buffer,
}

impl Ends {
    pub(crate) fn new(
        version: ProtocolVersion,
        change: impl FnOnce(
            ClientConfigBuilder,
            ServerConfigBuilder,
            Identity,
        ) -> (ClientConfigBuilder, ServerConfigBuilder),
    ) -> Self {
        Self::asking(version, 0, change)
    }

    /// The same, with a client that asks for records of this length (RFC 6066 §4).
    pub(crate) fn asking(
        version: ProtocolVersion,
        max_fragment_length: u8,
        change: impl FnOnce(
            ClientConfigBuilder,
            ServerConfigBuilder,
            Identity,
        ) -> (ClientConfigBuilder, ServerConfigBuilder),
    ) -> Self {
        let backend = Arc::new(OpenSsl::new());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity =
            Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap();
        let roots = Roots::from_der([made.cert.der().clone()]);
        let client = ClientConfig::builder(backend.clone()).roots(roots).protocol_versions([version]);
        let server = ServerConfig::builder(backend.clone(), identity.clone()).protocol_versions([version]);
        let (client, server) = change(client, server, identity.clone());
        let client = config::client(backend.info().into(), &client.build().unwrap()).unwrap();
        let ClientSessions::Cache(sessions) = &client.sessions else { panic!("no cache") };
        let sessions = sessions.clone();
        let client = Client::new(client);
        let server = config::server(backend.info().into(), &server.build().unwrap()).unwrap();
        let record = server.shared.record;
        let server = Server::new(server);
        let mut info = ConnectionInfo::new(backend.info());
        let mut client = client.prepare(&"localhost".parse().unwrap(), &mut info).unwrap();
        ffi::ask_for_max_fragment_length(&mut client, max_fragment_length);
        let server = server.prepare(Arc::new(ParsedIdentity::new(&identity).unwrap()), None).unwrap();
        let mut client = SslStream::new(client, Wire::observed()).unwrap();
        let mut server = SslStream::new(server, Wire::observed()).unwrap();
        let (mut to_client, mut to_server) = (Buffer::new(), Buffer::new());
        let mut done = (false, false);
        while done != (true, true) {
            done.0 = done.0 || step(&mut client, &mut to_client, &mut to_server);
            done.1 = done.1 || step(&mut server, &mut to_server, &mut to_client);
        }
        Connection::of(client.ssl()).unwrap().release_sessions(client.ssl());
        Self { client, server, sessions, record, to_client }
    }
}

fn step(stream: &mut SslStream<Wire>, incoming: &mut Buffer, outgoing: &mut Buffer) -> bool {
    stream.get_mut().swap(incoming, outgoing);
    let done = stream.do_handshake().is_ok();
    stream.get_mut().swap(incoming, outgoing);
    done
}

/// The lengths of the records in a buffer.
pub(crate) fn records(wire: &Buffer) -> Vec<usize> {
    let (mut rest, mut lengths) = (wire.filled(), Vec::new());
    while let Some((&[_, _, _, high, low], after)) = rest.split_first_chunk() {
        lengths.push(usize::from(u16::from_be_bytes([high, low])));
        rest = &after[usize::from(u16::from_be_bytes([high, low]))..];
    }
    lengths
}
