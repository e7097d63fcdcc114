//! ASN.1 structures in DER (X.690), taken apart one level at a time.
//!
//! Loaders look at the outline of a file only: the fields of a SEQUENCE as a list, matched like any slice. Nothing
//! recurses, and the number of fields is bounded, so that a hostile file costs no more than its size.

use der::{AnyRef, Decode, ErrorKind, Reader, SliceReader, Tag, TagNumber, asn1::BitStringRef};
pub(super) use der::{Error, Result, asn1::ObjectIdentifier, asn1::OctetStringRef};

/// More fields than any certificate, key or PKCS#12 file of a sensible size has on one level.
const MAX_FIELDS: usize = 4096;

/// The fields of the SEQUENCE that these bytes are, and nothing after it.
pub(super) fn sequence(der: &[u8]) -> Result<Vec<AnyRef<'_>>> {
    fields_of(AnyRef::from_der(der)?)
}

/// The fields of this SEQUENCE.
pub(super) fn fields_of(sequence: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>> {
    sequence.header().tag().assert_eq(Tag::Sequence)?;
    elements(sequence.value())
}

/// The elements that these bytes are, one after the other.
pub(super) fn elements(content: &[u8]) -> Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(content)?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        if elements.len() == MAX_FIELDS {
            return Err(reader.error(ErrorKind::Overlength));
        }
        elements.push(AnyRef::decode(&mut reader)?);
    }
    Ok(elements)
}

/// The object identifier of an AlgorithmIdentifier (RFC 5280 §4.1.1.2), and its parameters.
pub(super) fn algorithm(algorithm: AnyRef<'_>) -> Result<(ObjectIdentifier, Option<AnyRef<'_>>)> {
    match fields_of(algorithm)?[..] {
        [oid] => Ok((oid.decode_as()?, None)),
        [oid, parameters] => Ok((oid.decode_as()?, Some(parameters))),
        _ => Err(malformed()),
    }
}

/// The bytes of an OCTET STRING.
pub(super) fn octets(any: AnyRef<'_>) -> Result<&[u8]> {
    any.decode_as::<&OctetStringRef>().map(OctetStringRef::as_bytes)
}

/// The bytes of a BIT STRING of whole bytes.
pub(super) fn bits(any: AnyRef<'_>) -> Result<&[u8]> {
    any.decode_as::<BitStringRef<'_>>()?.as_bytes().ok_or_else(malformed)
}

/// Whether this is the field `[number]`.
pub(super) fn is_context(any: AnyRef<'_>, number: u32) -> bool {
    let tag = any.header().tag();
    tag.is_context_specific() && tag.number() == TagNumber(number)
}

/// What does not have the fields that it must have.
pub(super) fn malformed() -> Error {
    ErrorKind::Failed.to_error()
}

/// Whether a length is BER's indefinite one, which DER forbids (X.690 §10.1).
pub(super) fn is_indefinite(error: &Error) -> bool {
    error.kind() == ErrorKind::IndefiniteLength
}

/// How many bytes follow the DER, where that is what is wrong.
pub(super) fn trailing(error: &Error) -> Option<u32> {
    match error.kind() {
        ErrorKind::TrailingData { remaining, .. } => Some(remaining.into()),
        _ => None,
    }
}
