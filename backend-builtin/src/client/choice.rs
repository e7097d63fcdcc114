//! What both versions check of a server's choice: protocol and record size.

use std::sync::Arc;

use polytls_api::ProtocolVersion;

use super::offer::Offer;
use crate::{
    error::Fault,
    record::{RecordSizeLimits, Records},
};

/// RFC 8446 §5.1.
const MAX_PLAINTEXT: u16 = 1 << 14;

impl Offer<'_> {
    /// The server's application protocol, if it chose one of those offered (RFC 7301 §3.1).
    pub(super) fn chosen_protocol(&self, protocol: Option<&[u8]>) -> Result<Option<Arc<[u8]>>, Fault> {
        let Some(protocol) = protocol else { return Ok(None) };
        let chosen = self.prepared.protocols.iter().find(|offered| ***offered == *protocol);
        chosen
            .cloned()
            .map(Some)
            .ok_or(Fault::IllegalParameter("an application protocol that was not offered"))
    }

    /// Puts both sides' record_size_limit in force, if the server has one as well (RFC 8449 §4).
    pub(super) fn agree_on_record_size(
        &self,
        peers: Option<u16>,
        version: ProtocolVersion,
        records: &mut Records<'_, '_>,
    ) -> Result<(), Fault> {
        let Some(limit) = peers else { return Ok(()) };
        // In TLS 1.3 the byte for the content type counts.
        if limit > MAX_PLAINTEXT + u16::from(version == ProtocolVersion::Tls13) {
            return Err(Fault::IllegalParameter("a record_size_limit beyond what a record can hold"));
        }
        records
            .set_record_size_limits(RecordSizeLimits { own: self.prepared.options.record_size_limit, peers });
        Ok(())
    }
}
