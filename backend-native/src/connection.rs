//! The handshake and the session, over memory buffers that are swapped in for the length of a call.

use std::{
    fmt,
    io::{self, IoSlice, Read, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use native_tls::{HandshakeError, TlsAcceptor, TlsConnector, TlsStream};
use polytls_api::{
    AlertDescription, Backend, BackendInfo, Buffer, CertificateDer, CertificateError, ClientConfig,
    ClientHandshake, ConfigError, ConfigOption, ConnectOptions, ConnectionInfo, Error, ErrorKind,
    Established, ExpectedPeer, HelloObserver, Identity, MemoryIo, Opened, Phase, PresentedChain,
    RevocationPolicy, Roots, ServerConfig, ServerHandshake, ServerName, Session, SessionHalves, Transport,
    TrustPolicy, async_trait,
};

use crate::{NAME, error};

/// How much plaintext one call of `seal` takes: four full records.
const SEAL_MEASURE: usize = 64 * 1024;

/// The content type of a record of the handshake (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// The client's side.
pub(crate) struct Client {
    connector: TlsConnector,
    backend: Arc<BackendInfo>,
    sni: bool,
    /// What holds the certificate against the name once more.
    platform: Option<Arc<dyn Backend>>,
}

impl Client {
    pub(crate) fn new(
        connector: TlsConnector,
        backend: Arc<BackendInfo>,
        config: &ClientConfig,
        platform: Option<Arc<dyn Backend>>,
    ) -> Self {
        Self { connector, backend, sni: config.sni(), platform }
    }

    /// RFC 9525 §2: a common name is no server's name. native-tls over OpenSSL takes it for one where a certificate
    /// has no other, so the certificate, found valid already, is verified once more as if it were trusted itself: against
    /// the name, and for what OpenSSL's handshake does not ask, as that it is no authority's.
    async fn check_name(&self, name: &ServerName, chain: &[CertificateDer<'static>]) -> Result<(), Error> {
        let (Some(platform), Some(own)) = (&self.platform, chain.first()) else { return Ok(()) };
        let verifier = {
            let trust = TrustPolicy::new(Roots::from_der([own.clone()]));
            platform.verifier(&trust.with_revocation(RevocationPolicy::off()))?
        };
        let presented = PresentedChain::new(own, &[]);
        match verifier.verify(&presented, &ExpectedPeer::Server(name), SystemTime::now()).await {
            Err(
                reason @ (CertificateError::NameMismatch { .. }
                | CertificateError::CaUsedAsEndEntity
                | CertificateError::WrongUsage
                | CertificateError::UnsupportedAlgorithm { .. }
                | CertificateError::Malformed { .. }),
            ) => Err(Error::from(reason).on_backend(NAME)),
            _ => Ok(()),
        }
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
        let mut info = ConnectionInfo::new(self.backend.clone());
        if self.sni {
            info.server_name = name.to_sni();
        }
        let memory = Shared::new();
        let begin = || self.connector.connect(&name.to_string(), memory.clone());
        let established = drive(begin, &memory, transport, Some(name), info).await?;
        if let Err(error) = self.check_name(name, &established.info.peer_chain).await {
            // native-tls has accepted; what it wanted to send must not leave.
            transport.outgoing().clear();
            return Err(error);
        }
        Ok(established)
    }
}

/// The server's side.
pub(crate) struct Server {
    acceptor: TlsAcceptor,
    backend: Arc<BackendInfo>,
    alpn: Vec<Vec<u8>>,
    identity: Option<Identity>,
}

impl Server {
    pub(crate) fn new(acceptor: TlsAcceptor, backend: Arc<BackendInfo>, config: &ServerConfig) -> Self {
        let identity = config.identity().cloned();
        Self { acceptor, backend, alpn: config.protocol().alpn().to_vec(), identity }
    }

    /// RFC 7301 §3.2: nothing in common ends the handshake. native-tls would go on without a protocol.
    async fn check_alpn(&self, transport: &mut Transport<'_>) -> Result<(), Error> {
        let mut observer = HelloObserver::default();
        let mut seen = 0;
        loop {
            let waiting = transport.incoming().filled();
            observer.received(&waiting[seen..]);
            seen = waiting.len();
            // What is no handshake is the library's to refuse.
            if observer.client_hello_seen() || waiting.first().is_some_and(|&kind| kind != HANDSHAKE_RECORD) {
                break;
            }
            transport.fill().await?;
        }
        let theirs = observer.client_alpn();
        if theirs.is_empty() || theirs.iter().any(|protocol| self.alpn.contains(protocol)) {
            return Ok(());
        }
        let alert = AlertDescription::NO_APPLICATION_PROTOCOL;
        transport.outgoing().extend(&[21, 3, 3, 0, 2, 2, alert.code()]);
        Err(Error::new(ErrorKind::NoApplicationProtocol).on_backend(NAME).with_alert_sent(alert))
    }
}

#[async_trait]
impl ServerHandshake for Server {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        if !self.alpn.is_empty() {
            self.check_alpn(transport).await?;
        }
        let mut info = ConnectionInfo::new(self.backend.clone());
        if let Some(identity) = &self.identity {
            info.present(identity);
        }
        let memory = Shared::new();
        drive(|| self.acceptor.accept(memory.clone()), &memory, transport, None, info).await
    }
}

/// The buffers, reachable also when native-tls fails and drops its stream with the alert in it.
#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<MemoryIo>>);

impl Shared {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(MemoryIo::observed())))
    }

    fn lock(&self) -> MutexGuard<'_, MemoryIo> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the handshake to its end.
