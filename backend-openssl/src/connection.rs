//! The handshake and the session: OpenSSL over the connection's own buffers.
//!
//! The buffers are OpenSSL's for the length of a call. A verdict that is still to come is awaited before
//! OpenSSL is called again and before the peer is sent what the call has written.

use std::{
    borrow::Cow,
    fmt,
    io::IoSlice,
    sync::{Arc, OnceLock},
};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{self, ErrorCode, ShutdownState, Ssl, SslRef, SslStream, SslVersion},
};
use polytls_api::{
    Buffer, CipherSuite, ClientHandshake, ConfigError, ConfigOption, ConnectOptions, ConnectionInfo, Error,
    ErrorKind, Established, MemoryIo, Opened, Phase, ProtocolVersion, ServerHandshake, ServerName, Session,
    SigningThreads, Transport, async_trait,
};

use crate::{
    NAME,
    config::Prepared,
    error, ffi,
    session_cache::NewSessions,
    signer,
    verifier::{self, PeerCheck, Verdict},
};

/// The most plaintext of one record (RFC 8446 §5.1), and of one call to `seal`.
const RECORD: usize = 16 * 1024;
const SEALED_PER_CALL: usize = 64 * 1024;

/// How much may wait to be sent before a peer that makes OpenSSL answer has gone too far: well over what a
/// writer that waits for its turn leaves there.
const ANSWERS_LIMIT: usize = 512 * 1024;

/// The client's side.
pub(crate) struct Client(Prepared);

impl Client {
    pub(crate) fn new(prepared: Prepared) -> Self {
        Self(prepared)
    }

    fn prepare(&self, name: &ServerName, info: &mut ConnectionInfo) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.0.context)?;
        ssl.set_connect_state();
        verifier::expect_name(ssl.param_mut(), Some(name))?;
        if self.0.sni
            && let Some(host) = name.sni()
        {
            ssl.set_hostname(host)?;
            info.server_name = Some(host.to_owned());
        }
        let sessions = self.0.sessions.as_ref();
        if let Some(session) = sessions.and_then(|sessions| sessions.take(name)) {
            session.offer(&mut ssl);
        }
        let check = PeerCheck::new(self.0.verifier.clone(), Some(name.clone()));
        let new_sessions = sessions.map(|sessions| NewSessions::new(sessions.clone(), name.clone()));
        Connection { check: Arc::new(check), new_sessions }.attach(&mut ssl)?;
        Ok(ssl)
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
        let ssl = self.prepare(name, &mut info).map_err(error::library)?;
        let stream = drive(ssl, self.0.signing.as_ref(), transport, &mut info).await?;
        established(stream, info)
    }
}

/// The server's side.
pub(crate) struct Server(Prepared);

impl Server {
    pub(crate) fn new(prepared: Prepared) -> Self {
        Self(prepared)
    }

    fn prepare(&self) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.0.context)?;
        ssl.set_accept_state();
        let check = Arc::new(PeerCheck::new(self.0.verifier.clone(), None));
        Connection { check, new_sessions: None }.attach(&mut ssl)?;
        Ok(ssl)
    }
}

#[async_trait]
impl ServerHandshake for Server {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.0.backend.clone());
        let ssl = self.prepare().map_err(error::library)?;
        let stream = drive(ssl, self.0.signing.as_ref(), transport, &mut info).await?;
        established(stream, info)
    }
}

/// What the callbacks of one connection find attached to it.
pub(crate) struct Connection {
    pub(crate) check: Arc<PeerCheck>,
    /// On a client that resumes: where its sessions go.
    pub(crate) new_sessions: Option<NewSessions>,
}

impl Connection {
    /// What is attached to this connection.
    pub(crate) fn of(ssl: &SslRef) -> Option<&Self> {
        ssl.ex_data(Self::index().ok()?)
    }

