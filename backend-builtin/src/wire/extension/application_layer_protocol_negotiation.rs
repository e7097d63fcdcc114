//! application_layer_protocol_negotiation (RFC 7301 §3.1): the client's protocols, and the server's one.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The names that a client offers, most wanted first.
pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, Fault> {
    let list = not_empty(data.vec16()?, "a list of application protocols that is empty")?;
    Reader::new(list).items(read_name)
}

/// The one name that a server chooses.
pub(crate) fn parse_selected<'a>(data: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let mut list = Reader::new(data.vec16()?);
    let name = read_name(&mut list)?;
    list.finish()?;
    Ok(name)
}

fn read_name<'a>(list: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    not_empty(list.vec8()?, "an application protocol without a name")
}

pub(crate) fn encode(names: &[&[u8]], out: &mut Vec<u8>) {
    out.vec16(|out| names.iter().for_each(|name| out.vec8(|out| out.put_slice(name))));
}
