//! Runs a handshake through rustls's unbuffered API.
//!
//! Records are shown to rustls one at a time: when the handshake is complete, what follows it is still
//! untouched, and the record layer takes over from exactly there. A verdict that is still to come is
//! awaited before rustls sees another byte or the peer is sent one.

use polytls_api::{
    AlertDescription, Buffer, CertificateError, CipherSuite, ConnectionInfo, Error, ErrorKind, HeldVerdict,
    ReplayableData, SigningThreads, Transport,
};
use rustls::{
    CommonState,
    ProtocolVersion::TLSv1_3,
    client::UnbufferedClientConnection,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus},
};

use crate::{
    NAME,
    call::{Desk, with_desk},
    early_data::{self, EarlyData, Offer},
    error,
    exporter::ServerRandom,
    handshake_keys::HandshakeKeys,
    sessions::ServerStore,
};

/// RFC 5246 §6.2.3: no record of any version is longer.
const MAX_FRAGMENT: usize = (1 << 14) + 2048;

/// What the two kinds of connection have in common.
pub(crate) trait Engine: Send + 'static {
    /// Whether the ServerHello goes out from here.
    const IS_SERVER: bool;

    fn step(&mut self, shown: &mut [u8], outgoing: &mut Buffer) -> (usize, Step);
    fn state(&self) -> &CommonState;
}

/// What rustls wants next.
pub(crate) enum Step {
    /// To be called again.
    Again,
    /// To be called again; this many bytes were encoded, one record.
    Encoded(usize),
    /// More of what the peer sends.
    Blocked,
    /// Nothing: it could carry data now.
    Traffic,
    Failed(Error),
}

/// A client's connection, with the early data that it sends.
pub(crate) struct ClientEngine {
    pub(crate) connection: UnbufferedClientConnection,
    pub(crate) early_data: EarlyData,
}

impl Engine for ClientEngine {
    const IS_SERVER: bool = false;

    fn step(&mut self, shown: &mut [u8], outgoing: &mut Buffer) -> (usize, Step) {
        let UnbufferedStatus { discard, state, .. } = self.connection.process_tls_records(shown);
        let step = match state {
            Ok(ConnectionState::TransmitTlsData(transmit)) => {
                self.early_data.send(transmit, outgoing).map_or_else(Step::Failed, |()| Step::Again)
            }
            state => step(state, outgoing),
        };
        if let Step::Encoded(count) = step {
            self.early_data.encoded(last(outgoing, count));
        }
        (discard, step)
    }

    fn state(&self) -> &CommonState {
        &self.connection
    }
}

/// A server's connection, with the early data that it has taken.
pub(crate) struct ServerEngine {
    pub(crate) connection: UnbufferedServerConnection,
    pub(crate) early_data: Option<ReplayableData>,
}

impl Engine for ServerEngine {
    const IS_SERVER: bool = true;

    fn step(&mut self, shown: &mut [u8], outgoing: &mut Buffer) -> (usize, Step) {
        let UnbufferedStatus { discard, state, .. } = self.connection.process_tls_records(shown);
        let step = match state {
            Ok(ConnectionState::ReadEarlyData(reading)) => {
                early_data::collect(reading, &mut self.early_data).map_or_else(Step::Failed, |()| Step::Again)
            }
            state => step(state, outgoing),
        };
        (discard, step)
    }

    fn state(&self) -> &CommonState {
        &self.connection
    }
}

fn step<Data>(state: Result<ConnectionState<'_, '_, Data>, rustls::Error>, outgoing: &mut Buffer) -> Step {
    match state {
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
    }
}

/// The last bytes of what is to be sent.
fn last(outgoing: &Buffer, count: usize) -> &[u8] {
    let sent = outgoing.filled();
    &sent[sent.len().saturating_sub(count)..]
}