    fn attach(self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_ex_data(Self::index()?, self);
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
}

/// Runs a handshake to its end.
async fn drive(
    ssl: Ssl,
    signing: Option<&SigningThreads>,
    transport: &mut Transport<'_>,
    info: &mut ConnectionInfo,
) -> Result<SslStream<MemoryIo>, Error> {
    let mut stream = SslStream::new(ssl, MemoryIo::observed()).map_err(error::library)?;
    loop {
        stream.get_mut().swap_with(transport);
        let step = match signing {
            None => Step::take(&mut stream),
            Some(threads) => {
                let call = move || (Step::take(&mut stream), stream);
                let (step, back) = threads.run(call).await?;
                stream = back;
                step
            }
        };
        stream.get_mut().swap_with(transport);
        match step.verdict {
            Verdict::None => {}
            Verdict::Accepted(took) => info.timings.verification = Some(took),
            Verdict::Refused(reason) => return Err(error::refused(reason)),
            Verdict::Held(verdict) => match verdict.settle().await {
                Ok((_, took)) => info.timings.verification = Some(took),
                Err(reason) => {
                    // OpenSSL has accepted for the moment; what it wanted to send must not leave.
                    transport.outgoing().clear();
                    return Err(Error::from(reason).on_backend(NAME));
                }
            },
        }
        if let Some(failure) = step.hook_failure {
            return Err(failure);
        }
        match step.outcome {
            Ok(()) => return Ok(stream),
            Err(wants) if wants.code() == ErrorCode::WANT_READ => {
                transport.fill().await?;
            }
            Err(failure) => return Err(error::connection(failure, Phase::Handshake)),
        }
    }
}

/// What came of one call of OpenSSL's handshake.
struct Step {
    outcome: Result<(), ssl::Error>,
    verdict: Verdict,
    /// Why the identity's signer did not sign.
    hook_failure: Option<Error>,
}

impl Step {
    /// Has OpenSSL go on as far as it can with what has come.
    fn take(stream: &mut SslStream<MemoryIo>) -> Self {
        forget_errors();
        let outcome = stream.do_handshake();
        let verdict = Connection::of(stream.ssl()).map(|connection| connection.check.take_verdict());
        Self { outcome, verdict: verdict.unwrap_or_default(), hook_failure: signer::take_failure() }
    }
}

/// OpenSSL judges a call by the thread's queue of errors: what other code left there must not be taken for this
/// connection's.
fn forget_errors() {
    drop(ErrorStack::get());
}

/// The handshake is complete and the peer accepted.
fn established(mut stream: SslStream<MemoryIo>, mut info: ConnectionInfo) -> Result<Established, Error> {
    let observer = stream.get_mut().take_observer();
    let ssl = stream.ssl();
    let version = match ssl.version2() {
        Some(SslVersion::TLS1_3) => ProtocolVersion::Tls13,
        Some(SslVersion::TLS1_2) => ProtocolVersion::Tls12,
        _ => return Err(Error::new(ErrorKind::Backend).on_backend(NAME)),
    };
    info.version = Some(version);
    info.cipher_suite =
        ssl.current_cipher().map(|cipher| CipherSuite::from_code(u16::from_be_bytes(cipher.protocol_id())));
    info.named_group = observer.named_group();
    info.alpn = ssl.selected_alpn_protocol().map(ToOwned::to_owned);
    if ssl.is_server() {
        info.server_name = observer.server_name().map(ToOwned::to_owned);
        // A server's chain is without the client's own certificate.
        let own = ssl.peer_certificate().and_then(|certificate| certificate.to_der().ok());
        info.peer_chain.extend(own.map(Into::into));
    }
    let presented = ssl.peer_cert_chain().map_or(Ok(Vec::new()), verifier::encode);
    info.peer_chain.extend(presented.map_err(error::library)?);
    info.resumed = Some(ssl.session_reused());
    if let Some(new_sessions) = Connection::of(ssl).and_then(|connection| connection.new_sessions.as_ref()) {
        new_sessions.release(ssl);
    }
    let records_per_key = records_per_key(info.cipher_suite);
    let session =
        OpenSslSession { stream, version, failure: None, records_per_key, records_left: records_per_key };
    Ok(Established::new(Box::new(session), info))
}

/// An established connection.
struct OpenSslSession {
    stream: SslStream<MemoryIo>,
    version: ProtocolVersion,
    /// Why nothing works any more.
    failure: Option<Error>,
    /// Records that may be sealed under one key, and how many of them are left under this one.
    records_per_key: u64,
    records_left: u64,
}

impl OpenSslSession {
    fn check(&self) -> Result<(), Error> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, failure: Error) -> Error {
        self.failure.insert(failure).clone()
    }

    /// Calls OpenSSL with these buffers.
    fn with_buffers<T>(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        call: impl FnOnce(&mut Self) -> T,
    ) -> T {
        forget_errors();
        self.stream.get_mut().swap(incoming, outgoing);
        let result = call(self);
        self.stream.get_mut().swap(incoming, outgoing);
        result
    }

