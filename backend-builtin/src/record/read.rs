//! What is received: a record is opened where it lies in the transport's buffer, and only what it holds of handshake
//! messages and early data is copied.

use std::ops::Range;

use polytls_api::{
    AlertDescription, ErrorKind, ProtocolVersion, ReplayableData,
    record::{ContentType, RecordError},
};

use super::{HEADER_LEN, MAX_PLAINTEXT, RecordSizeLimits, Records, Skip};
use crate::{error::Fault, wire::handshake::HandshakeMessage};

/// The levels of an alert (RFC 8446 §6).
const WARNING: u8 = 1;
const FATAL: u8 = 2;

/// What a server reads while early data may come.
#[derive(Debug)]
pub(crate) enum EarlyDataOr {
    /// Early data, at least one byte. It may be a replay.
    Data(ReplayableData),
    /// The message that follows it.
    Message(HandshakeMessage),
}

/// A record at the front of the incoming buffer, opened.
#[derive(Debug)]
struct OpenedRecord {
    content_type: ContentType,
    content: Range<usize>,
    /// The length of the record.
    whole: usize,
}

/// What a look at the front of the incoming buffer found.
#[derive(Debug)]
enum Found {
    /// No whole record yet.
    Nothing,
    /// A record of this length that means nothing.
    PassedOver(usize),
    Record(OpenedRecord),
}

impl Records<'_, '_> {
    /// The next handshake message. What is queued is sent while it is awaited.
    ///
    /// # Errors
    /// [`Fault::AlertReceived`] for an alert that ends the connection, close_notify among them; whatever breaks a
    /// rule or a bound of the record layer; the errors of the transport.
    pub(crate) async fn read_message(&mut self) -> Result<HandshakeMessage, Fault> {
        self.end_flight()?;
        loop {
            if let Some(message) = self.messages.next_message()? {
                return Ok(message);
            }
            let record = self.read_record().await?;
            match record.content_type {
                ContentType::Handshake => self.take_handshake(record)?,
                other => return Err(self.out_of_place(other)),
            }
        }
    }

    /// The next handshake message, or early data before it, as far as [`Records::accept_early_data`] lets it come.
    ///
    /// # Errors
    /// As [`Records::read_message`]; RFC 8446 §4.2.10: more early data than was allowed ends with unexpected_message.
    pub(crate) async fn read_early_data_or_message(&mut self) -> Result<EarlyDataOr, Fault> {
        self.end_flight()?;
        loop {
            if let Some(message) = self.messages.next_message()? {
                return Ok(EarlyDataOr::Message(message));
            }
            let record = self.read_record().await?;
            match record.content_type {
                ContentType::Handshake => self.take_handshake(record)?,
                ContentType::ApplicationData if self.receiving.is_some() && self.messages.is_empty() => {
                    if let Some(data) = self.take_early_data(record)? {
                        return Ok(EarlyDataOr::Data(data));
                    }
                }
                other => return Err(self.out_of_place(other)),
            }
        }
    }

    /// TLS 1.2: the next record is change_cipher_spec, between messages.
    ///
    /// # Errors
    /// [`Fault::UnexpectedMessage`] for any other, [`Fault::IllegalParameter`] if it does not hold what it must.
    pub(crate) async fn read_change_cipher_spec(&mut self) -> Result<(), Fault> {
        self.end_flight()?;
        if !self.messages.is_empty() {
            return Err(Fault::UnexpectedMessage("handshake data where change_cipher_spec is due"));
        }
        let record = self.read_record().await?;
        if record.content_type != ContentType::ChangeCipherSpec {
            return Err(Fault::UnexpectedMessage("another record where change_cipher_spec is due"));
        }
        if self.content(&record) != [1] {
            return Err(Fault::IllegalParameter("a change_cipher_spec that is not 1"));
        }
        self.consume(&record);
        Ok(())
    }

