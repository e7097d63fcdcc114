//! A connection: the handshake, what it negotiated, and the keys that it ends in.

use polytls_api::{
    AlertDescription, CertificateDer, CipherSuite, ClientHandshake, ConfigError, ConnectOptions,
    ConnectionInfo, Error, ErrorKind, Established, ProtocolVersion, ServerHandshake, ServerName, Transport,
    async_trait,
    record::{KeySchedule, RecordSession, Role},
};
use rustls::{
    CommonState, ExtractedSecrets, HandshakeKind, client::UnbufferedClientConnection,
    kernel::KernelConnection, server::UnbufferedServerConnection,
};

use crate::{
    NAME,
    call::{Desk, with_desk},
    config::{PreparedClient, PreparedServer, named_group},
    drive::Drive,
    error,
    exporter::{Exporter, ServerRandom},
    kernel::{Kernel, traffic_keys},
    verifier::pki_name,
};

/// The client's side.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) PreparedClient);

#[async_trait]
impl ClientHandshake for Client {
    async fn connect(
        &self,
        name: &ServerName,
        _options: &ConnectOptions,
        transport: &mut Transport<'_>,
    ) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.0.backend.clone());
        if self.0.sni {
            info.server_name = name.sni().map(ToOwned::to_owned);
        }
        let peer = pki_name(name).map_err(Error::from)?;
        let mut desk = Desk::default();
        let connection =
            with_desk(&mut desk, || UnbufferedClientConnection::new(self.0.rustls.clone(), peer));
        let mut drive = Drive::new(connection.map_err(error::connection)?, desk, transport);
        drive.run(&mut info).await?;
        let Drive { engine, desk, server_random, .. } = drive;
        let version = describe(&engine, &mut info)?;
        let established = Ending { role: Role::Client, version, server_random, most: self.0.most_plaintext };
        let (secrets, kernel) = engine.dangerous_into_kernel_connection().map_err(error::connection)?;
        established.finish(desk, info, secrets, kernel)
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
        let desk = Desk { identity: Some(certified), ..Desk::default() };
        let connection = UnbufferedServerConnection::new(self.0.rustls.clone()).map_err(error::connection)?;
        let mut drive = Drive::new(connection, desk, transport);
        drive.run(&mut info).await?;
        let Drive { engine, desk, server_random, .. } = drive;
        let version = describe(&engine, &mut info)?;
        let established = Ending { role: Role::Server, version, server_random, most: self.0.most_plaintext };
        let (secrets, kernel) = engine.dangerous_into_kernel_connection().map_err(error::connection)?;
        established.finish(desk, info, secrets, kernel)
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
    info.alpn = connection.alpn_protocol().map(ToOwned::to_owned);
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
}

impl Ending {
    fn finish<Data: 'static>(
        self,
        desk: Desk,
        mut info: ConnectionInfo,
        secrets: ExtractedSecrets,
        connection: KernelConnection<Data>,
    ) -> Result<Established, Error>
    where
        Kernel<Data>: KeySchedule,
    {
        let Desk { identity, server_name, ocsp_response, exporter_secret, .. } = desk;
        info.local_chain = identity.map(|identity| identity.cert.clone()).unwrap_or_default();
        info.ocsp_response = ocsp_response;
        info.server_name = server_name.or(info.server_name);
        let suite = CipherSuite::from_code(connection.negotiated_cipher_suite().suite().into());
        let exporter = exporter_secret
            .and_then(|secret| Exporter::new(self.version, suite, secret, &self.server_random));
        let sending = traffic_keys(suite, secrets.tx)?;
        let receiving = traffic_keys(suite, secrets.rx)?;
        let schedule = Box::new(Kernel { connection, suite, exporter });
        let mut session = RecordSession::new(NAME, self.role, self.version, sending, receiving, schedule);
        if let Some(most) = self.most {
            session = session.with_max_plaintext(most);
        }
        Ok(Established::new(Box::new(session), info))
    }
}
