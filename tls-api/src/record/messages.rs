//! What is received after a handshake and is not application data: alerts, key updates, tickets, renegotiation.
//!
//! All of it costs work and brings the application nothing, so all of it is counted.

use super::{ContentType, RecordSession, Role, open::Refusal};
use crate::{AlertDescription, Buffer, Error, ErrorKind, ProtocolVersion};

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
const WARNING: u8 = 1;
const FATAL: u8 = 2;

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
        count(&mut self.empty_records, MAX_EMPTY_RECORDS)
    }
}

fn count(counter: &mut u8, most: u8) -> Result<(), Refusal> {
    *counter += 1;
    if *counter > most {
        return Err(Refusal { kind: ErrorKind::LimitExceeded, alert: AlertDescription::UNEXPECTED_MESSAGE });
    }
    Ok(())
}

impl RecordSession {
    /// RFC 8446 §6, RFC 5246 §7.2.
    pub(super) fn alert(&mut self, content: &[u8]) -> Result<(), Refusal> {
        let &[level, code] = content else {
            // RFC 8446 §5.4 has an answer of its own for an alert without content.
            return Err(Refusal::misbehaved(
                if content.is_empty() && self.version == ProtocolVersion::Tls13 {
                    AlertDescription::UNEXPECTED_MESSAGE
                } else {
                    AlertDescription::DECODE_ERROR
                },
            ));
        };
        let alert = AlertDescription::from_code(code);
        let received = ErrorKind::AlertReceived(alert);
        match (level, self.version) {
            _ if alert == AlertDescription::CLOSE_NOTIFY => {
                self.close_received = true;
                Ok(())
            }
            (WARNING, ProtocolVersion::Tls12) => count(&mut self.idle.warning_alerts, MAX_WARNING_ALERTS),
            _ if alert == AlertDescription::USER_CANCELED && self.version == ProtocolVersion::Tls13 => {
                count(&mut self.idle.warning_alerts, MAX_WARNING_ALERTS)
            }
            // Nobody reads an answer to a fatal alert; close_notify is the politest of them.
            (FATAL, _) => Err(Refusal { kind: received, alert: AlertDescription::CLOSE_NOTIFY }),
            // RFC 8446 §6: TLS 1.3 has no other warnings, so the peer does not know what it says.
            (WARNING, ProtocolVersion::Tls13) => {
                Err(Refusal { kind: received, alert: AlertDescription::DECODE_ERROR })
            }
            _ => Err(Refusal { kind: received, alert: AlertDescription::ILLEGAL_PARAMETER }),
        }
    }

    /// RFC 5746 §4.2: a peer that asks for renegotiation is told that there is none.
    pub(super) fn renegotiation(&mut self, content: &[u8], outgoing: &mut Buffer) -> Result<(), Refusal> {
        match self.renegotiation {
            Renegotiation::Declined => {
                count(&mut self.idle.renegotiation_requests, MAX_RENEGOTIATION_REQUESTS)?;
                let warning = [WARNING, AlertDescription::NO_RENEGOTIATION.code()];
                self.seal_message(ContentType::Alert, &warning, outgoing).map_err(internal)
            }
            Renegotiation::Fatal => Err(Refusal::misbehaved(match (self.role, content) {
                (Role::Client, [HELLO_REQUEST] | [HELLO_REQUEST, 0] | [HELLO_REQUEST, 0, 0])
                | (Role::Client, [HELLO_REQUEST, 0, 0, 0, ..])
                | (Role::Server, [CLIENT_HELLO, ..]) => AlertDescription::NO_RENEGOTIATION,
                (Role::Client, [HELLO_REQUEST, ..]) => AlertDescription::DECODE_ERROR,
                _ => AlertDescription::UNEXPECTED_MESSAGE,
            })),
        }
    }

    /// RFC 8446 §4.6: messages after the handshake, whole or in fragments.
    pub(super) fn handshake_messages(&mut self, content: &[u8]) -> Result<(), Refusal> {
        if content.is_empty() {
            return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE));
        }
        self.handshake.extend_from_slice(content);
        while let Some((&[kind, high, middle, low], rest)) = self.handshake.split_first_chunk() {
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            if length > MAX_HANDSHAKE_MESSAGE {
                return Err(Refusal {
                    kind: ErrorKind::LimitExceeded,
                    alert: AlertDescription::UNEXPECTED_MESSAGE,
                });
            }
            let Some(body) = rest.get(..length) else { break };
            let body = body.to_vec();
            self.handshake.drain(..4 + length);
            match (kind, self.role) {
                (NEW_SESSION_TICKET, Role::Client) => {
                    count(&mut self.idle.session_tickets, MAX_SESSION_TICKETS)?;
                    self.schedule.new_session_ticket(&body).map_err(ticket_refused)?;
                }
                (KEY_UPDATE, _) => self.key_update(&body)?,
                _ => return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE)),
            }
        }
        if self.handshake.is_empty() {
            self.handshake = Vec::new();
        }
        Ok(())
    }

    /// RFC 8446 §4.6.3. The answer goes out before the next application data; one answers any number of requests.
    fn key_update(&mut self, body: &[u8]) -> Result<(), Refusal> {
        // RFC 8446 §5.1: a message before a key change must end its record.
        if !self.handshake.is_empty() {
            return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE));
        }
        match body {
            [0] => {}
            [1] => self.key_update_owed = true,
            [_] => return Err(Refusal::misbehaved(AlertDescription::ILLEGAL_PARAMETER)),
            _ => return Err(Refusal::misbehaved(AlertDescription::DECODE_ERROR)),
        }
        count(&mut self.idle.key_updates, MAX_KEY_UPDATES)?;
        self.receiving = self.schedule.next_receiving_keys().map_err(internal)?;
        self.key_update_asked = false;
        Ok(())
    }
}

/// A ticket that the backend cannot read, with the alert that it has for it.
fn ticket_refused(error: Error) -> Refusal {
    let alert = error.alert_sent().unwrap_or(AlertDescription::DECODE_ERROR);
    Refusal { kind: ErrorKind::InvalidMessage, alert }
}

fn internal(_: Error) -> Refusal {
    Refusal { kind: ErrorKind::Backend, alert: AlertDescription::INTERNAL_ERROR }
}
