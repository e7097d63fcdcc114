//! The driver: OpenSSL's handshake over the connection's own buffers, step by step.
//!
//! The buffers are OpenSSL's for the length of a call. A verdict that is still to come, and a store that keeps what
//! the call brought, are awaited before OpenSSL is called again and before the peer is sent what the call has written.

use std::time::Duration;

use openssl::{
    error::ErrorStack,
    ssl::{self, ErrorCode, Ssl, SslRef, SslStream, SslVersion},
};
use polytls_api::{ConnectionInfo, Error, MemoryIo, Phase, ReplayableData, SigningThreads, Transport};

use crate::{
    NAME,
    connection::Connection,
    early_data, error, ffi,
    session_store::{ConnectionSessions, Store},
    signer,
    verifier::Verdict,
};

/// A handshake under way.
pub(crate) struct Handshake {
    pub(crate) stream: SslStream<MemoryIo>,
    /// On a server that takes it.
    pub(crate) early_data: Option<early_data::Reading>,
    /// On a server: how many tickets a TLS 1.3 connection brings that resumed a session.
    pub(crate) renewed_tickets: u8,
    /// On a server with a store: where its sessions are kept, and for how long.
    pub(crate) store: Option<(Store, Duration)>,
    /// Where OpenSSL is called, if a signer may have to be waited for.
    pub(crate) signing: Option<SigningThreads>,
}

impl Handshake {
    pub(crate) fn new(ssl: Ssl) -> Result<Self, Error> {
        let stream = SslStream::new(ssl, MemoryIo::observed()).map_err(error::library)?;
        Ok(Self { stream, early_data: None, renewed_tickets: 0, store: None, signing: None })
    }

    /// Writes a client's hello, and the data after it.
    pub(crate) fn write_early_data(
        &mut self,
        transport: &mut Transport<'_>,
        data: &ReplayableData,
    ) -> Result<(), Error> {
        forget_errors();
        self.stream.get_mut().swap_with(transport);
        let written = early_data::write(&mut self.stream, data);
        self.stream.get_mut().swap_with(transport);
        written.map_err(|failure| error::connection(failure, Phase::Handshake))
    }

    /// Runs to the end.
    pub(crate) async fn run(
        mut self,
        transport: &mut Transport<'_>,
        info: &mut ConnectionInfo,
    ) -> Result<Self, Error> {
        loop {
            let step;
            (self, step) = self.step(transport).await?;
            if let Err(refused) = settle(step.verdict, info).await {
                if refused.alert_sent().is_none() {
                    // OpenSSL has accepted for the moment; what it wanted to send must not leave.
                    transport.outgoing().clear();
                }
                return Err(refused);
            }
            if let Some(failure) = step.hook_failure {
                return Err(failure);
            }
            match step.outcome {
                Ok(()) => return Ok(self),
                Err(wants) if wants.code() == ErrorCode::WANT_READ => {
                    keep_new_sessions(&self.store, self.stream.ssl()).await;
                    transport.fill().await?;
                }
                Err(failure) => return Err(error::connection(failure, Phase::Handshake)),
            }
        }
    }

    /// One call of OpenSSL's, where it can wait for a signer if it has to.
    async fn step(mut self, transport: &mut Transport<'_>) -> Result<(Self, Step), Error> {
        self.stream.get_mut().swap_with(transport);
        let (mut handshake, step) = match self.signing.clone() {
            None => {
                let step = Step::take(&mut self);
                (self, step)
            }
            Some(threads) => {
                let call = move || {
                    let step = Step::take(&mut self);
                    (self, step)
                };
                threads.run(call).await?
            }
        };
        handshake.stream.get_mut().swap_with(transport);
        Ok((handshake, step))
    }

    fn advance(&mut self) -> Result<(), ssl::Error> {
        let outcome = self.call();
        let ssl = self.stream.ssl();
        if !ssl.is_server() || !ssl.session_reused() || ssl.version2() != Some(SslVersion::TLS1_3) {
            return outcome;
        }
        if self.renewed_tickets == 0 {
            // The call that read the client's hello: tickets come after the client's Finished.
            ffi::send_no_tickets(&mut self.stream);
            return outcome;
        }
        outcome?;
        // OpenSSL sends one ticket by itself where a session was resumed.
        for _ in 1..self.renewed_tickets {
            if ffi::add_ticket(&mut self.stream).is_err() {
                break;
            }
        }
        self.stream.do_handshake()
    }

    fn call(&mut self) -> Result<(), ssl::Error> {
        if let Some(reading) = &mut self.early_data {
            reading.read(&mut self.stream)?;
        }
        self.stream.do_handshake()
    }
}

/// What came of one call of OpenSSL's.
struct Step {
    outcome: Result<(), ssl::Error>,
    verdict: Verdict,
    /// Why the identity's signer did not sign.
    hook_failure: Option<Error>,
}

impl Step {
    /// Has OpenSSL go on as far as it can with what has come.
    fn take(handshake: &mut Handshake) -> Self {
        forget_errors();
        drop(signer::take_failure());
        let outcome = handshake.advance();
        let connection = Connection::of(handshake.stream.ssl());
        let verdict = connection.map(|connection| connection.check.take_verdict()).unwrap_or_default();
        Self { outcome, verdict, hook_failure: signer::take_failure() }
    }
}

/// Awaits the verdict on the peer's chain, if it is still to come.
async fn settle(verdict: Verdict, info: &mut ConnectionInfo) -> Result<(), Error> {
    let (chain, took) = match verdict {
        Verdict::None => return Ok(()),
        Verdict::Accepted(chain, took) => (chain, took),
        Verdict::Refused(reason) => return Err(error::refused(reason)),
        Verdict::Held(verdict) => {
            verdict.settle().await.map_err(|reason| Error::from(reason).on_backend(NAME))?
        }
    };
    info.timings.verification = Some(took);
    info.verified_chain = Some(chain);
    Ok(())
}

/// Stores what a server's connection has brought, before the peer is told of it.
pub(crate) async fn keep_new_sessions(store: &Option<(Store, Duration)>, ssl: &SslRef) {
    let Some((store, lifetime)) = store else { return };
    let sessions = Connection::of(ssl).and_then(|connection| connection.stored_sessions.as_ref());
    let new = sessions.map(ConnectionSessions::take_new);
    store.keep(new.unwrap_or_default(), *lifetime).await;
}

/// OpenSSL judges a call by the thread's queue of errors: what other code left there must not be taken for this
/// connection's.
pub(crate) fn forget_errors() {
    drop(ErrorStack::get());
}
