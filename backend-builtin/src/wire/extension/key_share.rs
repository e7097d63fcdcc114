//! key_share (RFC 8446 §4.2.8): the client's public keys, the server's, or the group that a server asks for.

use polytls_api::NamedGroup;

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// A public key for one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyShareEntry<'a> {
    pub(crate) group: NamedGroup,
    pub(crate) key_exchange: &'a [u8],
}

impl<'a> KeyShareEntry<'a> {
    /// In ServerHello.
    pub(crate) fn parse(data: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self {
            group: NamedGroup::from_code(data.u16()?),
            key_exchange: not_empty(data.vec16()?, "a key share that is empty")?,
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.put_u16(self.group.code());
        out.vec16(|out| out.put_slice(self.key_exchange));
    }
}

/// In ClientHello. The list may be empty, which asks for a HelloRetryRequest.
pub(crate) fn parse_client_shares<'a>(data: &mut Reader<'a>) -> Result<Vec<KeyShareEntry<'a>>, Fault> {
    let shares = Reader::new(data.vec16()?).items(KeyShareEntry::parse)?;
    let mut groups: Vec<NamedGroup> = shares.iter().map(|share| share.group).collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.len() != shares.len() {
        return Err(Fault::IllegalParameter("two key shares for one group"));
    }
    Ok(shares)
}

pub(crate) fn encode_client_shares(shares: &[KeyShareEntry<'_>], out: &mut Vec<u8>) {
    out.vec16(|out| shares.iter().for_each(|share| share.encode(out)));
}

/// In HelloRetryRequest.
pub(crate) fn parse_selected_group(data: &mut Reader<'_>) -> Result<NamedGroup, Fault> {
    data.u16().map(NamedGroup::from_code)
}

pub(crate) fn encode_selected_group(group: NamedGroup, out: &mut Vec<u8>) {
    out.put_u16(group.code());
}
