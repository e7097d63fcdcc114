//! Alerts: what one side tells the other when it gives up (RFC 8446 §6, RFC 5246 §7.2).

use std::fmt;

/// The description of an alert, by its code in the IANA registry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlertDescription(u8);

macro_rules! alerts {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        impl AlertDescription {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// The name that the RFC gives the alert, where it has one.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

alerts! {
    /// The sender will send no more.
    CLOSE_NOTIFY = 0, "close_notify";
    /// A message came that has no place here.
    UNEXPECTED_MESSAGE = 10, "unexpected_message";
    /// A record did not decrypt.
    BAD_RECORD_MAC = 20, "bad_record_mac";
    /// A record is longer than allowed.
    RECORD_OVERFLOW = 22, "record_overflow";
    /// No acceptable set of parameters.
    HANDSHAKE_FAILURE = 40, "handshake_failure";
    /// The certificate is corrupt or has a name other than the one asked for.
    BAD_CERTIFICATE = 42, "bad_certificate";
    /// The certificate is not for this use, or of an unsupported type.
    UNSUPPORTED_CERTIFICATE = 43, "unsupported_certificate";
    /// The certificate was revoked by its signer.
    CERTIFICATE_REVOKED = 44, "certificate_revoked";
    /// The certificate has expired or is not valid yet.
    CERTIFICATE_EXPIRED = 45, "certificate_expired";
    /// The certificate is not acceptable for some other reason.
    CERTIFICATE_UNKNOWN = 46, "certificate_unknown";
    /// A field is out of range or against another.
    ILLEGAL_PARAMETER = 47, "illegal_parameter";
    /// No trusted root leads to the certificate.
    UNKNOWN_CA = 48, "unknown_ca";
    /// The certificate is valid, but not let in.
    ACCESS_DENIED = 49, "access_denied";
    /// A message could not be decoded.
    DECODE_ERROR = 50, "decode_error";
    /// A signature or Finished did not verify.
    DECRYPT_ERROR = 51, "decrypt_error";
    /// The version is not supported.
    PROTOCOL_VERSION = 70, "protocol_version";
    /// The security of the parameters is too low.
    INSUFFICIENT_SECURITY = 71, "insufficient_security";
    /// Something failed that has nothing to do with the peer.
    INTERNAL_ERROR = 80, "internal_error";
    /// A fall-back to an older version where none was needed (RFC 7507).
    INAPPROPRIATE_FALLBACK = 86, "inappropriate_fallback";
    /// The user cancelled the handshake.
    USER_CANCELED = 90, "user_canceled";
    /// No renegotiation (TLS 1.2).
    NO_RENEGOTIATION = 100, "no_renegotiation";
    /// An extension that must be there is not.
    MISSING_EXTENSION = 109, "missing_extension";
    /// An extension that was not asked for.
    UNSUPPORTED_EXTENSION = 110, "unsupported_extension";
    /// The server does not know the name asked for.
    UNRECOGNIZED_NAME = 112, "unrecognized_name";
    /// The stapled OCSP response is not acceptable.
    BAD_CERTIFICATE_STATUS_RESPONSE = 113, "bad_certificate_status_response";
    /// No such pre-shared key.
    UNKNOWN_PSK_IDENTITY = 115, "unknown_psk_identity";
    /// A certificate was required and none came.
    CERTIFICATE_REQUIRED = 116, "certificate_required";
    /// No application protocol in common (RFC 7301).
    NO_APPLICATION_PROTOCOL = 120, "no_application_protocol";
}

impl AlertDescription {
    /// The alert with this code.
    pub const fn from_code(code: u8) -> Self {
        Self(code)
    }

    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The alert as a record of its own, not encrypted and fatal (RFC 8446 §6, §5.1).
    pub(crate) const fn plaintext_record(self) -> [u8; 7] {
        const ALERT: u8 = 21;
        const FATAL: u8 = 2;
        [ALERT, 3, 3, 0, 2, FATAL, self.0]
    }
}

impl fmt::Display for AlertDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}

impl fmt::Debug for AlertDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