    fn write(&mut self, mut plaintext: &[u8]) -> Result<(), Error> {
        while !plaintext.is_empty() {
            self.renew_keys()?;
            let count = self.stream.ssl_write(plaintext).map_err(established_error)?;
            self.records_left = self.records_left.saturating_sub(count.div_ceil(RECORD) as u64);
            plaintext = &plaintext[count..];
        }
        Ok(())
    }

    /// RFC 8446 §5.5: no key protects more records than it may. OpenSSL leaves that to its user.
    fn renew_keys(&mut self) -> Result<(), Error> {
        if self.records_left > 0 {
            return Ok(());
        }
        if self.version == ProtocolVersion::Tls12 {
            let error = Error::new(ErrorKind::KeysExhausted).in_phase(Phase::Established);
            return Err(error.on_backend(NAME));
        }
        ffi::update_sending_keys(&mut self.stream)
            .map_err(|error| error::library(error).in_phase(Phase::Established))?;
        self.records_left = self.records_per_key;
        Ok(())
    }

    /// Reads records until the buffer is full or there is a reason to stop: `None` for a full buffer.
    fn read(&mut self, plaintext: &mut [u8]) -> (usize, Option<ssl::Error>) {
        let mut count = 0;
        while count < plaintext.len() {
            match self.stream.ssl_read(&mut plaintext[count..]) {
                Ok(read) => count += read,
                Err(error) => return (count, Some(error)),
            }
        }
        (count, None)
    }
}

impl Session for OpenSslSession {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        self.check()?;
        let piece = first_piece(plaintext);
        let written = self.with_buffers(&mut Buffer::new(), outgoing, |session| session.write(&piece));
        written.map(|()| piece.len()).map_err(|failure| self.fail(failure))
    }

    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error> {
        self.check()?;
        if outgoing.len() > ANSWERS_LIMIT {
            let error = Error::new(ErrorKind::LimitExceeded).in_phase(Phase::Established);
            return Err(self.fail(error.on_backend(NAME)));
        }
        let (count, stopped) = self.with_buffers(incoming, outgoing, |session| session.read(plaintext));
        let end = match stopped {
            None => Opened::NeedMore,
            Some(error) if error.code() == ErrorCode::WANT_READ => Opened::NeedMore,
            // Only close_notify makes this code, and it stays: it is there again for the next call.
            Some(error) if error.code() == ErrorCode::ZERO_RETURN => Opened::Closed,
            Some(error) => {
                let failure = self.fail(established_error(error));
                // What came before the failure is good; the next call reports it.
                return if count > 0 { Ok(Opened::Data(count)) } else { Err(failure) };
            }
        };
        Ok(if count > 0 { Opened::Data(count) } else { end })
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        self.check()?;
        let closed = self.with_buffers(&mut Buffer::new(), outgoing, |session| session.stream.shutdown());
        closed.map(drop).map_err(|error| self.fail(established_error(error)))
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
}

fn established_error(error: ssl::Error) -> Error {
    error::connection(error, Phase::Established)
}

