//! The two sides of a handshake: what a connection is given before OpenSSL runs, and what it reports at the end.

use std::sync::{Arc, OnceLock};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{Ssl, SslRef, SslStream, SslVersion, StatusType},
};
use polytls_api::{
    AlertDescription, Background, CipherSuite, ClientHandshake, ConnectOptions, ConnectionInfo, Error,
    ErrorKind, Established, ProtocolVersion, ServerHandshake, ServerName, Session, Transport, async_trait,
};

use crate::{
    NAME,
    config::{ClientSessions, PreparedClient, PreparedServer},
    drive::{Handshake, keep_new_sessions},
    early_data, error, ffi,
    identity::ParsedIdentity,
    keys::tls13::SeenSecrets,
    schedule,
    session_cache::NewSessions,
    session_store::{ConnectionSessions, Keeper},
    ticket_keys::TicketKeys,
    verifier::{self, PeerCheck},
    wire::Wire,
};

/// The client's side.
pub(crate) struct Client(PreparedClient);

impl Client {
    pub(crate) fn new(prepared: PreparedClient) -> Self {
        Self(prepared)
    }

    pub(crate) fn prepare(&self, name: &ServerName, info: &mut ConnectionInfo) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.0.shared.context)?;
        ssl.set_connect_state();
        ssl.set_status_type(StatusType::OCSP)?;
        verifier::expect_name(ssl.param_mut(), Some(name))?;
        if self.0.sni
            && let Some(host) = name.sni()
        {
            ssl.set_hostname(host)?;
            info.server_name = name.to_sni();
        }
        let check = PeerCheck::new(self.0.shared.decider.clone(), Some(name.clone()));
        let mut connection = Connection::new(check);
        match &self.0.sessions {
            ClientSessions::None => {}
            ClientSessions::Cache(cache) => {
                connection.new_sessions = Some(NewSessions::new(cache.clone(), name.clone()));
            }
            ClientSessions::Store(_) => connection.stored_sessions = Some(ConnectionSessions::default()),
        }
        connection.attach(&mut ssl)?;
        Ok(ssl)
    }

    /// Offers a session with this server, and says how much early data it allows; `None` where there is none.
    async fn offer_session(&self, name: &ServerName, ssl: &mut Ssl) -> Option<u32> {
        match &self.0.sessions {
            ClientSessions::None => None,
            ClientSessions::Cache(cache) => cache.take(name)?.offer(ssl),
            ClientSessions::Store(store) => {
                ffi::offer_foreign(ssl, store.take_for_server(name).await?.to_bytes()?)
            }
        }
    }

    fn describe(&self, ssl: &SslRef, info: &mut ConnectionInfo) {
        if let Some(identity) = &self.0.identity
            && ffi::has_presented_certificate(ssl)
        {
            info.present(identity.identity());
        }
        info.ocsp_response = ssl.ocsp_status().filter(|response| !response.is_empty()).map(Arc::from);
        info.early_data = early_data::status(ssl);
    }
}

#[async_trait]
impl ClientHandshake for Client {
    async fn connect(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        transport: &mut Transport<'_>,
    ) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.0.shared.backend.clone());
        let mut ssl = self.prepare(name, &mut info).map_err(error::library)?;
        let allowed = self.offer_session(name, &mut ssl).await.unwrap_or(0);
        let mut handshake = Handshake::new(ssl)?;
        if self.0.identity.as_ref().is_some_and(ParsedIdentity::signs_elsewhere) {
            handshake.signing = Some(self.0.shared.signing.clone());
        }
        // A session allows a number of bytes; less than that may be sent, and never a part of what was asked for.
        if let Some(data) = &options.early_data
            && (1..=allowed as usize).contains(&data.as_bytes().len())
        {
            handshake.write_early_data(transport, data)?;
        }
        let mut stream = handshake.run(transport, &mut info).await?.stream;
        self.describe(stream.ssl(), &mut info);
        let negotiated = establish(&mut stream, &mut info)?;
        if let Some(connection) = Connection::of(stream.ssl()) {
            connection.release_sessions(stream.ssl());
        }
        let keeper = match &self.0.sessions {
            ClientSessions::Store(store) => Some(Keeper::new(store, name)),
            ClientSessions::None | ClientSessions::Cache(_) => None,
        };
        let background = keeper.as_ref().map_or(Background::none(), |keeper| keeper.background.clone());
        let mut established = Established::new(negotiated.over(stream, self.0.shared.record, keeper)?, info);
        established.background = background;
        Ok(established)
    }
}

