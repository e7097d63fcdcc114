//! The driver: OpenSSL's handshake over the connection's own buffers, step by step.
//!
//! The buffers are OpenSSL's for the length of a call. A verdict that is still to come, and a store that keeps what
//! the call brought, are awaited before OpenSSL is called again and before the peer is sent what the call has written.

use std::time::Duration;

use openssl::ssl::{self, ErrorCode, Ssl, SslRef, SslStream, SslVersion};
use polytls_api::{
    Buffer, CertificateError, ConnectionInfo, Error, ErrorKind, HelloObserver, Phase, ReplayableData,
    SigningThreads, Transport,
};

use crate::{
    NAME,
    connection::Connection,
    early_data, error, ffi,
    session_store::{ConnectionSessions, Store},
    signer,
    verifier::Verdict,
    wire::{Wire, whole_records},
};

/// A handshake under way.
pub(crate) struct Handshake {
    pub(crate) stream: SslStream<Wire>,
    /// On a server that takes it.
    pub(crate) early_data: Option<early_data::Reading>,
    /// On a server: how many tickets a TLS 1.3 connection brings that resumed a session.
    pub(crate) renewed_tickets: u8,
    /// On a server with a store: where its sessions are kept, and for how long.
    pub(crate) store: Option<(Store, Duration)>,
    /// Where OpenSSL is called as long as a signer may have to be waited for.
    pub(crate) signing: Option<SigningThreads>,
}

impl Handshake {
    pub(crate) fn new(ssl: Ssl) -> Result<Self, Error> {
        let stream = SslStream::new(ssl, Wire::observed()).map_err(error::library)?;
        Ok(Self { stream, early_data: None, renewed_tickets: 0, store: None, signing: None })
    }

    /// Writes a client's hello, and the data after it. Nothing is sent where the hello offers no session: OpenSSL would have
    /// encrypted under a key that is no secret.
    pub(crate) fn write_early_data(
        &mut self,
        transport: &mut Transport<'_>,
        data: &ReplayableData,
    ) -> Result<(), Error> {
        forget_errors();
        self.stream.get_mut().swap_with(transport);
        let written = early_data::write(&mut self.stream, data);
        self.stream.get_mut().swap_with(transport);
        if !self.stream.get_ref().observer().is_some_and(HelloObserver::client_offers_psk) {
            transport.outgoing().clear();
            return Err(Error::new(ErrorKind::Backend).on_backend(NAME));
        }
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
                return Err(match refused {
                    Refusal::Told(refused) => refused,
                    Refusal::Untold(refused) => self.withdraw(transport, refused),
                });
            }
            if let Some(Err(failure)) = step.signature {
                return Err(failure);
            }
            match step.outcome {
                Ok(()) if is_unanswered(self.stream.ssl()) => {
                    transport.outgoing().clear();
                    return Err(Error::new(ErrorKind::Backend).on_backend(NAME));
                }
                Ok(()) => return Ok(self),
                Err(wants) if wants.code() == ErrorCode::WANT_READ => {
                    keep_new_sessions(&self.store, self.stream.ssl()).await;
                    transport.fill().await?;
                }
                Err(failure) => return Err(error::connection(failure, Phase::Handshake)),
            }
        }
    }

    /// The peer is refused, and what OpenSSL wanted to send must not leave. A client that has sent nothing but its hello
    /// so far says why instead.
    fn withdraw(&self, transport: &mut Transport<'_>, refused: CertificateError) -> Error {
        let ssl = self.stream.ssl();
        let alert = refused.alert();
        let error = Error::from(refused).on_backend(NAME);
        if ssl.is_server() || ssl.version2() == Some(SslVersion::TLS1_3) {
            transport.outgoing().clear();
            return error;
        }
        transport.send_plaintext_alert(alert);
        error.with_alert_sent(alert)
    }

    /// One call of OpenSSL's, where it can wait for a signer if it has to.
    async fn step(mut self, transport: &mut Transport<'_>) -> Result<(Self, Step), Error> {
        let Some(threads) = self.signing.clone() else {
            self.stream.get_mut().swap_with(transport);
            let step = Step::take(&mut self);
            self.stream.get_mut().swap_with(transport);
            return Ok((self, step));
        };
        // Nothing is signed before a record has come whole: a peer that sends one slowly has no thread meanwhile.
        let mut records = take_whole_records(transport.incoming());
        let may_sign = !records.is_empty();
        self.stream.get_mut().swap(&mut records, transport.outgoing());
        let call = move || {
            let step = Step::take(&mut self);
            (self, step)
        };
        let (mut handshake, step) = if may_sign { threads.run(call).await? } else { call() };
        handshake.stream.get_mut().swap(&mut records, transport.outgoing());
        records.extend(transport.incoming().filled());
        *transport.incoming() = records;
        // One end signs once in a handshake (RFC 8446 §4.4.3, RFC 5246 §7.3).
        if step.signature.as_ref().is_some_and(Result::is_ok) {
            handshake.signing = None;
        }
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
    /// That the identity's signer has signed, or why not.
    signature: Option<Result<(), Error>>,
}

