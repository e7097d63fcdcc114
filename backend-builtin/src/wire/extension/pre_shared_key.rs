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