/// What to seal in one call. OpenSSL makes at least one record of it: small slices go together into one.
fn first_piece<'a>(slices: &'a [IoSlice<'_>]) -> Cow<'a, [u8]> {
    let mut filled = slices.iter().map(|slice| &**slice).filter(|slice| !slice.is_empty());
    let Some(first) = filled.next() else { return Cow::Borrowed(&[]) };
    let Some(second) = filled.next().filter(|_| first.len() < RECORD) else {
        return Cow::Borrowed(&first[..first.len().min(SEALED_PER_CALL)]);
    };
    let mut record = Vec::with_capacity(RECORD);
    for slice in [first, second].into_iter().chain(filled) {
        let room = RECORD - record.len();
        record.extend_from_slice(&slice[..slice.len().min(room)]);
    }
    Cow::Owned(record)
}

/// RFC 8446 §5.5: records that may be sealed under one key.
fn records_per_key(suite: Option<CipherSuite>) -> u64 {
    let chacha = suite.and_then(CipherSuite::name).is_some_and(|name| name.contains("CHACHA20_POLY1305"));
    if chacha { u64::MAX } else { 1 << 24 }
}

impl Drop for OpenSslSession {
    fn drop(&mut self) {
        if self.failure.is_none() {
            // Without this OpenSSL takes a connection that is dropped for a broken one, and its session with
            // it; whether data was cut short is the reader's to say, and no fault of the session's.
            self.stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
        }
    }
}

impl fmt::Debug for OpenSslSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSslSession")
            .field("version", &self.version)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use polytls_api::{Backend as _, ClientConfig, Identity, Roots, ServerConfig};

    use super::*;
    use crate::{OpenSsl, config};

    /// Two ends of one connection, whose keys protect this many records.
    fn ends(version: ProtocolVersion, records_per_key: u64) -> (OpenSslSession, OpenSslSession) {
        let backend = Arc::new(OpenSsl::new());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity =
            Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap();
        let roots = Roots::from_der([made.cert.der().clone()]);
        let near = ClientConfig::builder(backend.clone()).roots(roots).protocol_versions([version]);
        let far = ServerConfig::builder(backend.clone(), identity).protocol_versions([version]);
        let near = Client::new(config::client(backend.info(), &near.build().unwrap()).unwrap());
        let far = Server::new(config::server(backend.info(), &far.build().unwrap()).unwrap());
        let mut info = ConnectionInfo::new(backend.info());
        let near = near.prepare(&"localhost".parse().unwrap(), &mut info).unwrap();
        let session = |ssl| {
            let stream = SslStream::new(ssl, MemoryIo::default()).unwrap();
            OpenSslSession { stream, version, failure: None, records_per_key, records_left: records_per_key }
        };
        let (mut near, mut far) = (session(near), session(far.prepare().unwrap()));
        let (mut to_near, mut to_far) = (Buffer::new(), Buffer::new());
        let mut done = (false, false);
        while done != (true, true) {
            let step = |session: &mut OpenSslSession| session.stream.do_handshake().is_ok();
            done.0 = near.with_buffers(&mut to_near, &mut to_far, step);
            done.1 = far.with_buffers(&mut to_far, &mut to_near, step);
        }
        assert_eq!(near.open(&mut to_near, &mut to_far, &mut [0]).unwrap(), Opened::NeedMore);
        (near, far)
    }

    #[test]
    fn keys_are_renewed_where_the_version_can_and_given_up_where_it_cannot() {
        for version in ProtocolVersion::ALL {
            let (mut near, mut far) = ends(version, 2);
            let (mut wire, mut answers) = (Buffer::new(), Buffer::new());
            let mut sealed = Vec::new();
            for round in 0..7_u8 {
                match near.seal(&[IoSlice::new(&[round])], &mut wire) {
                    Ok(count) => assert_eq!(count, 1),
                    Err(error) => {
                        assert_eq!(
                            (error.kind(), version),
                            (&ErrorKind::KeysExhausted, ProtocolVersion::Tls12)
                        );
                        break;
                    }
                }
                sealed.push(round);
            }
            assert_eq!(sealed.len(), if version == ProtocolVersion::Tls12 { 2 } else { 7 });
            let mut plaintext = [0; 16];
            let opened = far.open(&mut wire, &mut answers, &mut plaintext).unwrap();
            assert_eq!(opened, Opened::Data(sealed.len()));
            assert_eq!(plaintext[..sealed.len()], sealed);
            assert!(answers.is_empty(), "no update was asked of the peer");
        }
    }

    #[test]
    fn answers_that_nobody_fetches_are_bounded() {
        let (mut near, _far) = ends(ProtocolVersion::Tls13, 2);
        let mut waiting = Buffer::new();
        waiting.extend(&vec![0; ANSWERS_LIMIT + 1]);
        let error = near.open(&mut Buffer::new(), &mut waiting, &mut [0]).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (&ErrorKind::LimitExceeded, Phase::Established));
        assert!(near.seal(&[IoSlice::new(b"x")], &mut waiting).is_err());
    }

    #[test]
    fn small_slices_go_together_and_large_ones_are_not_copied() {
        let large = vec![1; SEALED_PER_CALL + 1];
        let piece = |slices: &[&[u8]]| {
            let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
            let piece = first_piece(&slices);
            (piece.len(), matches!(piece, Cow::Borrowed(_)))
        };
        assert_eq!(piece(&[]), (0, true));
        assert_eq!(piece(&[b"", b"ab", b""]), (2, true));
        assert_eq!(piece(&[b"ab", b"", b"c"]), (3, false));
        assert_eq!(piece(&[b"ab", &large]), (RECORD, false));
        assert_eq!(piece(&[&large, b"ab"]), (SEALED_PER_CALL, true));
    }
}
