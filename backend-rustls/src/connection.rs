//! The handshake, through rustls's unbuffered API, and the keys that it ends in.
//!
//! Records are shown to rustls one at a time: when the handshake is complete, what follows it is still
//! untouched, and the record layer takes over from exactly there. A verdict that is still to come is
//! awaited before rustls sees another byte or the peer is sent one.

use std::{cell::RefCell, fmt};

use polytls_api::{
    AlertDescription, Buffer, CertificateDer, CipherSuite, ClientHandshake, ConfigError, ConfigOption,
    ConnectOptions, ConnectionInfo, Error, ErrorKind, Established, ProtocolVersion, ServerHandshake,
    ServerName, Transport, async_trait,
    record::{KeySchedule, RecordSession, Role, TrafficKeys},
};
use rustls::{
    ClientConfig, CommonState, ConnectionTrafficSecrets, ExtractedSecrets, HandshakeKind, ServerConfig,
    client::{ClientConnectionData, UnbufferedClientConnection},
    kernel::KernelConnection,
    server::{ServerConnectionData, UnbufferedServerConnection},
    unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus},
};

use crate::{
    NAME,
    config::{Prepared, named_group},
    error,
    record_cipher::AeadCipher,
    verifier::{pki_name, take_verdict},
};

/// RFC 5246 §6.2.3: no record of any version is longer.
const MAX_FRAGMENT: usize = (1 << 14) + 2048;

/// The client's side.
#[derive(Debug)]
pub(crate) struct Client(Prepared<ClientConfig>);

impl Client {
    pub(crate) fn new(prepared: Prepared<ClientConfig>) -> Self {
        Self(prepared)
    }
}

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
        let connection =
            UnbufferedClientConnection::new(self.0.config.clone(), peer).map_err(error::connection)?;
        let connection = drive(connection, transport, &mut info).await?;
        let version = describe(&connection, &mut info)?;
        let (secrets, kernel) = connection.dangerous_into_kernel_connection().map_err(error::connection)?;
        established(info, Role::Client, version, secrets, kernel)
    }
}

/// The server's side.
#[derive(Debug)]
pub(crate) struct Server(Prepared<ServerConfig>);

impl Server {
    pub(crate) fn new(prepared: Prepared<ServerConfig>) -> Self {
        Self(prepared)
    }
}

#[async_trait]
impl ServerHandshake for Server {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.0.backend.clone());
        let connection = UnbufferedServerConnection::new(self.0.config.clone()).map_err(error::connection)?;
        let connection = drive(connection, transport, &mut info).await?;
        let version = describe(&connection, &mut info)?;
        let (secrets, kernel) = connection.dangerous_into_kernel_connection().map_err(error::connection)?;
        established(info, Role::Server, version, secrets, kernel)
    }
}

