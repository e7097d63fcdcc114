//! What is received after a handshake and is not application data: alerts, key updates, tickets, renegotiation.
//!
//! All of it costs work and brings the application nothing, so all of it is counted.

use super::{
    Role,
    open::Refusal,
    receiving::Receiving,
    signals::{Common, Signals},
};
use crate::{AlertDescription, Error, ErrorKind, ProtocolVersion};

/// Bounds on what a peer may send to no purpose, each counted until application data comes.
const MAX_EMPTY_RECORDS: u8 = 32;
const MAX_WARNING_ALERTS: u8 = 4;
const MAX_KEY_UPDATES: u8 = 32;
const MAX_RENEGOTIATION_REQUESTS: u8 = 1;
const MAX_SESSION_TICKETS: u8 = 32;

/// The longest message that may follow a handshake; a session ticket is the only long one.
const MAX_HANDSHAKE_MESSAGE: usize = 16 * 1024;

/// Types of handshake messages that may follow a handshake (RFC 8446 §4, RFC 5246 §7.4).
const HELLO_REQUEST: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const NEW_SESSION_TICKET: u8 = 4;
pub(super) const KEY_UPDATE: u8 = 24;

/// The levels of an alert.
pub(super) const WARNING: u8 = 1;
pub(super) const FATAL: u8 = 2;

/// What a peer is told that asks for renegotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renegotiation {
    /// That there is none, in a warning (RFC 5746 §4.2).
    Declined,
    /// The same, and that the connection is over.
    Fatal,
}

/// Records that brought nothing, since the last that brought data.
#[derive(Debug, Default)]
pub(super) struct Idle {
    empty_records: u8,
    warning_alerts: u8,
    key_updates: u8,
    renegotiation_requests: u8,
    session_tickets: u8,
}

impl Idle {
    pub(super) fn empty_record(&mut self) -> Result<(), Refusal> {
        count(&mut self.empty_records, MAX_EMPTY_RECORDS, "too many empty records in a row")
    }

    fn warning_alert(&mut self) -> Result<(), Refusal> {
        count(&mut self.warning_alerts, MAX_WARNING_ALERTS, "too many warning alerts in a row")
    }

    fn key_update(&mut self) -> Result<(), Refusal> {
        count(&mut self.key_updates, MAX_KEY_UPDATES, "too many key updates without data")
    }

    fn renegotiation_request(&mut self) -> Result<(), Refusal> {
        let requests = &mut self.renegotiation_requests;
        count(
            requests,
            MAX_RENEGOTIATION_REQUESTS,
            "another request for renegotiation, after one was declined",
        )
    }

    fn session_ticket(&mut self) -> Result<(), Refusal> {
        count(&mut self.session_tickets, MAX_SESSION_TICKETS, "too many tickets without data")
    }
}

fn count(counter: &mut u8, most: u8, reason: &'static str) -> Result<(), Refusal> {
    *counter += 1;
    if *counter > most {
        return Err(limit(reason));
    }
    Ok(())
}

fn limit(reason: &'static str) -> Refusal {
    Refusal { kind: ErrorKind::LimitExceeded, alert: AlertDescription::UNEXPECTED_MESSAGE, reason }
}

impl Receiving {
    /// RFC 8446 §6, RFC 5246 §7.2.
    pub(super) fn alert(&mut self, content: &[u8]) -> Result<(), Refusal> {
        let &[level, code] = content else { return Err(self.malformed_alert(content)) };
        let alert = AlertDescription::from_code(code);
        let received =
            |answer, reason| Err(Refusal { kind: ErrorKind::AlertReceived(alert), alert: answer, reason });
        match (level, self.version) {
            _ if alert == AlertDescription::CLOSE_NOTIFY => {
                self.close_received = true;
                Ok(())
            }
            (WARNING, ProtocolVersion::Tls12) => self.idle.warning_alert(),
            // RFC 8446 §6.1: whatever its level, it is followed by close_notify.
            _ if alert == AlertDescription::USER_CANCELED && self.version == ProtocolVersion::Tls13 => {
                self.idle.warning_alert()
            }
            // Nobody reads an answer to a fatal alert; close_notify is the politest of them.
            (FATAL, _) => received(AlertDescription::CLOSE_NOTIFY, "a fatal alert"),
            // RFC 8446 §6: TLS 1.3 has no other warnings, so the peer does not know what it says.
            (WARNING, ProtocolVersion::Tls13) => {
                received(AlertDescription::DECODE_ERROR, "a warning alert in TLS 1.3")
            }
            _ => received(AlertDescription::ILLEGAL_PARAMETER, "an alert that is neither warning nor fatal"),
        }
    }

