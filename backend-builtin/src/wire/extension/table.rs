//! Which extension may stand in which message: the table of RFC 8446 §4.2, and what other RFCs add to it.

use super::ExtensionType as Ext;
use crate::{error::Fault, wire::grease};

/// A message with extensions, by the abbreviations of RFC 8446 §4.2 and their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// CH.
    ClientHello,
    /// SH, of TLS 1.3.
    ServerHello,
    /// EE.
    EncryptedExtensions,
    /// CT.
    Certificate,
    /// CR.
    CertificateRequest,
    /// NST.
    NewSessionTicket,
    /// HRR.
    HelloRetryRequest,
    /// The ServerHello of TLS 1.2, which the RFC's table leaves out.
    ServerHello12,
}

use Message::{
    Certificate as CT, CertificateRequest as CR, ClientHello as CH, EncryptedExtensions as EE,
    HelloRetryRequest as HRR, NewSessionTicket as NST, ServerHello as SH, ServerHello12 as SH12,
};

/// RFC 8446 §4.2 in its order; `SH12` where TLS 1.2 has the answer in its ServerHello.
pub(crate) const TABLE: &[(Ext, &[Message])] = &[
    (Ext::SERVER_NAME, &[CH, EE, SH12]),
    (Ext::MAX_FRAGMENT_LENGTH, &[CH, EE, SH12]),
    (Ext::STATUS_REQUEST, &[CH, CR, CT, SH12]),
    // RFC 8422 §4 has no answer to it in TLS 1.2, but there are servers that send one: it is passed over.
    (Ext::SUPPORTED_GROUPS, &[CH, EE, SH12]),
    (Ext::SIGNATURE_ALGORITHMS, &[CH, CR]),
    (Ext::USE_SRTP, &[CH, EE, SH12]),
    (Ext::HEARTBEAT, &[CH, EE, SH12]),
    (Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, &[CH, EE, SH12]),
    (Ext::SIGNED_CERTIFICATE_TIMESTAMP, &[CH, CR, CT, SH12]),
    (Ext::CLIENT_CERTIFICATE_TYPE, &[CH, EE, SH12]),
    (Ext::SERVER_CERTIFICATE_TYPE, &[CH, EE, SH12]),
    (Ext::PADDING, &[CH]),
    (Ext::KEY_SHARE, &[CH, SH, HRR]),
    (Ext::PRE_SHARED_KEY, &[CH, SH]),
    (Ext::PSK_KEY_EXCHANGE_MODES, &[CH]),
    (Ext::EARLY_DATA, &[CH, EE, NST]),
    (Ext::COOKIE, &[CH, HRR]),
    (Ext::SUPPORTED_VERSIONS, &[CH, SH, HRR]),
    (Ext::CERTIFICATE_AUTHORITIES, &[CH, CR]),
    (Ext::OID_FILTERS, &[CR]),
    (Ext::POST_HANDSHAKE_AUTH, &[CH]),
    (Ext::SIGNATURE_ALGORITHMS_CERT, &[CH, CR]),
    // RFC 8879 §3.
    (Ext::COMPRESS_CERTIFICATE, &[CH, CR]),
    // RFC 8449 §4.
    (Ext::RECORD_SIZE_LIMIT, &[CH, EE, SH12]),
    // RFC 7627 §5.1.
    (Ext::EXTENDED_MASTER_SECRET, &[CH, SH12]),
    // RFC 5077 §3.2.
    (Ext::SESSION_TICKET, &[CH, SH12]),
    // RFC 5746 §3.2.
    (Ext::RENEGOTIATION_INFO, &[CH, SH12]),
    // RFC 8422 §5.1.2 and §5.2.
    (Ext::EC_POINT_FORMATS, &[CH, SH12]),
];

/// Where an extension stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a message that it is made for.
    Right,
    /// In a message that it is not made for.
    Misplaced,
    /// The table does not have it: an answer with it was not asked for, and elsewhere it is passed over.
    Unknown,
}

/// What the table says of an extension in a message.
pub(crate) fn place(kind: Ext, message: Message) -> Place {
    match TABLE.iter().find(|(known, _)| *known == kind) {
        Some((_, messages)) if messages.contains(&message) => Place::Right,
        Some(_) => Place::Misplaced,
        // RFC 8701 §3.1: a server may not choose what means nothing, although it was offered.
        None if message.is_answer() && grease::is_grease(kind.code()) => Place::Misplaced,
        None => Place::Unknown,
    }
}

impl Message {
    /// Whether its extensions answer those of an earlier message (RFC 8446 §4.2).
    pub(crate) fn is_answer(self) -> bool {
        match self {
            CH | CR | NST => false,
            SH | EE | CT | HRR | SH12 => true,
        }
    }

    /// What is wrong when an extension stands in this message that is made for others. RFC 8446 §4.2 says
    /// `illegal_parameter`; an answer in a message where nobody could ask for one is unsolicited, though, and what
    /// clients send for those is `unsupported_extension`, whether or not they know the type.
    pub(super) fn holds_a_stranger(self) -> Fault {
        match self {
            SH => Fault::UnsupportedExtension("an extension that is not for ServerHello"),
            EE => Fault::UnsupportedExtension("an extension that is not for EncryptedExtensions"),
            CT => Fault::UnsupportedExtension("an extension that is not for Certificate"),
            HRR => Fault::UnsupportedExtension("an extension that is not for HelloRetryRequest"),
            SH12 => Fault::UnsupportedExtension("an extension that is not for the ServerHello of TLS 1.2"),
            CH => Fault::IllegalParameter("an extension that is not for ClientHello"),
            CR => Fault::IllegalParameter("an extension that is not for CertificateRequest"),
            NST => Fault::IllegalParameter("an extension that is not for NewSessionTicket"),
        }
    }

    /// What is wrong when this message has two extensions of one type (RFC 8446 §4.2). No RFC names the alert; each is
    /// the one that BoringSSL's suite asks for.
    pub(super) fn holds_one_twice(self) -> Fault {
        const TWICE: &str = "two extensions of the same type";
        match self {
            CH | EE | SH12 => Fault::Decode(TWICE),
            SH | CT | CR | NST | HRR => Fault::IllegalParameter(TWICE),
        }
    }
}

#[cfg(test)]
mod tests;
