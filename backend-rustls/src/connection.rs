//! A connection: the handshake, what it negotiated, and the keys that it ends in.

use std::sync::Arc;

use polytls_api::{
    AlertDescription, Background, CertificateDer, CipherSuite, ClientHandshake, ConfigError, ConnectOptions,
    ConnectionInfo, EarlyDataStatus, Error, ErrorKind, Established, ProtocolVersion, ServerHandshake,
    ServerName, Transport, async_trait,
    record::{KeySchedule, RecordSession, Role},
};
use polytls_aws_lc::pki_name;
use rustls::{
    CommonState, ExtractedSecrets, HandshakeKind, client::UnbufferedClientConnection,
    kernel::KernelConnection, server::UnbufferedServerConnection,
};

use crate::{
    NAME,
    call::{Desk, with_desk},
    config::{PreparedClient, PreparedServer, named_group},
    drive::{ClientEngine, Drive, ServerEngine},
    early_data::{EarlyData, Offer},
    error,
    exporter::{Exporter, ServerRandom},
    kernel::{Kernel, traffic_keys},
    sessions::ClientStore,
    signer::RemoteKey,
};

/// The client's side.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) PreparedClient);

#[async_trait]
impl ClientHandshake for Client {
    async fn connect(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        transport: &mut Transport<'_>,
    ) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.0.backend.clone());
        if self.0.sni {
            info.server_name = name.to_sni();
        }
        let background = self.0.store.as_ref().map_or(Background::none(), |_| Background::default());
        let mut store = self
            .0
            .store
            .as_ref()
            .map(|store| ClientStore::new(store, name, background.clone(), &self.0.binding));
        let mut desk = Box::<Desk>::default();
        desk.handshake_secrets.are_wanted = self.0.signing.is_some();
        if let Some(store) = &mut store {
            desk.offered = store.take().await;
        }
        let engine = self.start(name, options, store.as_ref(), &mut desk)?;
        let mut drive = Drive::new(engine, desk, transport);
        drive.signing = self.0.signing.as_ref();
        let Drive { engine, mut desk, server_random, .. } = drive.run(&mut info).await?;
        if let (Some(store), Some(session)) = (&store, desk.received.take()) {
            store.keep_tls12(session);
        }
        info.early_data = engine.early_data.status;
        let version = describe(&engine.connection, &mut info)?;
        let ending =
            Ending { role: Role::Client, version, server_random, most: self.0.most_plaintext, store };
        let ClientEngine { connection, .. } = *engine;
        let (secrets, kernel) = connection.dangerous_into_kernel_connection().map_err(error::connection)?;
        let mut established = ending.finish(desk, info, secrets, kernel)?;
        established.background = background;
        Ok(established)
    }
}

impl Client {
    /// rustls's connection, with early data if it is to be sent and the session to be offered allows as much.
    fn start(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        store: Option<&ClientStore>,
        desk: &mut Box<Desk>,
    ) -> Result<Box<ClientEngine>, Error> {
        let peer = pki_name(name).map_err(Error::from)?;
        let mut config = &self.0.rustls;
        let mut early_data = None;
        let given = options.early_data.as_ref().filter(|data| !data.as_bytes().is_empty());
        if let (Some(with_early_data), Some(data)) = (&self.0.with_early_data, given) {
            if let (None, Some(sessions)) = (store, &self.0.sessions) {
                desk.offered = sessions.take_tls13(&peer);
            }
            if desk.offered.as_ref().is_some_and(|session| session.allows(data)) {
                config = with_early_data;
                early_data = Some(data.clone());
            }
        }
        let config = match store {
            Some(store) => store.bind(&self.0.binding, config.clone()),
            None => config.clone(),
        };
        let connection =
            with_desk(desk, || UnbufferedClientConnection::new(config, peer)).map_err(error::connection)?;
        let early_data = EarlyData::new(early_data, self.0.most_plaintext);
        Ok(Box::new(ClientEngine { connection, early_data }))
    }
}

/// The server's side.
#[derive(Debug)]
pub(crate) struct Server(pub(crate) PreparedServer);