    fn malformed_alert(&self, content: &[u8]) -> Refusal {
        // RFC 8446 §5.4 has an answer of its own for an alert without content.
        if content.is_empty() && self.version == ProtocolVersion::Tls13 {
            return Refusal::unexpected("a protected alert without content");
        }
        Refusal::misbehaved(AlertDescription::DECODE_ERROR, "a record that does not hold one alert")
    }

    /// RFC 5746 §4.2: a peer that asks for renegotiation is told that there is none.
    pub(super) fn renegotiation(&mut self, content: &[u8], signals: &Signals) -> Result<(), Refusal> {
        match self.renegotiation {
            Renegotiation::Declined => {
                self.idle.renegotiation_request()?;
                signals.owe_warning();
                Ok(())
            }
            Renegotiation::Fatal if content.is_empty() => self.idle.empty_record(),
            Renegotiation::Fatal => self.refuse_renegotiation(content),
        }
    }

    /// The first request ends the connection: a ClientHello by its type, a HelloRequest when all of it is there.
    fn refuse_renegotiation(&mut self, content: &[u8]) -> Result<(), Refusal> {
        self.handshake.extend_from_slice(content);
        let (alert, reason) = match (self.role, &self.handshake[..]) {
            (Role::Client, [HELLO_REQUEST] | [HELLO_REQUEST, 0] | [HELLO_REQUEST, 0, 0]) => return Ok(()),
            (Role::Client, [HELLO_REQUEST, 0, 0, 0, ..]) | (Role::Server, [CLIENT_HELLO, ..]) => {
                (AlertDescription::NO_RENEGOTIATION, "a request for renegotiation")
            }
            (Role::Client, [HELLO_REQUEST, ..]) => {
                (AlertDescription::DECODE_ERROR, "a HelloRequest that is not empty")
            }
            _ => (AlertDescription::UNEXPECTED_MESSAGE, "a handshake message after a handshake of TLS 1.2"),
        };
        Err(Refusal::misbehaved(alert, reason))
    }

    /// RFC 8446 §4.6: messages after the handshake, whole or in fragments.
    pub(super) fn handshake_messages(
        &mut self,
        content: &[u8],
        common: &mut Common<'_>,
    ) -> Result<(), Refusal> {
        if content.is_empty() {
            return Err(Refusal::unexpected("a protected handshake record without content"));
        }
        self.handshake.extend_from_slice(content);
        while let Some((&[kind, high, middle, low], rest)) = self.handshake.split_first_chunk() {
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            if length > MAX_HANDSHAKE_MESSAGE {
                return Err(limit("a handshake message that is longer than one may be"));
            }
            let Some(body) = rest.get(..length) else { break };
            let body = body.to_vec();
            self.handshake.drain(..4 + length);
            match (kind, self.role) {
                (NEW_SESSION_TICKET, Role::Client) => {
                    self.idle.session_ticket()?;
                    common.schedule.new_session_ticket(&body).map_err(ticket_refused)?;
                }
                (KEY_UPDATE, _) => self.key_update(&body, common)?,
                _ => return Err(Refusal::unexpected("a handshake message that may not follow a handshake")),
            }
        }
        if self.handshake.is_empty() {
            self.handshake = Vec::new();
        }
        Ok(())
    }

    /// RFC 8446 §4.6.3. The answer goes out before the next application data; one answers any number of requests.
    fn key_update(&mut self, body: &[u8], common: &mut Common<'_>) -> Result<(), Refusal> {
        // RFC 8446 §5.1: a message before a key change must end its record.
        if !self.handshake.is_empty() {
            return Err(Refusal::unexpected("handshake data beyond a change of keys"));
        }
        match body {
            [0] => {}
            [1] => common.signals.owe_key_update(),
            [_] => {
                let alert = AlertDescription::ILLEGAL_PARAMETER;
                return Err(Refusal::misbehaved(
                    alert,
                    "a key update that neither asks for another nor does not",
                ));
            }
            _ => {
                let alert = AlertDescription::DECODE_ERROR;
                return Err(Refusal::misbehaved(alert, "a key update that is not one byte"));
            }
        }
        self.idle.key_update()?;
        self.keys = common.schedule.next_receiving_keys().map_err(internal)?;
        common.signals.key_update_has_come();
        Ok(())
    }
}

/// A ticket that the backend cannot read, with the alert that it has for it.
fn ticket_refused(error: Error) -> Refusal {
    let alert = error.alert_sent().unwrap_or(AlertDescription::DECODE_ERROR);
    Refusal { kind: ErrorKind::InvalidMessage, alert, reason: "a ticket that cannot be read" }
}

fn internal(_: Error) -> Refusal {
    let alert = AlertDescription::INTERNAL_ERROR;
    Refusal { kind: ErrorKind::Backend, alert, reason: "the keys or the cipher failed" }
}
