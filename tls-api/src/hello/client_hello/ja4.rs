//! JA4, FoxIO's fingerprint of TLS clients: what they offer, without what changes from one connection to the next.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{ClientHello, extension_type as ext, is_grease};

/// The description's word for a list in which nothing is left.
const NOTHING: &str = "000000000000";

pub(super) fn fingerprint(hello: &ClientHello) -> String {
    let suites = without_grease(hello.cipher_suites().iter().map(|suite| suite.code()));
    let extensions = without_grease(hello.extension_types().iter().copied());
    let schemes = without_grease(hello.signature_schemes().iter().map(|scheme| scheme.code()));
    let sni = if extensions.contains(&ext::SERVER_NAME) { 'd' } else { 'i' };
    format!(
        "t{version}{sni}{suite_count:02}{extension_count:02}{alpn}_{suites}_{extensions}",
        version = version(hello),
        suite_count = suites.len().min(99),
        extension_count = extensions.len().min(99),
        alpn = alpn(hello.alpn().next().unwrap_or_default()),
        suites = suites_hash(suites),
        extensions = extensions_hash(extensions, &schemes),
    )
}

/// GREASE differs from connection to connection.
fn without_grease(codes: impl Iterator<Item = u16>) -> Vec<u16> {
    codes.filter(|code| !is_grease(*code)).collect()
}

/// The highest version on offer.
fn version(hello: &ClientHello) -> &'static str {
    let listed = without_grease(hello.supported_versions().iter().copied()).into_iter().max();
    match listed.unwrap_or(hello.legacy_version()) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// The first and the last character of the preferred protocol; of its hexadecimal form where one of them is
/// neither a letter nor a digit.
pub(super) fn alpn(protocol: &[u8]) -> String {
    let (Some(&first), Some(&last)) = (protocol.first(), protocol.last()) else { return "00".into() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [first, last].map(char::from).iter().collect()
    } else {
        format!("{:x}{:x}", first >> 4, last & 0x0f)
    }
}

fn suites_hash(mut suites: Vec<u16>) -> String {
    suites.sort_unstable();
    if suites.is_empty() { NOTHING.into() } else { truncated_sha256(&list(&suites)) }
}

/// Many clients shuffle their extensions; none shuffles its signature algorithms.
fn extensions_hash(mut extensions: Vec<u16>, schemes: &[u16]) -> String {
    // These two tell the destination, not the client.
    extensions.retain(|extension| {
        !matches!(*extension, ext::SERVER_NAME | ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION)
    });
    extensions.sort_unstable();
    match (extensions.as_slice(), schemes) {
        ([], _) => NOTHING.into(),
        (extensions, []) => truncated_sha256(&list(extensions)),
        (extensions, schemes) => truncated_sha256(&format!("{}_{}", list(extensions), list(schemes))),
    }
}

fn list(codes: &[u16]) -> String {
    codes.iter().map(|code| format!("{code:04x}")).collect::<Vec<_>>().join(",")
}

/// The first twelve hexadecimal digits.
fn truncated_sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(6).fold(String::new(), |mut hex, byte| {
        // A String takes everything.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