fn encode<Data>(mut data: EncodeTlsData<'_, Data>, outgoing: &mut Buffer) -> Step {
    let needed = match data.encode(&mut []) {
        Ok(count) => return Step::Encoded(count),
        Err(EncodeError::InsufficientSize(insufficient)) => insufficient.required_size,
        Err(error) => return Step::Failed(Error::new(ErrorKind::Backend).with_source(error)),
    };
    match data.encode(outgoing.spare(needed)) {
        Ok(count) => {
            outgoing.commit(count);
            Step::Encoded(count)
        }
        Err(error) => Step::Failed(Error::new(ErrorKind::Backend).with_source(error)),
    }
}

/// A handshake under way.
pub(crate) struct Drive<'a, 't, E> {
    /// Like the desk it is large, and a future is moved about with all that it holds.
    pub(crate) engine: Box<E>,
    pub(crate) desk: Box<Desk>,
    pub(crate) server_random: ServerRandom,
    pub(crate) transport: &'a mut Transport<'t>,
    /// How many of the incoming bytes rustls has been shown and has not consumed.
    pub(crate) shown: usize,
    /// On a server: the early data that the client has offered.
    pub(crate) offer: Option<Offer>,
    /// Where a signer of the application's is asked, if there is one.
    pub(crate) signing: Option<&'a SigningThreads>,
    /// Where a server's sessions are stored, if the application says so.
    pub(crate) store: Option<&'a ServerStore>,
}

impl<'a, 't, E: Engine> Drive<'a, 't, E> {
    pub(crate) fn new(engine: Box<E>, desk: Box<Desk>, transport: &'a mut Transport<'t>) -> Self {
        let server_random = ServerRandom::new();
        Self { engine, desk, server_random, transport, shown: 0, offer: None, signing: None, store: None }
    }

    /// Runs the handshake to its end.
    pub(crate) async fn run(mut self, info: &mut ConnectionInfo) -> Result<Self, Error> {
        loop {
            let step = match self.signing {
                // Only what a peer sends makes rustls sign, and it signs once.
                Some(threads) if self.shown > 0 && !self.desk.signed => {
                    let (drive, step) = self.step_on_thread(threads).await?;
                    self = drive;
                    step
                }
                _ => self.step(),
            };
            match (self.desk.verdict.take(), step) {
                (verdict, Step::Failed(failure)) => return Err(self.give_up(verdict, failure)),
                (Some(verdict), _) => self.settle(verdict, info).await?,
                (None, Step::Traffic) if !self.engine.state().is_handshaking() => return Ok(self),
                (None, Step::Again | Step::Encoded(_)) => {}
                (None, Step::Blocked | Step::Traffic) => self.next_record().await?,
            }
            if let Some(store) = self.store
                && !self.desk.kept.is_empty()
            {
                // A client may come back as soon as it has the ticket.
                store.keep(self.desk.session_binding(), std::mem::take(&mut self.desk.kept)).await;
            }
        }
    }

    fn step(&mut self) -> Step {
        let (incoming, outgoing) = self.transport.buffers();
        let (engine, shown) = (&mut self.engine, &mut incoming.filled_mut()[..self.shown]);
        let (consumed, step) = with_desk(&mut self.desk, || engine.step(shown, outgoing));
        self.stepped(consumed, step)
    }

    /// A step in which the application's signer may be asked.
    async fn step_on_thread(self, threads: &SigningThreads) -> Result<(Self, Step), Error> {
        let Self { mut engine, mut desk, server_random, transport, shown, offer, signing, store } = self;
        let mut incoming = std::mem::take(transport.incoming());
        let mut outgoing = std::mem::take(transport.outgoing());
        let call = move || {
            let shown = &mut incoming.filled_mut()[..shown];
            let (consumed, step) = with_desk(&mut desk, || engine.step(shown, &mut outgoing));
            (engine, desk, incoming, outgoing, consumed, step)
        };
        let (engine, desk, incoming, outgoing, consumed, step) = threads.run(call).await?;
        *transport.incoming() = incoming;
        *transport.outgoing() = outgoing;
        let mut drive = Self { engine, desk, server_random, transport, shown, offer, signing, store };
        let step = drive.stepped(consumed, step);
        Ok((drive, step))
    }