async fn drive(
    begin: impl FnOnce() -> Result<TlsStream<Shared>, HandshakeError<Shared>>,
    memory: &Shared,
    transport: &mut Transport<'_>,
    name: Option<&ServerName>,
    mut info: ConnectionInfo,
) -> Result<Established, Error> {
    memory.lock().swap_with(transport);
    let mut stepped = begin();
    memory.lock().swap_with(transport);
    let stream = loop {
        let blocked = match stepped {
            Ok(stream) => break stream,
            Err(HandshakeError::Failure(error)) => {
                return Err(error::connection(error, Phase::Handshake, name));
            }
            Err(HandshakeError::WouldBlock(blocked)) => blocked,
        };
        transport.fill().await?;
        memory.lock().swap_with(transport);
        stepped = blocked.handshake();
        memory.lock().swap_with(transport);
    };
    describe(&stream, memory, &mut info);
    let session = NativeSession { stream, memory: memory.clone(), failure: None };
    Ok(Established::new(Box::new(session), info))
}

/// Fills in what was negotiated; native-tls tells little of it, the hellos the rest.
fn describe(stream: &TlsStream<Shared>, memory: &Shared, info: &mut ConnectionInfo) {
    let observer = memory.lock().take_observer();
    info.version = observer.version();
    info.cipher_suite = observer.cipher_suite();
    info.named_group = observer.named_group();
    info.resumed = observer.resumed();
    info.server_name = info.server_name.take().or_else(|| observer.server_name().map(Arc::from));
    info.alpn = stream.negotiated_alpn().ok().flatten().map(Arc::from);
    let own = stream.peer_certificate().ok().flatten().and_then(|certificate| certificate.to_der().ok());
    info.peer_chain = own.map(Into::into).into_iter().collect();
}

/// An established connection.
struct NativeSession {
    stream: TlsStream<Shared>,
    memory: Shared,
    failure: Option<Error>,
}

impl NativeSession {
    fn fail(&mut self, error: io::Error) -> Error {
        let error = error::connection(error, Phase::Established, None);
        self.failure = Some(error.clone());
        error
    }

    fn seal_slices(&mut self, plaintext: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut taken = 0;
        for slice in plaintext {
            let mut rest = &slice[..slice.len().min(SEAL_MEASURE - taken)];
            while !rest.is_empty() {
                let count = self.stream.write(rest)?;
                taken += count;
                rest = &rest[count..];
            }
        }
        Ok(taken)
    }

    fn open_records(&mut self, plaintext: &mut [u8]) -> Result<Opened, Error> {
        let mut opened = 0;
        while opened < plaintext.len() {
            match self.stream.read(&mut plaintext[opened..]) {
                // The buffers never report an end, so this one is close_notify.
                Ok(0) if opened == 0 => return Ok(Opened::Closed),
                Ok(0) => break,
                Ok(count) => opened += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    let failure = self.fail(error);
                    // What came before the fault is delivered; the fault is reported by the next call.
                    if opened == 0 {
                        return Err(failure);
                    }
                    break;
                }
            }
        }
        Ok(if opened > 0 { Opened::Data(opened) } else { Opened::NeedMore })
    }
}

impl Session for NativeSession {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut nothing = Buffer::new();
        self.memory.lock().swap(&mut nothing, outgoing);
        let sealed = self.seal_slices(plaintext);
        self.memory.lock().swap(&mut nothing, outgoing);
        sealed.map_err(|error| self.fail(error))
    }

    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.memory.lock().swap(incoming, outgoing);
        let opened = self.open_records(plaintext);
        self.memory.lock().swap(incoming, outgoing);
        opened
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        if self.failure.is_some() {
            return Ok(());
        }
        let mut nothing = Buffer::new();
        self.memory.lock().swap(&mut nothing, outgoing);
        let closed = self.stream.shutdown();
        self.memory.lock().swap(&mut nothing, outgoing);
        match closed {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(self.fail(error)),
            _ => Ok(()),
        }
    }

    fn update_keys(&mut self, _ask_peer: bool, _outgoing: &mut Buffer) -> Result<(), Error> {
        Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::KeyUpdate }.into())
    }

    fn export_keying_material(
        &self,
        _output: &mut [u8],
        _label: &[u8],
        _context: Option<&[u8]>,
    ) -> Result<(), Error> {
        Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::Exporter }.into())
    }

    fn split(self: Box<Self>) -> SessionHalves {
        // One object of the library's serves both directions.
        SessionHalves::behind_a_lock(self)
    }
}

impl fmt::Debug for NativeSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeSession").field("failed", &self.failure.is_some()).finish_non_exhaustive()
    }
}