thread_local! {
    // Set by the certificate resolver in the middle of a call into rustls, taken right after the call.
    static SERVER_NAME: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Notes the name in the ClientHello that rustls is just looking at.
pub(crate) fn note_server_name(name: Option<&str>) {
    SERVER_NAME.set(name.map(ToOwned::to_owned));
}

/// What the two kinds of connection have in common.
trait Engine: Send {
    fn step(&mut self, shown: &mut [u8], outgoing: &mut Buffer) -> (usize, Step);
    fn is_handshaking(&self) -> bool;
    fn wants_write(&self) -> bool;
}

/// What rustls wants next.
enum Step {
    /// To be called again.
    Again,
    /// More of what the peer sends.
    Blocked,
    /// Nothing: it could carry data now.
    Traffic,
    Failed(Error),
}

impl Engine for UnbufferedClientConnection {
    fn step(&mut self, shown: &mut [u8], outgoing: &mut Buffer) -> (usize, Step) {
        step(self.process_tls_records(shown), outgoing)
    }

    fn is_handshaking(&self) -> bool {
        CommonState::is_handshaking(self)
    }

    fn wants_write(&self) -> bool {
        CommonState::wants_write(self)
    }
}

impl Engine for UnbufferedServerConnection {
    fn step(&mut self, shown: &mut [u8], outgoing: &mut Buffer) -> (usize, Step) {
        step(self.process_tls_records(shown), outgoing)
    }

    fn is_handshaking(&self) -> bool {
        CommonState::is_handshaking(self)
    }

    fn wants_write(&self) -> bool {
        CommonState::wants_write(self)
    }
}

fn step<Data>(status: UnbufferedStatus<'_, '_, Data>, outgoing: &mut Buffer) -> (usize, Step) {
    let step = match status.state {
        Ok(ConnectionState::EncodeTlsData(data)) => encode(data, outgoing),
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Step::Again
        }
        Ok(ConnectionState::BlockedHandshake) => Step::Blocked,
        Ok(ConnectionState::WriteTraffic(_)) => Step::Traffic,
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
            Step::Failed(ErrorKind::AlertReceived(AlertDescription::CLOSE_NOTIFY).into())
        }
        // Records are shown one at a time, so none can be read along with the end of the handshake.
        Ok(_) => Step::Failed(ErrorKind::PeerMisbehaved.into()),
        Err(error) => Step::Failed(error::connection(error)),
    };
    (status.discard, step)
}

fn encode<Data>(mut data: EncodeTlsData<'_, Data>, outgoing: &mut Buffer) -> Step {
    let needed = match data.encode(&mut []) {
        Ok(_) => return Step::Again,
        Err(EncodeError::InsufficientSize(insufficient)) => insufficient.required_size,
        Err(error) => return Step::Failed(Error::new(ErrorKind::Backend).with_source(error)),
    };
    match data.encode(outgoing.spare(needed)) {
        Ok(count) => {
            outgoing.commit(count);
            Step::Again
        }
        Err(error) => Step::Failed(Error::new(ErrorKind::Backend).with_source(error)),
    }
}

/// Runs the handshake to its end.
async fn drive<E: Engine>(
    mut engine: E,
    transport: &mut Transport<'_>,
    info: &mut ConnectionInfo,
) -> Result<E, Error> {
    // How many of the incoming bytes rustls has been shown and has not consumed.
    let mut shown = 0;
    loop {
        let (incoming, outgoing) = transport.buffers();
        let (consumed, step) = engine.step(&mut incoming.filled_mut()[..shown], outgoing);
        incoming.consume(consumed);
        shown -= consumed;
        if let Some(name) = SERVER_NAME.take() {
            info.server_name = Some(name);
        }
        match (take_verdict(), step) {
            (Some(verdict), Step::Failed(failure)) => {
                let failure = refused(verdict.refusal().cloned(), failure);
                send_alert(&mut engine, transport);
                return Err(failure);
            }
            (None, Step::Failed(failure)) => {
                send_alert(&mut engine, transport);
                return Err(failure);
            }
            (Some(verdict), _) => match verdict.settle().await {
                Ok((_, took)) => info.timings.verification = Some(took),
                Err(reason) => {
                    // rustls has accepted for the moment; what it wanted to send must not leave.
                    transport.outgoing().clear();
                    return Err(reason.into());
                }
            },
            (None, Step::Traffic) if !engine.is_handshaking() => return Ok(engine),
            (None, Step::Again) => {}
            (None, Step::Blocked | Step::Traffic) => shown = next_record(transport, shown).await?,
        }
    }
}

fn refused(reason: Option<polytls_api::CertificateError>, failure: Error) -> Error {
    match reason {
        Some(reason) => {
            let alert = reason.alert();
            Error::from(reason).on_backend(NAME).with_alert_sent(alert)
        }
        None => failure,
    }
}

