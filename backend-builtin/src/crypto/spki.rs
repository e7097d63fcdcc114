//! The public key of a certificate (RFC 5280 §4.1): its algorithm and its bits, read one level at a time.
//!
//! A verifier of the application's may accept what a strict parser would not (a version 1 certificate, a critical
//! extension that nobody knows), so nothing is read here but what stands before the key, and the key.

use der::{
    AnyRef, Decode, Error, ErrorKind, Reader, Result, SliceReader, Tag, TagNumber,
    asn1::{BitStringRef, ObjectIdentifier},
};

/// A SubjectPublicKeyInfo, borrowed from the certificate.
pub(super) struct SubjectPublicKeyInfo<'a> {
    pub(super) algorithm: ObjectIdentifier,
    /// The curve, where the algorithm has one as its parameter (RFC 5480 §2.1.1).
    pub(super) curve: Option<ObjectIdentifier>,
    pub(super) public_key: &'a [u8],
}

impl<'a> SubjectPublicKeyInfo<'a> {
    pub(super) fn of_certificate(certificate: &'a [u8]) -> Result<Self> {
        let mut certificate = fields(AnyRef::from_der(certificate)?)?;
        let mut tbs = fields(AnyRef::decode(&mut certificate)?)?;
        let first = AnyRef::decode(&mut tbs)?;
        // The version is left out where it is 1: then the first field is the serial number.
        let is_version =
            first.header().tag().is_context_specific() && first.header().tag().number() == TagNumber(0);
        let before_key = if is_version { 5 } else { 4 };
        for _serial_signature_issuer_validity_subject in 0..before_key {
            AnyRef::decode(&mut tbs)?;
        }
        Self::parse(AnyRef::decode(&mut tbs)?)
    }

    /// The key alone, as a vector gives it.
    #[cfg(test)]
    pub(super) fn from_der(info: &'a [u8]) -> Result<Self> {
        Self::parse(AnyRef::from_der(info)?)
    }

    fn parse(info: AnyRef<'a>) -> Result<Self> {
        let mut info = fields(info)?;
        let mut identifier = fields(AnyRef::decode(&mut info)?)?;
        let algorithm = ObjectIdentifier::decode(&mut identifier)?;
        let curve = match identifier.is_finished() {
            true => None,
            false => AnyRef::decode(&mut identifier)?.decode_as().ok(),
        };
        let bits = BitStringRef::decode(&mut info)?;
        let public_key = bits.as_bytes().ok_or_else(malformed)?;
        Ok(Self { algorithm, curve, public_key })
    }
}

/// A reader of what a SEQUENCE holds.
fn fields(sequence: AnyRef<'_>) -> Result<SliceReader<'_>> {
    sequence.header().tag().assert_eq(Tag::Sequence)?;
    SliceReader::new(sequence.value())
}

fn malformed() -> Error {
    ErrorKind::Failed.to_error()
}
