//! What a file holds, told from its bytes: so that an error can name what was given in place of what was wanted.

use der::{AnyRef, Tag};

use super::{asn1, certificate::Certificate};

/// What makes a PKCS#12 file in BER one in DER.
pub(crate) const PKCS12_IN_BER: &str = "it is a PKCS#12 file in BER; rewrite it: `openssl pkcs12 -in FILE -out X.pem`, \
    then `openssl pkcs12 -export -in X.pem -out NEW`";

/// What bytes, or a section of a PEM text, hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    Pem,
    Utf16,
    Certificate,
    TrustedCertificate,
    CertificateRequest,
    Pkcs7,
    Pkcs12,
    PrivateKey,
    EncryptedPrivateKey,
    OpenSshPrivateKey,
    PublicKey,
    /// BER's indefinite lengths, which some tools write and DER forbids.
    IndefiniteLength,
    /// The same, in what begins as a PKCS#12 file does.
    Pkcs12InBer,
    Other,
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        // A text may begin with '0' as well, the first byte of a SEQUENCE: what is not DER as a whole is looked into.
        match asn1::sequence(bytes) {
            Ok(fields) => return Self::of_der(bytes, &fields),
            Err(error) if asn1::is_indefinite(&error) => return Self::of_ber(bytes),
            Err(_) => {}
        }
        match bytes {
            [] => Self::Empty,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Self::Utf16,
            _ if bytes.iter().all(u8::is_ascii_whitespace) => Self::Empty,
            _ if bytes.windows(11).any(|window| window == b"-----BEGIN ") => Self::Pem,
            _ => Self::Other,
        }
    }

    /// RFC 7292 §4: a PFX begins with its version, 3, after two to six bytes of SEQUENCE; no key has that version.
    fn of_ber(bytes: &[u8]) -> Self {
        let is_pkcs12 = bytes.windows(3).take(7).any(|window| window == [2, 1, 3]);
        if is_pkcs12 { Self::Pkcs12InBer } else { Self::IndefiniteLength }
    }

    fn of_der(der: &[u8], fields: &[AnyRef<'_>]) -> Self {
        let tags: Vec<Tag> = fields.iter().map(|field| field.header().tag()).collect();
        match tags[..] {
            // RFC 5958 (PKCS#8), RFC 8017 (PKCS#1), RFC 5915 (SEC1), RFC 7292 (PKCS#12): all begin with a version.
            [Tag::Integer, Tag::Sequence, Tag::OctetString, ..] => Self::PrivateKey,
            [Tag::Integer, Tag::Sequence] | [Tag::Integer, Tag::Sequence, Tag::Sequence] => Self::Pkcs12,
            [Tag::Integer, Tag::OctetString, ..] => Self::PrivateKey,
            [Tag::Integer, Tag::Integer] => Self::PublicKey,
            [Tag::Integer, Tag::Integer, ..] => Self::PrivateKey,
            [Tag::Sequence, Tag::OctetString] => Self::EncryptedPrivateKey,
            [Tag::Sequence, Tag::BitString] => Self::PublicKey,
            [Tag::Sequence, Tag::Sequence, Tag::BitString] if Certificate::parse(der).is_ok() => {
                Self::Certificate
            }
            [Tag::Sequence, Tag::Sequence, Tag::BitString]
                if fields.first().copied().is_some_and(is_request) =>
            {
                Self::CertificateRequest
            }
            [Tag::ObjectIdentifier, ..] => Self::Pkcs7,
            _ => Self::Other,
        }
    }

    /// What a section with this label holds (RFC 7468, and the labels of older tools).
    pub(crate) fn of_label(label: &str) -> Self {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE" => Self::Certificate,
            "TRUSTED CERTIFICATE" => Self::TrustedCertificate,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::CertificateRequest,
            "PKCS7" | "CMS" => Self::Pkcs7,
            "PKCS12" => Self::Pkcs12,
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" => Self::PrivateKey,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedPrivateKey,
            "OPENSSH PRIVATE KEY" => Self::OpenSshPrivateKey,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Self::PublicKey,
            _ => Self::Other,
        }
    }

    /// Whether a private key is in it, readable or not.
    pub(crate) fn is_private_key(self) -> bool {
        matches!(self, Self::PrivateKey | Self::EncryptedPrivateKey | Self::OpenSshPrivateKey)
    }

    /// In words: "it is …".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Pem => "a PEM text",
            Self::Utf16 => "a text in UTF-16",
            Self::Certificate => "a certificate",
            Self::TrustedCertificate => "a certificate with OpenSSL's trust settings",
            Self::CertificateRequest => "a certificate request",
            Self::Pkcs7 => "a PKCS#7 bundle",
            Self::Pkcs12 => "a PKCS#12 file",
            Self::PrivateKey => "a private key",
            Self::EncryptedPrivateKey => "an encrypted private key",
            Self::OpenSshPrivateKey => "an OpenSSH private key",
            Self::PublicKey => "a public key",
            Self::IndefiniteLength => "BER with indefinite lengths, not DER",
            Self::Pkcs12InBer => "a PKCS#12 file in BER, not DER",
            Self::Other => "in no known format, or damaged",
        }
    }

    /// What to do when it stands where a certificate is wanted.
    pub(crate) fn instead_of_certificate(self) -> &'static str {
        match self {
            Self::CertificateRequest => "give the certificate that the authority issued for the request",
            Self::TrustedCertificate => "rewrite it with `openssl x509 -in FILE -out NEW`",
            Self::Pkcs7 => "unpack it with `openssl pkcs7 -print_certs -in FILE -out NEW`",
            Self::Pkcs12 => {
                "load it with `Identity::from_pkcs12`, or unpack it with `openssl pkcs12 -nokeys`"
            }
            Self::Pkcs12InBer => "unpack it with `openssl pkcs12 -nokeys -in FILE -out NEW`",
            Self::PrivateKey | Self::EncryptedPrivateKey | Self::OpenSshPrivateKey => {
                "give the certificate here, and the key to nobody"
            }
            Self::PublicKey => "give the certificate that was issued for it",
            Self::Utf16 => "save it as UTF-8",
            Self::IndefiniteLength => "rewrite it in DER",
            Self::Certificate | Self::Empty | Self::Pem | Self::Other => "give a certificate",
        }
    }

    /// What to do when it stands where a private key is wanted.
    pub(crate) fn instead_of_private_key(self) -> &'static str {
        match self {
            Self::OpenSshPrivateKey => "rewrite it with `ssh-keygen -p -m PKCS8 -f KEY`",
            Self::PublicKey => "give the private key that it was made from",
            Self::Certificate | Self::TrustedCertificate | Self::CertificateRequest | Self::Pkcs7 => {
                "give the private key that it was issued for"
            }
            Self::Pkcs12 => "load it with `Identity::from_pkcs12`",
            Self::Pkcs12InBer => "unpack it with `openssl pkcs12 -nocerts -in FILE -out NEW`",
            Self::Utf16 => "save it as UTF-8",
            Self::IndefiniteLength => "rewrite it in DER",
            Self::PrivateKey | Self::EncryptedPrivateKey | Self::Empty | Self::Pem | Self::Other => {
                "give a private key as PKCS#8, PKCS#1 or SEC1"
            }
        }
    }
}

/// RFC 2986 §4.1: version, subject, public key, attributes.
fn is_request(info: AnyRef<'_>) -> bool {
    asn1::fields_of(info).is_ok_and(|fields| match fields[..] {
        [version, subject, key, attributes] => {
            let tags = [version, subject, key].map(|field| field.header().tag());
            tags == [Tag::Integer, Tag::Sequence, Tag::Sequence] && asn1::is_context(attributes, 0)
        }
        _ => false,
    })
}
