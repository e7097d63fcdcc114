//! pre_shared_key (RFC 8446 §4.2.11): the keys that a client offers with a proof for each, and the server's choice.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// What a client offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfferedPsks<'a> {
    pub(crate) identities: Vec<PskIdentity<'a>>,
    pub(crate) binders: Vec<&'a [u8]>,
}

/// A key by the name that the server knows it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PskIdentity<'a> {
    pub(crate) identity: &'a [u8],
    pub(crate) obfuscated_ticket_age: u32,
}

impl<'a> OfferedPsks<'a> {
    pub(crate) fn parse(data: &mut Reader<'a>) -> Result<Self, Fault> {
        let identities = not_empty(data.vec16()?, "a list of PSK identities that is empty")?;
        let binders = not_empty(data.vec16()?, "a list of PSK binders that is empty")?;
        let identities = Reader::new(identities).items(PskIdentity::parse)?;
        // RFC 8446 §4.2.11: a binder has 32 bytes or more. One of a wrong length does not verify, whatever the hash.
        let binders = Reader::new(binders).items(Reader::vec8)?;
        if identities.len() != binders.len() {
            return Err(Fault::IllegalParameter("not as many PSK binders as identities"));
        }
        Ok(Self { identities, binders })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.vec16(|out| self.identities.iter().for_each(|identity| identity.encode(out)));
        out.vec16(|out| self.binders.iter().for_each(|binder| out.vec8(|out| out.put_slice(binder))));
    }

    /// How many bytes the list of binders takes at the end of its ClientHello: those that no binder covers
    /// (RFC 8446 §4.2.11.2).
    pub(crate) fn binders_len(&self) -> usize {
        2 + self.binders.iter().map(|binder| 1 + binder.len()).sum::<usize>()
    }
}

impl<'a> PskIdentity<'a> {
    fn parse(list: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self {
            identity: not_empty(list.vec16()?, "a PSK identity that is empty")?,
            obfuscated_ticket_age: list.u32()?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.vec16(|out| out.put_slice(self.identity));
        out.put_u32(self.obfuscated_ticket_age);
    }
}

/// The server's choice: an index into the client's identities.
pub(crate) fn parse_selected(data: &mut Reader<'_>) -> Result<u16, Fault> {
    data.u16()
}

pub(crate) fn encode_selected(selected_identity: u16, out: &mut Vec<u8>) {
    out.put_u16(selected_identity);
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    fn offer<'a>(identities: &[&'a [u8]], binders: &[&'a [u8]]) -> OfferedPsks<'a> {
        let identities =
            identities.iter().map(|identity| PskIdentity { identity, obfuscated_ticket_age: 0x0102_0304 });
        OfferedPsks { identities: identities.collect(), binders: binders.to_vec() }
    }

    #[test]
    fn an_offer_is_read_as_it_was_written() {
        let psks = offer(&[b"one", b"another"], &[&[1; 32], &[2; 48]]);
        let data = written(|out| psks.encode(out));
        assert_eq!(whole(&data, OfferedPsks::parse), Ok(psks));
    }

    #[test]
    fn the_length_of_the_binders_is_that_of_their_list() {
        let psks = offer(&[b"one", b"another"], &[&[1; 32], &[2; 48]]);
        let data = written(|out| psks.encode(out));
        let covered = &data[..data.len() - psks.binders_len()];
        assert_eq!(
            covered,
            written(|out| out.vec16(|out| psks.identities.iter().for_each(|one| one.encode(out))))
        );
    }

    #[test]
    fn a_choice_is_read_as_it_was_written() {
        let data = written(|out| encode_selected(1, out));
        assert_eq!(whole(&data, parse_selected), Ok(1));
    }

    #[test]
    fn empty_lists_and_identities_are_refused() {
        for psks in
            [offer(&[], &[]), offer(&[b"one"], &[]), offer(&[], &[&[1; 32]]), offer(&[b""], &[&[1; 32]])]
        {
            let data = written(|out| psks.encode(out));
            assert_eq!(whole(&data, OfferedPsks::parse), Err(AlertDescription::DECODE_ERROR), "{psks:?}");
        }
    }

    #[test]
    fn more_binders_or_more_identities_are_refused() {
        for psks in [offer(&[b"one", b"two"], &[&[1; 32]]), offer(&[b"one"], &[&[1; 32], &[2; 32]])] {
            let data = written(|out| psks.encode(out));
            assert_eq!(
                whole(&data, OfferedPsks::parse),
                Err(AlertDescription::ILLEGAL_PARAMETER),
                "{psks:?}"
            );
        }
    }

    #[test]
    fn a_binder_of_a_wrong_length_is_for_the_hash_to_refuse() {
        let psks = offer(&[b"one"], &[&[1; 31]]);
        let data = written(|out| psks.encode(out));
        assert_eq!(whole(&data, OfferedPsks::parse), Ok(psks));
    }
}