    fn stepped(&mut self, consumed: usize, step: Step) -> Step {
        self.transport.incoming().consume(consumed);
        self.shown -= consumed;
        if let Step::Encoded(count) = step
            && E::IS_SERVER
        {
            let record = last(self.transport.outgoing(), count);
            self.server_random.read(record);
            if let Some(offer) = &mut self.offer
                && let Some(suite) = self.engine.state().negotiated_cipher_suite()
            {
                let suite = CipherSuite::from_code(suite.suite().into());
                offer.encoded(suite, &mut self.desk.handshake_secrets, record);
            }
        }
        step
    }

    /// Leaves to be sent what tells the peer, and says what has happened.
    fn give_up(&mut self, verdict: Option<HeldVerdict>, failure: Error) -> Error {
        let Some(hook) = self.desk.hook_failure.take() else {
            self.send_alert();
            let reason = verdict.as_ref().and_then(HeldVerdict::refusal).cloned();
            return refused(reason, failure);
        };
        let failure = Error::new(ErrorKind::Hook).on_backend(NAME).with_source(hook);
        match self.send_internal_error() {
            Some(alert) => failure.with_alert_sent(alert),
            None => failure,
        }
    }

    /// Leaves to be sent that a signer has failed, for which rustls has no alert.
    fn send_internal_error(&mut self) -> Option<AlertDescription> {
        let alert = AlertDescription::INTERNAL_ERROR;
        if E::IS_SERVER || self.engine.state().protocol_version() != Some(TLSv1_3) {
            // A server signs before its ServerHello has left, a client of TLS 1.2 before there are keys.
            self.transport.send_plaintext_alert(alert);
            return Some(alert);
        }
        // A client of TLS 1.3 signs before it has sent anything under the keys of the handshake.
        let suite = self.engine.state().negotiated_cipher_suite()?.suite().into();
        let secret = self.desk.handshake_secrets.client.take()?;
        let keys = HandshakeKeys::new(CipherSuite::from_code(suite), &secret)?;
        self.transport.outgoing().extend(&keys.seal_alert(alert.code())?);
        Some(alert)
    }

    async fn settle(&mut self, verdict: HeldVerdict, info: &mut ConnectionInfo) -> Result<(), Error> {
        match verdict.settle().await {
            Ok((chain, took)) => {
                info.verified_chain = Some(chain);
                info.timings.set_verification(took);
                Ok(())
            }
            Err(reason) => {
                // rustls has accepted for the moment; what it wanted to send must not leave.
                self.transport.outgoing().clear();
                Err(reason.into())
            }
        }
    }

    /// Has rustls encode what its failure left behind: the alert, and what was to go before it.
    ///
    /// It is called for nothing else: a failed connection must not look at another byte.
    fn send_alert(&mut self) {
        while self.engine.state().wants_write() {
            let (_, step) = self.engine.step(&mut [], self.transport.outgoing());
            if !matches!(step, Step::Again | Step::Encoded(_)) {
                return;
            }
        }
    }

    /// Awaits one more record, and shows it to rustls with the next step.
    async fn next_record(&mut self) -> Result<(), Error> {
        loop {
            let unseen = &self.transport.incoming().filled()[self.shown..];
            if let Some(&[kind, major, _, high, low]) = unseen.first_chunk() {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let plausible = (20..=24).contains(&kind) && major == 3 && length <= MAX_FRAGMENT;
                if !plausible {
                    // No record will ever be whole here: let rustls say what is wrong.
                    self.shown += unseen.len();
                    return Ok(());
                }
                if let Some(record) = unseen.get(..5 + length) {
                    if !E::IS_SERVER {
                        self.server_random.read(record);
                    }
                    let early_data = self.offer.as_mut().is_some_and(|offer| offer.passes_over(record));
                    if early_data && self.shown == 0 {
                        self.transport.incoming().consume(5 + length);
                        continue;
                    }
                    self.shown += 5 + length;
                    return Ok(());
                }
            }
            self.transport.fill().await?;
        }
    }
}

fn refused(reason: Option<CertificateError>, failure: Error) -> Error {
    match reason {
        Some(reason) => {
            let alert = reason.alert();
            Error::from(reason).on_backend(NAME).with_alert_sent(alert)
        }
        None => failure,
    }
}