impl Step {
    /// Has OpenSSL go on as far as it can with what has come.
    fn take(handshake: &mut Handshake) -> Self {
        forget_errors();
        drop(signer::take_outcome());
        let outcome = handshake.advance();
        let connection = Connection::of(handshake.stream.ssl());
        let verdict = connection.map(|connection| connection.check.take_verdict()).unwrap_or_default();
        Self { outcome, verdict, signature: signer::take_outcome() }
    }
}

/// Takes the records that have come whole; everything, if OpenSSL will find that it is none.
fn take_whole_records(incoming: &mut Buffer) -> Buffer {
    let whole = whole_records(incoming.filled());
    let mut records = Buffer::new();
    records.extend(&incoming.filled()[..whole]);
    incoming.consume(whole);
    records
}

/// A peer's chain was refused.
enum Refusal {
    /// OpenSSL has sent the alert.
    Told(Error),
    /// What OpenSSL has to send says something else.
    Untold(CertificateError),
}

/// Awaits the verdict on the peer's chain, if it is still to come.
async fn settle(verdict: Verdict, info: &mut ConnectionInfo) -> Result<(), Refusal> {
    let (chain, took) = match verdict {
        Verdict::None => return Ok(()),
        Verdict::Accepted(chain, took) => (chain, took),
        Verdict::Refused(reason) => return Err(Refusal::Told(error::refused(reason))),
        Verdict::RefusedLate(reason) => return Err(Refusal::Untold(reason)),
        Verdict::Held(verdict) => verdict.settle().await.map_err(Refusal::Untold)?,
    };
    info.timings.set_verification(took);
    info.verified_chain = Some(chain);
    Ok(())
}

/// Whether the peer's chain was never decided on.
fn is_unanswered(ssl: &SslRef) -> bool {
    Connection::of(ssl).is_none_or(|connection| connection.check.is_unanswered())
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
    if ffi::has_errors() {
        ffi::clear_errors();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use openssl::ssl::{SslContext, SslMethod};
    use polytls_api::ByteStream;

    use super::*;
    use crate::wire::tests::HELLO;

    /// A stream on which nothing comes.
    struct Silent;

    impl ByteStream for Silent {
        fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_record_that_comes_slowly_has_no_thread_before_it_is_whole() {
        let mut ssl = Ssl::new(&SslContext::builder(SslMethod::tls_server()).unwrap().build()).unwrap();
        ssl.set_accept_state();
        let mut handshake = Handshake::new(ssl).unwrap();
        handshake.signing = Some(SigningThreads::default());
        let mut stream = Silent;
        let mut transport = Transport::new(&mut stream);
        let (last, first) = HELLO.split_last().unwrap();
        for count in 1..=first.len() {
            transport.incoming().extend(&first[count - 1..count]);
            // A thread would have to be waited for.
            let polled = pin!(handshake.step(&mut transport)).poll(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(Ok((next, step))) = polled else { panic!("{count}: not at once") };
            assert_eq!(step.outcome.unwrap_err().code(), ErrorCode::WANT_READ);
            assert_eq!(transport.incoming().filled(), &first[..count]);
            handshake = next;
        }
        transport.incoming().extend(&[*last]);
        let (_, step) = handshake.step(&mut transport).await.unwrap();
        assert_eq!(step.outcome.unwrap_err().code(), ErrorCode::SSL, "the hello is too short");
        assert!(transport.incoming().is_empty());
    }
}
