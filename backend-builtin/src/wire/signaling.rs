//! Cipher suite values that are no cipher suites: they signal something in a ClientHello without extensions.

use polytls_api::CipherSuite;

/// RFC 5746 §3.3: as good as an empty renegotiation_info.
pub(crate) const TLS_EMPTY_RENEGOTIATION_INFO_SCSV: CipherSuite = CipherSuite::from_code(0x00ff);

/// RFC 7507 §2: the client has tried a higher version before, in vain.
pub(crate) const TLS_FALLBACK_SCSV: CipherSuite = CipherSuite::from_code(0x5600);