    /// The next record that is no alert, at the front of the incoming buffer.
    async fn read_record(&mut self) -> Result<OpenedRecord, Fault> {
        loop {
            match self.next_record()? {
                Found::Nothing => self.fill().await?,
                Found::PassedOver(length) => self.transport.incoming().consume(length),
                Found::Record(record) if record.content_type == ContentType::Alert => {
                    self.alert(&record)?;
                    self.consume(&record);
                }
                Found::Record(record) => return Ok(record),
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Fault> {
        self.transport.fill().await.map_err(|error| match error.kind() {
            ErrorKind::LimitExceeded => {
                Fault::Limit(AlertDescription::ILLEGAL_PARAMETER, "more bytes than a handshake may have")
            }
            _ => Fault::Transport(error),
        })
    }

    fn next_record(&mut self) -> Result<Found, Fault> {
        let incoming = self.transport.incoming().filled();
        let Some((&header, rest)) = incoming.split_first_chunk::<HEADER_LEN>() else {
            return Ok(Found::Nothing);
        };
        let [code, major, minor, high, low] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let is_whole = rest.len() >= length;
        if !self.begun {
            refuse_other_protocols(header)?;
        }
        self.check_version([major, minor])?;
        let outer = ContentType::from_code(code)
            .ok_or(Fault::UnexpectedMessage("a record of a type that there is not"))?;
        if length > self.most_in_record(outer) {
            return Err(Fault::RecordOverflow("a record longer than one may be"));
        }
        if !is_whole {
            return Ok(Found::Nothing);
        }
        self.begun = true;
        let whole = HEADER_LEN + length;
        match (&self.receiving, self.version, outer) {
            (_, Some(ProtocolVersion::Tls13), ContentType::ChangeCipherSpec) => {
                self.pass_over_change_cipher_spec(whole)
            }
            (Some(_), Some(version), _) => self.open(version, outer, whole),
            _ if outer == ContentType::ApplicationData && self.skips(Skip::Unencrypted) => {
                self.pass_over_early_data(whole)
            }
            _ => Ok(Found::Record(OpenedRecord { content_type: outer, content: HEADER_LEN..whole, whole })),
        }
    }

    /// RFC 8446 §5.1 would have the version of a record ignored, but a record under keys always says 0x0303.
    fn check_version(&self, version: [u8; 2]) -> Result<(), Fault> {
        match (version, &self.receiving) {
            ([3, _], None) | ([3, 3], Some(_)) => Ok(()),
            _ => Err(Fault::NotTls("a record of another protocol or version")),
        }
    }

    /// The longest record that may come, without its header (RFC 8446 §5.1, §5.2, RFC 5246 §6.2.3).
    fn most_in_record(&self, outer: ContentType) -> usize {
        match (&self.receiving, self.version) {
            // Early data that is passed over is protected, under keys that this side never makes.
            (None, _) if outer == ContentType::ApplicationData && self.skips(Skip::Unencrypted) => {
                MAX_PLAINTEXT + 256
            }
            (None, _) => MAX_PLAINTEXT,
            (Some(_), Some(ProtocolVersion::Tls13)) => MAX_PLAINTEXT + 256,
            (Some(_), _) => MAX_PLAINTEXT + 2048,
        }
    }

    /// Opens the record at the front of the incoming buffer.
    fn open(&mut self, version: ProtocolVersion, outer: ContentType, whole: usize) -> Result<Found, Fault> {
        if version == ProtocolVersion::Tls13 && outer == ContentType::Alert && !self.opened {
            self.unprotected_alert(whole)?;
        }
        let Some(keys) = &mut self.receiving else {
            return Err(Fault::Internal("a protected record without keys"));
        };
        let most = RecordSizeLimits::max_plaintext(self.record_size_limits.own, version);
        let bytes = self.transport.incoming().filled_mut();
        let record = bytes.get_mut(..whole).unwrap_or_default();
        let (content_type, content) = match keys.open_in_place(version, record, most) {
            Err(RecordError::NotAuthentic)
                if outer == ContentType::ApplicationData && self.skips(Skip::Undecryptable) =>
            {
                return self.pass_over_early_data(whole);
            }
            opened => opened.map_err(refused)?,
        };
        // RFC 8446 §5.2.
        if version == ProtocolVersion::Tls13 && outer != ContentType::ApplicationData {
            return Err(Fault::UnexpectedMessage("a protected record that does not say application_data"));
        }
        self.opened = true;
        self.skipping = None;
        Ok(Found::Record(OpenedRecord { content_type, content, whole }))
    }

    /// A peer that could not make out our hello has no keys to say so under: until it has shown that it has, its
    /// alert is taken as it comes. Whoever forges one could as well cut the connection.
    fn unprotected_alert(&mut self, whole: usize) -> Result<(), Fault> {
        match self.transport.incoming().filled().get(HEADER_LEN..whole) {
            Some(&[_, code]) => Err(Fault::AlertReceived(AlertDescription::from_code(code))),
            _ => Ok(()),
        }
    }

    fn skips(&self, skip: Skip) -> bool {
        self.skipping.is_some_and(|skipping| skipping.skip == skip)
    }

    /// RFC 8446 §4.2.10.
    fn pass_over_early_data(&mut self, whole: usize) -> Result<Found, Fault> {
        if let Some(skipping) = &mut self.skipping {
            skipping.left = skipping.left.checked_sub(whole).ok_or(Fault::Limit(
                AlertDescription::UNEXPECTED_MESSAGE,
                "more refused early data than is passed over",
            ))?;
        }
        Ok(Found::PassedOver(whole))
    }

    /// RFC 8446 §5, appendix D.4.
    fn pass_over_change_cipher_spec(&mut self, whole: usize) -> Result<Found, Fault> {
        let content = self.transport.incoming().filled().get(HEADER_LEN..whole);
        if !self.change_cipher_spec_allowed || content != Some(&[1]) {
            return Err(Fault::UnexpectedMessage("a change_cipher_spec that has no place in TLS 1.3"));
        }
        self.counters.change_cipher_spec()?;
        Ok(Found::PassedOver(whole))
    }

    /// RFC 8446 §6, RFC 5246 §7.2.
    fn alert(&mut self, record: &OpenedRecord) -> Result<(), Fault> {
        let &[level, code] = self.content(record) else {
            return self.malformed_alert(record);
        };
        let alert = AlertDescription::from_code(code);
        match level {
            FATAL => Err(Fault::AlertReceived(alert)),
            WARNING if alert == AlertDescription::CLOSE_NOTIFY => Err(Fault::AlertReceived(alert)),
            // RFC 8446 §6.1 left user_canceled as the one warning that is followed by more.
            WARNING
                if self.version == Some(ProtocolVersion::Tls13)
                    && alert != AlertDescription::USER_CANCELED =>
            {
                Err(Fault::Decode("a warning alert in TLS 1.3"))
            }
            WARNING => self.counters.warning_alert(),
            _ => Err(Fault::IllegalParameter("an alert that is neither warning nor fatal")),
        }
    }

    fn malformed_alert(&self, record: &OpenedRecord) -> Result<(), Fault> {
        // RFC 8446 §5.4.
        if record.content.is_empty() && self.is_protected_tls13() {
            return Err(Fault::UnexpectedMessage("a protected alert without content"));
        }
        Err(Fault::Decode("a record that does not hold one alert"))
    }

    fn is_protected_tls13(&self) -> bool {
        self.receiving.is_some() && self.version == Some(ProtocolVersion::Tls13)
    }

    fn take_handshake(&mut self, record: OpenedRecord) -> Result<(), Fault> {
        if record.content.is_empty() {
            // RFC 8446 §5.4. TLS 1.2 says that they must not be sent, and not what becomes of them.
            if self.is_protected_tls13() {
                return Err(Fault::UnexpectedMessage("a protected handshake record without content"));
            }
            self.counters.empty_record()?;
        } else {
            self.counters.content();
            self.skipping = None;
            let content = self.transport.incoming().filled().get(record.content.clone()).unwrap_or_default();
            self.messages.add(content);
        }
        self.consume(&record);
        Ok(())
    }

    fn take_early_data(&mut self, record: OpenedRecord) -> Result<Option<ReplayableData>, Fault> {
        let data = ReplayableData::new(self.content(&record));
        self.consume(&record);
        let length = data.as_bytes().len();
        if length == 0 {
            self.counters.empty_record()?;
            return Ok(None);
        }
        self.counters.content();
        self.early_data_left = self
            .early_data_left
            .checked_sub(length)
            .ok_or(Fault::Limit(AlertDescription::UNEXPECTED_MESSAGE, "more early data than was allowed"))?;
        Ok(Some(data))
    }

    /// A record that may not come now.
    fn out_of_place(&self, content_type: ContentType) -> Fault {
        // RFC 8446 §5.1.
        if !self.messages.is_empty() {
            return Fault::UnexpectedMessage("another record between the parts of a handshake message");
        }
        Fault::UnexpectedMessage(match content_type {
            ContentType::ApplicationData => "application data during the handshake",
            _ => "a record that is not of the handshake",
        })
    }

    fn content(&mut self, record: &OpenedRecord) -> &[u8] {
        self.transport.incoming().filled().get(record.content.clone()).unwrap_or_default()
    }

    fn consume(&mut self, record: &OpenedRecord) {
        self.transport.incoming().consume(record.whole);
    }
}

fn refused(error: RecordError) -> Fault {
    match error {
        RecordError::TooLong => Fault::RecordOverflow("more plaintext than a record may hold"),
        RecordError::NoContentType => {
            Fault::UnexpectedMessage("a record without a content type that there is")
        }
        _ => Fault::BadRecordMac,
    }
}

/// Says what it is that speaks something else: the first bytes tell, and a plain "wrong version" would not help.
fn refuse_other_protocols(first: [u8; HEADER_LEN]) -> Result<(), Fault> {
    Err(Fault::NotTls(match &first {
        [b'G', b'E', b'T', b' ', _] | [b'P', b'U', b'T', b' ', _] | b"POST " | b"HEAD " => {
            "an HTTP request where TLS is spoken"
        }
        b"CONNE" => "a request to an HTTP proxy where TLS is spoken",
        b"HTTP/" => "an HTTP answer where TLS is spoken",
        [0x80..=0xff, _, 1, 3, _] => "a hello of SSL 2.0",
        _ => return Ok(()),
    }))
}