#[async_trait]
impl ServerHandshake for Server {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.0.backend.clone());
        let identity = self.0.config.resolve_identity(transport).await?;
        let certified = self.0.identities.certified(&identity).map_err(|error| unusable(error, transport))?;
        let mut desk = Box::<Desk>::default();
        (desk.identity, desk.certified) = (Some(identity.clone()), Some(certified));
        if let Some(store) = &self.0.store {
            desk.taken = store.take(desk.session_binding(), transport).await?;
        }
        let takes_early_data = self.0.config.max_early_data() > 0;
        let offers_early_data = takes_early_data && transport.client_hello().await?.offers_early_data();
        desk.handshake_secrets.are_wanted = offers_early_data;
        let connection = UnbufferedServerConnection::new(self.0.rustls.clone()).map_err(error::connection)?;
        let engine = Box::new(ServerEngine { connection, early_data: None });
        let mut drive = Drive::new(engine, desk, transport);
        drive.signing = RemoteKey::is_needed_for(&identity).then_some(&self.0.signing);
        drive.store = self.0.store.as_ref();
        drive.offer = offers_early_data.then_some(Offer::Open);
        let Drive { engine, mut desk, server_random, offer, .. } = drive.run(&mut info).await?;
        info.early_data = offer.map_or(EarlyDataStatus::NotOffered, |offer| offer.status());
        let version = describe(&engine.connection, &mut info)?;
        // A session that rustls looked at and did not resume is gone, and so is every one of TLS 1.3.
        let again = version == ProtocolVersion::Tls12 && info.resumed == Some(true);
        if let (Some(store), Some(resumed)) = (&self.0.store, desk.resumed.take().filter(|_| again)) {
            store.keep(desk.session_binding(), [resumed]).await;
        }
        let most = self.0.most_plaintext;
        let ending = Ending { role: Role::Server, version, server_random, most, store: None };
        let ServerEngine { connection, early_data } = *engine;
        let (secrets, kernel) = connection.dangerous_into_kernel_connection().map_err(error::connection)?;
        let mut established = ending.finish(desk, info, secrets, kernel)?;
        established.early_data = early_data;
        Ok(established)
    }
}

/// An identity of a resolver's turned out to be of no use.
fn unusable(error: ConfigError, transport: &mut Transport<'_>) -> Error {
    let alert = AlertDescription::INTERNAL_ERROR;
    transport.send_plaintext_alert(alert);
    Error::from(error).with_alert_sent(alert)
}

/// Fills in what was negotiated.
fn describe(connection: &CommonState, info: &mut ConnectionInfo) -> Result<ProtocolVersion, Error> {
    let version =
        connection.protocol_version().and_then(|version| ProtocolVersion::from_code(version.into()));
    info.version = version;
    info.cipher_suite =
        connection.negotiated_cipher_suite().map(|suite| CipherSuite::from_code(suite.suite().into()));
    info.named_group = connection.negotiated_key_exchange_group().map(named_group);
    info.alpn = connection.alpn_protocol().map(Arc::from);
    info.peer_chain = connection.peer_certificates().unwrap_or_default().iter().map(owned).collect();
    info.resumed = connection.handshake_kind().map(|kind| kind == HandshakeKind::Resumed);
    version.ok_or_else(|| ErrorKind::Backend.into())
}

fn owned(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    certificate.clone().into_owned()
}

/// What a handshake leaves for the session.
struct Ending {
    role: Role,
    version: ProtocolVersion,
    server_random: ServerRandom,
    /// The most plaintext in a record that is sent.
    most: Option<usize>,
    /// On a client: where the application keeps sessions.
    store: Option<ClientStore>,
}

impl Ending {
    fn finish<Data: 'static>(
        self,
        desk: Box<Desk>,
        mut info: ConnectionInfo,
        secrets: ExtractedSecrets,
        connection: KernelConnection<Data>,
    ) -> Result<Established, Error>
    where
        Kernel<Data>: KeySchedule,
    {
        let Desk { identity, server_name, ocsp_response, exporter_secret, .. } = *desk;
        if let Some(identity) = &identity {
            info.present(identity);
        }
        info.ocsp_response = ocsp_response.map(Arc::from);
        info.server_name = server_name.map(Arc::from).or(info.server_name);
        let suite = CipherSuite::from_code(connection.negotiated_cipher_suite().suite().into());
        let exporter = exporter_secret
            .and_then(|secret| Exporter::new(self.version, suite, secret, &self.server_random));
        let sending = traffic_keys(suite, secrets.tx)?;
        let receiving = traffic_keys(suite, secrets.rx)?;
        let schedule = Box::new(Kernel { connection, suite, exporter, store: self.store });
        let mut session = RecordSession::new(NAME, self.role, self.version, sending, receiving, schedule);
        if let Some(most) = self.most {
            session = session.with_max_plaintext(most);
        }
        Ok(Established::new(Box::new(session), info))
    }
}
