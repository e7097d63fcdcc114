//! Extensions before their values are looked at: of certificates, of lists and their entries, of OCSP responses.

use crate::{
    Extension, Malformed,
    reader::{Reader, Tag, representable},
};

/// An Extension (RFC 5280 §4.2).
pub(crate) struct RawExtension<'a> {
    /// Content octets of extnID.
    pub(crate) id: &'a [u8],
    pub(crate) critical: bool,
    /// What extnValue holds.
    pub(crate) value: &'a [u8],
}

impl<'a> RawExtension<'a> {
    fn read(extensions: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = extensions.sequence()?;
        let id = fields.at("extnID").oid_octets()?;
        let critical = fields.at("critical").default_false(Tag::BOOLEAN)?;
        let value = fields.at("extnValue").expect(Tag::OCTET_STRING)?.value;
        fields.finish()?;
        Ok(Self { id, critical, value })
    }

    /// The one value that extnValue holds, by `read`.
    pub(crate) fn parse<T>(
        &self,
        field: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let mut reader = Reader::new(self.value, field);
        let value = read(&mut reader)?;
        reader.at(field).finish()?;
        Ok(value)
    }

    /// The value of an extension of certificates that the crate knows.
    pub(super) fn known<T>(
        &self,
        field: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<Extension<T>>, Malformed> {
        Ok(Some(Extension { critical: self.critical, value: self.parse(field, read)? }))
    }

    /// It is one that the crate does not know: where it is critical it is noted.
    pub(crate) fn note_unknown(
        &self,
        unknown_critical: &mut Vec<der::asn1::ObjectIdentifier>,
    ) -> Result<(), Malformed> {
        if self.critical {
            let id = representable(self.id).ok_or_else(|| {
                Malformed::new("extnID", "a critical extension whose identifier is too long to be known")
            })?;
            unknown_critical.push(id);
        }
        Ok(())
    }
}

/// Each extension of the SEQUENCE that comes next. None at all, or one twice, is malformed.
pub(crate) fn each_extension<'a>(
    reader: &mut Reader<'a>,
    mut see: impl FnMut(RawExtension<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut extensions = reader.sequence()?;
    let first = RawExtension::read(&mut extensions)?;
    // An entry of a revocation list has one as a rule: nothing is allocated for it.
    let mut ids = Vec::new();
    if !extensions.is_finished() {
        ids.reserve(16);
        ids.push(first.id);
    }
    see(first)?;
    while !extensions.is_finished() {
        let extension = RawExtension::read(&mut extensions)?;
        ids.push(extension.id);
        see(extension)?;
    }
    // RFC 5280 §4.2: no more than one of a kind.
    match has_twice(&mut ids) {
        Some(id) => {
            let name = representable(id).map_or("one".into(), |id| id.to_string());
            Err(extensions.malformed(format_args!("{name} is there twice")))
        }
        None => Ok(()),
    }
}

/// One that is there twice. Sorted, so that it is quick for however many.
pub(super) fn has_twice<'a>(ids: &mut [&'a [u8]]) -> Option<&'a [u8]> {
    ids.sort_unstable();
    ids.windows(2).find_map(|pair| match pair {
        [first, second] if first == second => Some(*first),
        _ => None,
    })
}
