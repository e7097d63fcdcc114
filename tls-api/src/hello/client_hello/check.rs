//! The rules that a ClientHello must keep, whichever version and whatever else a server then chooses.

use super::{Fields, HOST_NAME, Malformed, extension_type as ext, is_host_name};
use crate::{AlertDescription, ProtocolVersion};

/// Goes on if `kept`.
fn rule(kept: bool, alert: AlertDescription, rule: &'static str) -> Result<(), Malformed> {
    if kept { Ok(()) } else { Err(Malformed { alert, rule }) }
}

/// RFC 8446 §6.2: outside the range that the presentation language gives.
fn in_range(kept: bool, what: &'static str) -> Result<(), Malformed> {
    rule(kept, AlertDescription::DECODE_ERROR, what)
}

/// RFC 8446 §6.2: well-formed, and against a rule all the same.
fn legal(kept: bool, what: &'static str) -> Result<(), Malformed> {
    rule(kept, AlertDescription::ILLEGAL_PARAMETER, what)
}

impl Fields {
    pub(super) fn check(&self) -> Result<(), Malformed> {
        self.check_head()?;
        self.check_extension_types()?;
        self.check_lists()?;
        self.check_server_name()?;
        self.check_key_shares()?;
        self.check_pre_shared_key()
    }

    fn check_head(&self) -> Result<(), Malformed> {
        in_range(
            self.legacy_session_id.len() <= 32,
            "legacy_session_id has more than 32 bytes (RFC 8446 §4.1.2)",
        )?;
        in_range(!self.cipher_suites.is_empty(), "cipher_suites is empty (RFC 8446 §4.1.2)")?;
        let methods = &self.legacy_compression_methods;
        in_range(!methods.is_empty(), "legacy_compression_methods is empty (RFC 8446 §4.1.2)")?;
        let offers_tls13 = self.supported_versions.contains(&ProtocolVersion::Tls13.code());
        legal(!offers_tls13 || *methods == [0], "compression is offered with TLS 1.3 (RFC 8446 §4.1.2)")?;
        legal(methods.contains(&0), "compression method null is not offered (RFC 5246 §7.4.1.2)")
    }

    fn check_extension_types(&self) -> Result<(), Malformed> {
        let mut types = self.extension_types.clone();
        types.sort_unstable();
        let twice = types.windows(2).any(|pair| matches!(pair, [first, second] if first == second));
        legal(!twice, "two extensions have the same type (RFC 8446 §4.2)")?;
        let before_the_last = self.extension_types.split_last().map_or(&[][..], |(_, before)| before);
        legal(
            !before_the_last.contains(&ext::PRE_SHARED_KEY),
            "pre_shared_key is not the last extension (RFC 8446 §4.2.11)",
        )
    }

    /// None of these lists may be empty; only that of the key shares may.
    fn check_lists(&self) -> Result<(), Malformed> {
        let is_filled = |extension_type, filled: bool| filled || !self.has(extension_type);
        in_range(
            is_filled(ext::SUPPORTED_VERSIONS, !self.supported_versions.is_empty()),
            "supported_versions is empty (RFC 8446 §4.2.1)",
        )?;
        in_range(
            is_filled(ext::SUPPORTED_GROUPS, !self.named_groups.is_empty()),
            "supported_groups is empty (RFC 8446 §4.2.7)",
        )?;
        in_range(
            is_filled(ext::SIGNATURE_ALGORITHMS, !self.signature_schemes.is_empty()),
            "signature_algorithms is empty (RFC 8446 §4.2.3)",
        )?;
        in_range(
            is_filled(ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, !self.protocol_name_list.is_empty()),
            "the list of application protocols is empty (RFC 7301 §3.1)",
        )?;
        in_range(
            self.alpn().all(|name| !name.is_empty()),
            "an application protocol has no name (RFC 7301 §3.1)",
        )
    }

    fn check_server_name(&self) -> Result<(), Malformed> {
        let is_empty = self.has(ext::SERVER_NAME) && self.server_name_list.is_empty();
        in_range(!is_empty, "the list of server names is empty (RFC 6066 §3)")?;
        let mut host_names = self.server_names().filter(|(name_type, _)| *name_type == HOST_NAME);
        let Some((_, name)) = host_names.next() else { return Ok(()) };
        legal(host_names.next().is_none(), "there is more than one host_name (RFC 6066 §3)")?;
        in_range(!name.is_empty(), "host_name is empty (RFC 6066 §3)")?;
        legal(is_host_name(name), "host_name is longer than 255 bytes or not printable ASCII (RFC 6066 §3)")
    }

    fn check_key_shares(&self) -> Result<(), Malformed> {
        let shares = &self.key_shares;
        let mut groups = shares.clone();
        groups.sort_unstable();
        groups.dedup();
        legal(groups.len() == shares.len(), "two key shares are for the same group (RFC 8446 §4.2.8)")?;
        let mut offered = self.named_groups.clone();
        offered.sort_unstable();
        let all_offered = groups.iter().all(|group| offered.binary_search(group).is_ok());
        legal(all_offered, "a key share is for a group that is not offered (RFC 8446 §4.2.8)")
    }

    fn check_pre_shared_key(&self) -> Result<(), Malformed> {
        if !self.has(ext::PRE_SHARED_KEY) {
            return Ok(());
        }
        let identities = self.psk_identities().count();
        in_range(identities > 0 && self.psk_binders > 0, "pre_shared_key is empty (RFC 8446 §4.2.11)")?;
        legal(identities == self.psk_binders, "not every PSK has its binder (RFC 8446 §4.2.11)")?;
        rule(
            self.has(ext::PSK_KEY_EXCHANGE_MODES),
            AlertDescription::MISSING_EXTENSION,
            "pre_shared_key comes without psk_key_exchange_modes (RFC 8446 §4.2.9)",
        )
    }
}
