//! Runs a handshake through rustls's unbuffered API.
//!
//! Records are shown to rustls one at a time: when the handshake is complete, what follows it is still
//! untouched, and the record layer takes over from exactly there. A verdict that is still to come is
//! awaited before rustls sees another byte or the peer is sent one.

use polytls_api::{
    AlertDescription, Buffer, CertificateError, ConnectionInfo, Error, ErrorKind, HeldVerdict, Transport,
};
use rustls::{
    CommonState,
    client::UnbufferedClientConnection,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus},
};

use crate::{
    NAME,
    call::{Desk, with_desk},
    error,
    exporter::ServerRandom,
};

/// RFC 5246 §6.2.3: no record of any version is longer.
const MAX_FRAGMENT: usize = (1 << 14) + 2048;

/// What the two kinds of connection have in common.
pub(crate) trait Engine: Send {
    /// Whether the ServerHello goes out from here.
    const IS_SERVER: bool;

    fn step(&mut self, shown: &mut [u8], outgoing: &mut Buffer) -> (usize, Step);
    fn is_handshaking(&self) -> bool;
    fn wants_write(&self) -> bool;
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

impl Engine for UnbufferedClientConnection {
    const IS_SERVER: bool = false;

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
    const IS_SERVER: bool = true;

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
    pub(crate) engine: E,
    pub(crate) desk: Desk,
    pub(crate) server_random: ServerRandom,
    transport: &'a mut Transport<'t>,
    /// How many of the incoming bytes rustls has been shown and has not consumed.
    shown: usize,
}

impl<'a, 't, E: Engine> Drive<'a, 't, E> {
    pub(crate) fn new(engine: E, desk: Desk, transport: &'a mut Transport<'t>) -> Self {
        Self { engine, desk, server_random: ServerRandom::new(), transport, shown: 0 }
    }

    /// Runs the handshake to its end.
    pub(crate) async fn run(&mut self, info: &mut ConnectionInfo) -> Result<(), Error> {
        loop {
            let step = self.step();
            match (self.desk.verdict.take(), step) {
                (verdict, Step::Failed(failure)) => {
                    self.send_alert();
                    let reason = verdict.as_ref().and_then(HeldVerdict::refusal).cloned();
                    return Err(refused(reason, failure));
                }
                (Some(verdict), _) => self.settle(verdict, info).await?,
                (None, Step::Traffic) if !self.engine.is_handshaking() => return Ok(()),
                (None, Step::Again | Step::Encoded(_)) => {}
                (None, Step::Blocked | Step::Traffic) => self.next_record().await?,
            }
        }
    }

    fn step(&mut self) -> Step {
        let (incoming, outgoing) = self.transport.buffers();
        let (engine, shown) = (&mut self.engine, &mut incoming.filled_mut()[..self.shown]);
        let (consumed, step) = with_desk(&mut self.desk, || engine.step(shown, outgoing));
        incoming.consume(consumed);
        self.shown -= consumed;
        if let Step::Encoded(count) = step
            && E::IS_SERVER
        {
            let sent = outgoing.filled();
            self.server_random.read(&sent[sent.len() - count..]);
        }
        step
    }

    async fn settle(&mut self, verdict: HeldVerdict, info: &mut ConnectionInfo) -> Result<(), Error> {
        match verdict.settle().await {
            Ok((chain, took)) => {
                info.verified_chain = Some(chain);
                info.timings.verification = Some(took);
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
        while self.engine.wants_write() {
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
