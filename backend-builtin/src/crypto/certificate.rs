//! What is read of a certificate (RFC 5280 §4.1): its public key, and whether that key may sign.
//!
//! A verifier of the application's may accept what a strict parser would not (a version 1 certificate, a critical
//! extension that nobody knows), so fields are stepped over one level at a time and nothing else is looked at.

use der::{
    AnyRef, Decode, Error, ErrorKind, Reader, Result, SliceReader, Tag, TagNumber,
    asn1::{BitStringRef, ObjectIdentifier, OctetStringRef},
};

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");

/// A certificate in outline, borrowed from its DER.
pub(super) struct Certificate<'a> {
    pub(super) key: SubjectPublicKeyInfo<'a>,
    key_usage: Option<BitStringRef<'a>>,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self> {
        let mut certificate = fields(AnyRef::from_der(der)?)?;
        let mut tbs = fields(AnyRef::decode(&mut certificate)?)?;
        // The version is left out where it is 1: then the first field is the serial number.
        let before_key = if is_context(AnyRef::decode(&mut tbs)?, 0) { 5 } else { 4 };
        for _serial_signature_issuer_validity_subject in 0..before_key {
            AnyRef::decode(&mut tbs)?;
        }
        let key = SubjectPublicKeyInfo::parse(AnyRef::decode(&mut tbs)?)?;
        let mut key_usage = None;
        while !tbs.is_finished() {
            let field = AnyRef::decode(&mut tbs)?;
            if is_context(field, 3) {
                key_usage = find_key_usage(AnyRef::from_der(field.value())?)?;
            }
        }
        Ok(Self { key, key_usage })
    }

    /// RFC 5280 §4.2.1.3: whether digitalSignature is among the key's usages, or none are named.
    pub(super) fn may_sign(&self) -> bool {
        const DIGITAL_SIGNATURE: u8 = 0x80;
        let has_it = |usage: BitStringRef<'_>| {
            usage.raw_bytes().first().is_some_and(|byte| byte & DIGITAL_SIGNATURE != 0)
        };
        self.key_usage.is_none_or(has_it)
    }
}

fn find_key_usage(extensions: AnyRef<'_>) -> Result<Option<BitStringRef<'_>>> {
    let mut extensions = fields(extensions)?;
    while !extensions.is_finished() {
        let mut extension = fields(AnyRef::decode(&mut extensions)?)?;
        if ObjectIdentifier::decode(&mut extension)? != KEY_USAGE {
            continue;
        }
        let mut value = AnyRef::decode(&mut extension)?;
        if value.header().tag() == Tag::Boolean {
            value = AnyRef::decode(&mut extension)?;
        }
        let value = value.decode_as::<&OctetStringRef>()?;
        return BitStringRef::from_der(value.as_bytes()).map(Some);
    }
    Ok(None)
}

/// A SubjectPublicKeyInfo, borrowed from the certificate.
pub(super) struct SubjectPublicKeyInfo<'a> {
    pub(super) algorithm: ObjectIdentifier,
    /// The curve, where the algorithm has one as its parameter (RFC 5480 §2.1.1).
    pub(super) curve: Option<ObjectIdentifier>,
    pub(super) public_key: &'a [u8],
}

impl<'a> SubjectPublicKeyInfo<'a> {
    pub(super) fn parse(info: AnyRef<'a>) -> Result<Self> {
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

/// Whether this is the field `[number]`.
fn is_context(field: AnyRef<'_>, number: u32) -> bool {
    let tag = field.header().tag();
    tag.is_context_specific() && tag.number() == TagNumber(number)
}

fn malformed() -> Error {
    ErrorKind::Failed.to_error()
}
