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

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn shares_are_read_as_they_were_written() {
        let shares = [
            KeyShareEntry { group: NamedGroup::from_code(0x1a1a), key_exchange: &[0] },
            KeyShareEntry { group: NamedGroup::X25519, key_exchange: &[7; 32] },
        ];
        let data = written(|out| encode_client_shares(&shares, out));
        assert_eq!(whole(&data, parse_client_shares), Ok(shares.to_vec()));
        let data = written(|out| shares[1].encode(out));
        assert_eq!(whole(&data, KeyShareEntry::parse), Ok(shares[1]));
    }

    #[test]
    fn a_group_is_read_as_it_was_written() {
        let data = written(|out| encode_selected_group(NamedGroup::SECP384R1, out));
        assert_eq!(whole(&data, parse_selected_group), Ok(NamedGroup::SECP384R1));
    }

    #[test]
    fn a_client_may_have_no_share_but_none_that_is_empty() {
        assert_eq!(whole(&[0, 0], parse_client_shares), Ok(vec![]));
        let data = [0, 4, 0, 0x1d, 0, 0];
        assert_eq!(whole(&data, parse_client_shares), Err(AlertDescription::DECODE_ERROR));
        assert_eq!(whole(&data[2..], KeyShareEntry::parse), Err(AlertDescription::DECODE_ERROR));
    }

    #[test]
    fn two_shares_for_one_group_are_refused() {
        let data = [0, 10, 0, 0x1d, 0, 1, 7, 0, 0x1d, 0, 1, 8];
        assert_eq!(whole(&data, parse_client_shares), Err(AlertDescription::ILLEGAL_PARAMETER));
    }
}
