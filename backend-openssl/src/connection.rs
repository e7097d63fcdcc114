//! The handshake and the session, over memory buffers that are swapped in for the length of a call.
//!
//! A verdict that is still to come is awaited before OpenSSL sees another byte or the peer is sent one.
//! OpenSSL never learns of the end of the byte stream, so that a cut is never taken for close_notify.

use std::{fmt, io::IoSlice, sync::Arc};

use openssl::{
    error::ErrorStack,
    ssl::{self, ErrorCode, NameType, ShutdownState, Ssl, SslRef, SslStream, SslVersion},
    x509::X509Ref,
};
use polytls_api::{
    BackendInfo, Buffer, CertificateDer, CipherSuite, ClientHandshake, ConnectionInfo, Error, ErrorKind,
    Established, MemoryIo, Opened, Phase, ProtocolVersion, ServerHandshake, ServerName, Session, Transport,
    async_trait,
};

use crate::{
    NAME,
    config::Prepared,
    error,
    verifier::{Verification, expect_peer, verification_index},
};

/// How much plaintext one call of `seal` takes: four full records.
const SEAL_MEASURE: usize = 64 * 1024;

/// The client's side.
pub(crate) struct Client {
    pub(crate) prepared: Prepared,
    pub(crate) backend: BackendInfo,
}

#[async_trait]
impl ClientHandshake for Client {
    async fn connect(&self, name: &ServerName, transport: &mut Transport<'_>) -> Result<Established, Error> {
        let mut info = ConnectionInfo::new(self.backend.clone());
        if self.prepared.sni {
            info.server_name = name.sni().map(ToOwned::to_owned);
        }
        let (ssl, verification) = self.ssl(name).map_err(library)?;
        let stream = SslStream::new(ssl, MemoryIo::observed()).map_err(library)?;
        drive(stream, SslStream::connect, transport, &verification, info).await
    }
}

impl Client {
    fn ssl(&self, name: &ServerName) -> Result<(Ssl, Arc<Verification>), ErrorStack> {
        let verification = Arc::new(Verification::new(self.prepared.verifier.clone(), Some(name.clone())));
        let mut ssl = Ssl::new(&self.prepared.context)?;
        ssl.set_ex_data(verification_index()?, verification.clone());
        expect_peer(ssl.param_mut(), Some(name))?;
        if let (Some(sni), true) = (name.sni(), self.prepared.sni) {
            ssl.set_hostname(sni)?;
        }
        if let Some(session) = self.prepared.sessions.as_ref().and_then(|sessions| sessions.take(name)) {
            session.offer(&mut ssl);
        }
        Ok((ssl, verification))
    }
}

/// The server's side.
pub(crate) struct Server {
    pub(crate) prepared: Prepared,
    pub(crate) backend: BackendInfo,
}

#[async_trait]
impl ServerHandshake for Server {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        let info = ConnectionInfo::new(self.backend.clone());
        let (ssl, verification) = self.ssl().map_err(library)?;
        let stream = SslStream::new(ssl, MemoryIo::observed()).map_err(library)?;
        drive(stream, SslStream::accept, transport, &verification, info).await
    }
}

impl Server {
    fn ssl(&self) -> Result<(Ssl, Arc<Verification>), ErrorStack> {
        let verification = Arc::new(Verification::new(self.prepared.verifier.clone(), None));
        let mut ssl = Ssl::new(&self.prepared.context)?;
        ssl.set_ex_data(verification_index()?, verification.clone());
        expect_peer(ssl.param_mut(), None)?;
        Ok((ssl, verification))
    }
}

/// Runs the handshake to its end.
async fn drive(
    mut stream: SslStream<MemoryIo>,
    step: fn(&mut SslStream<MemoryIo>) -> Result<(), ssl::Error>,
    transport: &mut Transport<'_>,
    verification: &Verification,
    mut info: ConnectionInfo,
) -> Result<Established, Error> {
    loop {
        stream.get_mut().swap_with(transport);
        let stepped = step(&mut stream);
        stream.get_mut().swap_with(transport);
        let verdict = verification.outcome().verdict.take();
        let refused = verification.outcome().refused.take();
        match (stepped, verdict) {
            (Err(error), verdict) if !is_blocked(&error) => {
                drop(verdict);
                return Err(match refused {
                    Some(reason) => {
                        let alert = reason.alert();
                        Error::from(reason).on_backend(NAME).with_alert_sent(alert).with_source(error)
                    }
                    None => error::connection(error, Phase::Handshake),
                });
            }
            (stepped, verdict) => {
                if let Some(verdict) = verdict {
                    match verdict.settle().await {
                        Ok((_, took)) => info.timings.verification = Some(took),
                        Err(reason) => {
                            // OpenSSL has accepted for the moment; what it wanted to send must not leave.
                            transport.outgoing().clear();
                            return Err(reason.into());
                        }
                    }
                }
                if stepped.is_ok() {
                    break;
                }
                transport.flush().await?;
                transport.fill().await?;
            }
        }
    }
    describe(&mut stream, verification, &mut info);
    Ok(Established { session: Box::new(OpenSslSession { stream, failure: None }), info })
}