/// Has rustls encode what its failure left behind: the alert, and what was to go before it.
///
/// It is called for nothing else: a failed connection must not look at another byte.
fn send_alert<E: Engine>(engine: &mut E, transport: &mut Transport<'_>) {
    while engine.wants_write() {
        let (_, Step::Again) = engine.step(&mut [], transport.outgoing()) else { return };
    }
}

/// Awaits one more record, and says how many bytes rustls may see then.
async fn next_record(transport: &mut Transport<'_>, shown: usize) -> Result<usize, Error> {
    loop {
        let unseen = &transport.incoming().filled()[shown..];
        if let Some(&[kind, major, _, high, low]) = unseen.first_chunk() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let plausible = (20..=24).contains(&kind) && major == 3 && length <= MAX_FRAGMENT;
            if !plausible {
                // No record will ever be whole here: let rustls say what is wrong.
                return Ok(shown + unseen.len());
            }
            if unseen.len() >= 5 + length {
                return Ok(shown + 5 + length);
            }
        }
        transport.fill().await?;
    }
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

fn established<Data>(
    info: ConnectionInfo,
    role: Role,
    version: ProtocolVersion,
    secrets: ExtractedSecrets,
    kernel: KernelConnection<Data>,
) -> Result<Established, Error>
where
    Data: 'static,
    Kernel<Data>: KeySchedule,
{
    let suite = CipherSuite::from_code(kernel.negotiated_cipher_suite().suite().into());
    let sending = traffic_keys(suite, secrets.tx)?;
    let receiving = traffic_keys(suite, secrets.rx)?;
    let schedule = Box::new(Kernel { kernel, suite });
    let session = RecordSession::new(NAME, role, version, sending, receiving, schedule);
    Ok(Established::new(Box::new(session), info))
}

fn traffic_keys(
    suite: CipherSuite,
    (sequence, secrets): (u64, ConnectionTrafficSecrets),
) -> Result<TrafficKeys, Error> {
    let backend = || Error::new(ErrorKind::Backend).on_backend(NAME);
    let (key, iv) = match &secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => return Err(backend()),
    };
    let cipher = AeadCipher::new(suite, key.as_ref()).ok_or_else(backend)?;
    let iv = iv.as_ref().try_into().map_err(|_| backend())?;
    Ok(TrafficKeys::new(suite, Box::new(cipher), iv, sequence))
}

/// The part of rustls that stays after the handshake: secrets and tickets.
struct Kernel<Data> {
    kernel: KernelConnection<Data>,
    suite: CipherSuite,
}

impl<Data> Kernel<Data> {
    fn next_sending(&mut self) -> Result<TrafficKeys, Error> {
        traffic_keys(self.suite, self.kernel.update_tx_secret().map_err(error::connection)?)
    }

    fn next_receiving(&mut self) -> Result<TrafficKeys, Error> {
        traffic_keys(self.suite, self.kernel.update_rx_secret().map_err(error::connection)?)
    }
}

impl KeySchedule for Kernel<ClientConnectionData> {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_sending()
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_receiving()
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        self.kernel.handle_new_session_ticket(body).map_err(error::connection)
    }

    fn export_keying_material(
        &self,
        _output: &mut [u8],
        _label: &[u8],
        _context: Option<&[u8]>,
    ) -> Result<(), Error> {
        Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::Exporter }.into())
    }
}

impl KeySchedule for Kernel<ServerConnectionData> {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_sending()
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_receiving()
    }

    fn new_session_ticket(&mut self, _body: &[u8]) -> Result<(), Error> {
        // RFC 8446 §4.6.1: only servers send tickets.
        Err(ErrorKind::PeerMisbehaved.into())
    }

    fn export_keying_material(
        &self,
        _output: &mut [u8],
        _label: &[u8],
        _context: Option<&[u8]>,
    ) -> Result<(), Error> {
        Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::Exporter }.into())
    }
}

impl<Data> fmt::Debug for Kernel<Data> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("suite", &self.suite).finish_non_exhaustive()
    }
}