/// The server's side.
pub(crate) struct Server(PreparedServer);

impl Server {
    pub(crate) fn new(prepared: PreparedServer) -> Self {
        Self(prepared)
    }

    /// What to present to this client, once the resolver has said it.
    async fn resolve(&self, transport: &mut Transport<'_>) -> Result<Arc<ParsedIdentity>, Error> {
        let identity = self.0.config.resolve_identity(transport).await;
        let identity = identity.map_err(|error| error.on_backend(NAME))?;
        self.0.identities.parsed(&identity).map_err(|error| {
            let alert = AlertDescription::INTERNAL_ERROR;
            transport.send_plaintext_alert(alert);
            Error::from(error).on_backend(NAME).with_alert_sent(alert)
        })
    }

    /// The sessions that this client may want to resume.
    async fn named_sessions(
        &self,
        transport: &mut Transport<'_>,
    ) -> Result<Option<ConnectionSessions>, Error> {
        let Some(store) = &self.0.store else { return Ok(None) };
        let hello = transport.client_hello().await.map_err(|error| error.on_backend(NAME))?;
        let by_session_id = self.0.config.protocol().lowest_version() == ProtocolVersion::Tls12;
        Ok(Some(ConnectionSessions::new(store.take_for_client(&hello, by_session_id).await)))
    }

    pub(crate) fn prepare(
        &self,
        identity: Arc<ParsedIdentity>,
        sessions: Option<ConnectionSessions>,
    ) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.0.shared.context)?;
        ssl.set_accept_state();
        let is_default = self.0.config.identity().is_some_and(|own| own.is_same(identity.identity()));
        if !is_default {
            identity.present(&mut ssl)?;
        }
        identity.restrict_schemes(&mut ssl)?;
        identity.restrict_sessions(&mut ssl)?;
        let mut connection = Connection::new(PeerCheck::new(self.0.shared.decider.clone(), None));
        connection.identity = Some(identity);
        connection.stored_sessions = sessions;
        connection.ticket_keys = self.0.ticket_keys.clone();
        connection.attach(&mut ssl)?;
        Ok(ssl)
    }
}

#[async_trait]
impl ServerHandshake for Server {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.0.shared.backend.clone());
        let identity = self.resolve(transport).await?;
        info.present(identity.identity());
        let sessions = self.named_sessions(transport).await?;
        let signing = identity.signs_elsewhere().then(|| self.0.shared.signing.clone());
        if signing.is_some() {
            // A hello in many small records would have a thread for each of them.
            transport.client_hello().await.map_err(|error| error.on_backend(NAME))?;
        }
        let ssl = self.prepare(identity, sessions).map_err(error::library)?;
        let mut handshake = Handshake::new(ssl)?;
        handshake.signing = signing;
        handshake.renewed_tickets = self.0.renewed_tickets;
        handshake.store = self.0.store.clone().map(|store| (store, self.0.config.session_lifetime()));
        if self.0.config.max_early_data() > 0 {
            handshake.early_data = Some(early_data::Reading::default());
        }
        let Handshake { mut stream, early_data, store, .. } = handshake.run(transport, &mut info).await?;
        let early_data = early_data.and_then(|reading| reading.into_accepted(stream.ssl()));
        info.early_data = early_data::status(stream.ssl());
        let negotiated = establish(&mut stream, &mut info)?;
        if let Some(connection) = Connection::of(stream.ssl()) {
            connection.release_sessions(stream.ssl());
        }
        keep_new_sessions(&store, stream.ssl()).await;
        let mut established = Established::new(negotiated.over(stream, self.0.shared.record, None)?, info);
        established.early_data = early_data;
        Ok(established)
    }
}

/// What the callbacks of one connection find attached to it.
pub(crate) struct Connection {
    pub(crate) check: Arc<PeerCheck>,
    /// On a client that resumes, and has no store: where its sessions go.
    pub(crate) new_sessions: Option<NewSessions>,
    /// With a store: what may be resumed, and what is to be stored.
    pub(crate) stored_sessions: Option<ConnectionSessions>,
    /// On a server: what seals its tickets.
    pub(crate) ticket_keys: Option<Arc<TicketKeys>>,
    /// On a server: what it presents.
    pub(crate) identity: Option<Arc<ParsedIdentity>>,
    /// What its records will be protected with.
    pub(crate) secrets: SeenSecrets,
}

