//! supported_groups (RFC 8446 §4.2.7): the groups for key exchange, most wanted first.

use polytls_api::NamedGroup;

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<NamedGroup>, Fault> {
    Reader::new(data.vec16()?).codes(NamedGroup::from_code)
}

pub(crate) fn encode(groups: &[NamedGroup], out: &mut Vec<u8>) {
    out.vec16(|out| groups.iter().for_each(|group| out.put_u16(group.code())));
}