fn is_blocked(error: &ssl::Error) -> bool {
    matches!(error.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE)
}

/// Fills in what was negotiated.
fn describe(stream: &mut SslStream<MemoryIo>, verification: &Verification, info: &mut ConnectionInfo) {
    let observer = stream.get_mut().take_observer();
    let ssl = stream.ssl();
    info.version = match ssl.version2() {
        Some(SslVersion::TLS1_2) => Some(ProtocolVersion::Tls12),
        Some(SslVersion::TLS1_3) => Some(ProtocolVersion::Tls13),
        _ => None,
    };
    info.cipher_suite = ssl.current_cipher().and_then(|cipher| {
        let name = cipher.standard_name()?;
        CipherSuite::NAMED.iter().copied().find(|suite| suite.name() == Some(name))
    });
    info.named_group = observer.named_group();
    info.alpn = ssl.selected_alpn_protocol().map(ToOwned::to_owned);
    if ssl.is_server() {
        info.server_name = ssl.servername(NameType::HOST_NAME).map(ToOwned::to_owned);
    }
    info.peer_chain = peer_chain(ssl);
    info.resumed = Some(ssl.session_reused());
    info.timings.verification = info.timings.verification.or(verification.outcome().took);
}

/// On a client OpenSSL's chain begins with the peer's own certificate, on a server it does not.
fn peer_chain(ssl: &SslRef) -> Vec<CertificateDer<'static>> {
    let der = |certificate: &X509Ref| certificate.to_der().ok().map(CertificateDer::from);
    let own = ssl.peer_certificate().as_deref().and_then(der);
    let presented = ssl.peer_cert_chain().into_iter().flatten().filter_map(der);
    let others = presented.filter(|certificate| Some(certificate) != own.as_ref()).collect::<Vec<_>>();
    own.iter().cloned().chain(others).collect()
}

fn library(error: ErrorStack) -> Error {
    Error::new(ErrorKind::Backend).on_backend(NAME).with_source(error)
}

/// An established connection.
struct OpenSslSession {
    stream: SslStream<MemoryIo>,
    failure: Option<Error>,
}

impl OpenSslSession {
    fn fail(&mut self, error: ssl::Error) -> Error {
        let error = error::connection(error, Phase::Established);
        self.failure = Some(error.clone());
        error
    }

    fn seal_slices(&mut self, plaintext: &[IoSlice<'_>]) -> Result<usize, ssl::Error> {
        let mut taken = 0;
        for slice in plaintext {
            let mut rest = &slice[..slice.len().min(SEAL_MEASURE - taken)];
            while !rest.is_empty() {
                let count = self.stream.ssl_write(rest)?;
                taken += count;
                rest = &rest[count..];
            }
        }
        Ok(taken)
    }

    fn open_records(&mut self, plaintext: &mut [u8]) -> Result<Opened, Error> {
        let mut opened = 0;
        while opened < plaintext.len() {
            match self.stream.ssl_read(&mut plaintext[opened..]) {
                Ok(count) => opened += count,
                Err(error) if is_blocked(&error) => break,
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => {
                    if opened == 0 {
                        return Ok(Opened::Closed);
                    }
                    break;
                }
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

impl Session for OpenSslSession {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut nothing = Buffer::new();
        self.stream.get_mut().swap(&mut nothing, outgoing);
        let sealed = self.seal_slices(plaintext);
        self.stream.get_mut().swap(&mut nothing, outgoing);
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
        self.stream.get_mut().swap(incoming, outgoing);
        let opened = self.open_records(plaintext);
        self.stream.get_mut().swap(incoming, outgoing);
        opened
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        if self.failure.is_some() {
            return Ok(());
        }
        let mut nothing = Buffer::new();
        self.stream.get_mut().swap(&mut nothing, outgoing);
        let closed = self.stream.shutdown();
        self.stream.get_mut().swap(&mut nothing, outgoing);
        match closed {
            Ok(_) => Ok(()),
            Err(error) if is_blocked(&error) || error.code() == ErrorCode::ZERO_RETURN => Ok(()),
            Err(error) => Err(self.fail(error)),
        }
    }
}

impl Drop for OpenSslSession {
    fn drop(&mut self) {
        // OpenSSL forgets the session of a connection that ends without close_notify, a rule that went with
        // TLS 1.0 (RFC 5246 §7.2.1). A session that failed is forgotten still.
        if self.failure.is_none() {
            self.stream.set_shutdown(ShutdownState::SENT);
        }
    }
}

impl fmt::Debug for OpenSslSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSslSession").field("failed", &self.failure.is_some()).finish_non_exhaustive()
    }
}