impl Connection {
    fn new(check: PeerCheck) -> Self {
        Self {
            check: Arc::new(check),
            new_sessions: None,
            stored_sessions: None,
            ticket_keys: None,
            identity: None,
            secrets: SeenSecrets::default(),
        }
    }

    /// On a client: whether it keeps what it could resume.
    pub(crate) fn resumes(&self) -> bool {
        self.new_sessions.is_some() || self.stored_sessions.is_some()
    }

    /// What is attached to this connection.
    pub(crate) fn of(ssl: &SslRef) -> Option<&Self> {
        ssl.ex_data(Self::index().ok()?)
    }

    fn attach(self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_ex_data(Self::index()?, self);
        ffi::count_records(ssl);
        Ok(())
    }

    /// The place in OpenSSL's structure. It is the same for all, and holds nothing itself.
    fn index() -> Result<Index<Ssl, Self>, ErrorStack> {
        static INDEX: OnceLock<Index<Ssl, Connection>> = OnceLock::new();
        if let Some(index) = INDEX.get() {
            return Ok(*index);
        }
        let index = Ssl::new_ex_index()?;
        Ok(*INDEX.get_or_init(|| index))
    }

    /// The handshake is complete: its sessions may be resumed.
    pub(crate) fn release_sessions(&self, ssl: &SslRef) {
        if let Some(new_sessions) = &self.new_sessions {
            new_sessions.release(ssl);
        }
        if let Some(stored_sessions) = &self.stored_sessions {
            stored_sessions.put_back(ssl);
        }
    }
}

/// What was negotiated, of what a session must know.
struct Negotiated {
    version: ProtocolVersion,
    cipher_suite: CipherSuite,
}

impl Negotiated {
    /// The session: polytls's record layer under OpenSSL's secrets.
    fn over(
        self,
        stream: SslStream<Wire>,
        record: usize,
        keeper: Option<Keeper>,
    ) -> Result<Box<dyn Session>, Error> {
        // In TLS 1.2 a session has come with the handshake, and no other one follows.
        if let Some(keeper) = &keeper {
            keeper.keep_new(stream.ssl());
        }
        Ok(Box::new(schedule::session(stream, self.version, self.cipher_suite, record, keeper)?))
    }
}

/// The handshake is complete and the peer accepted: says what was negotiated.
fn establish(stream: &mut SslStream<Wire>, info: &mut ConnectionInfo) -> Result<Negotiated, Error> {
    let observer = stream.get_mut().take_observer();
    let ssl = stream.ssl();
    let version = match ssl.version2() {
        Some(SslVersion::TLS1_3) => ProtocolVersion::Tls13,
        Some(SslVersion::TLS1_2) => ProtocolVersion::Tls12,
        _ => return Err(Error::new(ErrorKind::Backend).on_backend(NAME)),
    };
    let Some(cipher) = ssl.current_cipher() else {
        return Err(Error::new(ErrorKind::Backend).on_backend(NAME));
    };
    let cipher_suite = CipherSuite::from_code(u16::from_be_bytes(cipher.protocol_id()));
    info.version = Some(version);
    info.cipher_suite = Some(cipher_suite);
    info.named_group = observer.named_group();
    info.alpn = ssl.selected_alpn_protocol().map(Arc::from);
    if ssl.is_server() {
        info.server_name = observer.server_name().map(Arc::from);
    }
    let presented = ssl.peer_cert_chain().map_or(Ok(Vec::new()), verifier::encode);
    let mut presented = presented.map_err(error::library)?;
    // A server's chain is without the client's own certificate, and a session from a store has nothing else.
    if ssl.is_server() || presented.is_empty() {
        let own = ssl.peer_certificate().and_then(|certificate| certificate.to_der().ok());
        presented.splice(0..0, own.map(Into::into));
    }
    info.peer_chain = presented.into();
    info.resumed = Some(ssl.session_reused());
    Ok(Negotiated { version, cipher_suite })
}
