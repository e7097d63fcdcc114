//! Values of any bytes: one [`Deal`] for each message, so that proptest's bytes become whatever a message can say.

use polytls_api::{CipherSuite, NamedGroup, SignatureScheme};

use crate::wire::handshake::{
    Certificate, CertificateEntry, CertificateList12, CertificateRequest, CertificateRequest12,
    CertificateStatus, CertificateVerify, ClientExtensions, ClientHello, ClientKeyExchange,
    CompressedCertificate, EncryptedExtensions, EndOfEarlyData, Finished, KeyShareEntry, NewSessionTicket,
    NewSessionTicket12, OfferedPsks, PskIdentity, ServerHello, ServerHelloDone, ServerHelloExtensions,
    ServerKeyExchange,
};

/// Bytes to be dealt; zeros, once there are no more.
pub(super) struct Dealer<'a>(&'a [u8]);

static ZEROS: [u8; 64] = [0; 64];

impl<'a> Dealer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn bool(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// Between `least`, no more than 64, and `most` bytes.
    fn slice(&mut self, least: usize, most: usize) -> &'a [u8] {
        let length = (least + usize::from(self.byte())).min(most);
        let (dealt, rest) = self.0.split_at_checked(length).unwrap_or((&ZEROS[..least], &[]));
        self.0 = rest;
        dealt
    }

    fn list<T>(&mut self, least: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = least + usize::from(self.byte() % 4);
        (0..length).map(|_| item(self)).collect()
    }

    fn maybe<T>(&mut self, item: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.bool().then(|| item(self))
    }

    fn slices(&mut self) -> Vec<&'a [u8]> {
        self.list(1, |dealer| dealer.slice(1, 100))
    }

    fn groups(&mut self) -> Vec<NamedGroup> {
        self.list(1, |dealer| NamedGroup::from_code(dealer.u16()))
    }

    fn schemes(&mut self) -> Vec<SignatureScheme> {
        self.list(1, |dealer| SignatureScheme::from_code(dealer.u16()))
    }

    /// Any version but SSL 3.0's, which no hello may name (RFC 8446 appendix D.5).
    fn legacy_version(&mut self) -> u16 {
        match self.u16() {
            0x0300 => 0x0301,
            version => version,
        }
    }

    fn record_size_limit(&mut self) -> u16 {
        self.u16().max(64)
    }

    /// Up to four algorithms, each once.
    fn compression_algorithms(&mut self) -> Vec<u16> {
        let first = self.u16() % 0xfff0;
        (first..=first + u16::from(self.byte() % 4)).collect()
    }

    fn share(&mut self) -> KeyShareEntry<'a> {
        KeyShareEntry { group: NamedGroup::from_code(self.u16()), key_exchange: self.slice(1, 100) }
    }

    /// For each group once.
    fn shares(&mut self) -> Vec<KeyShareEntry<'a>> {
        let mut shares = self.list(0, Self::share);
        shares.sort_unstable_by_key(|share| share.group);
        shares.dedup_by_key(|share| share.group);
        shares
    }

    fn psks(&mut self) -> OfferedPsks<'a> {
        let pairs = self.list(1, |dealer| {
            let identity =
                PskIdentity { identity: dealer.slice(1, 100), obfuscated_ticket_age: dealer.u32() };
            (identity, dealer.slice(32, 64))
        });
        let (identities, binders) = pairs.into_iter().unzip();
        OfferedPsks { identities, binders }
    }
}

/// A message made of what a dealer deals.
pub(super) trait Deal<'a>: Sized {
    fn deal(dealer: &mut Dealer<'a>) -> Self;
}

const NAMES: [&str; 4] = ["a", "server.example", "xn--bcher-kva.example", "_service._tcp.server.example"];

impl<'a> Deal<'a> for ClientHello<'a> {
    fn deal(dealer: &mut Dealer<'a>) -> Self {
        Self {
            legacy_version: dealer.legacy_version(),
            random: [dealer.byte(); 32],
            legacy_session_id: dealer.slice(0, 32),
            cipher_suites: dealer.list(1, |dealer| CipherSuite::from_code(dealer.u16())),
            legacy_compression_methods: &[0],
            extensions: ClientExtensions {
                server_name: dealer.maybe(|dealer| NAMES[usize::from(dealer.byte() % 4)]),
                status_request: dealer.bool(),
                supported_groups: dealer.maybe(Dealer::groups),
                ec_point_formats: dealer.maybe(|dealer| dealer.slice(1, 3)),
                signature_algorithms: dealer.maybe(Dealer::schemes),
                alpn: dealer.maybe(Dealer::slices),
                extended_master_secret: dealer.bool(),
                compress_certificate: dealer.maybe(Dealer::compression_algorithms),
                record_size_limit: dealer.maybe(Dealer::record_size_limit),
                session_ticket: dealer.maybe(|dealer| dealer.slice(0, 200)),
                early_data: dealer.bool(),
                supported_versions: dealer.maybe(|dealer| dealer.list(1, Dealer::u16)),
                cookie: dealer.maybe(|dealer| dealer.slice(1, 100)),
                psk_key_exchange_modes: dealer.maybe(|dealer| dealer.list(1, Dealer::byte)),
                certificate_authorities: dealer.maybe(Dealer::slices),
                post_handshake_auth: dealer.bool(),
                signature_algorithms_cert: dealer.maybe(Dealer::schemes),
                key_share: dealer.maybe(Dealer::shares),
                renegotiation_info: dealer.maybe(|dealer| dealer.slice(0, 24)),
                pre_shared_key: dealer.maybe(Dealer::psks),
                grease: Vec::new(),
            },
        }
    }
}

/// Of the three messages that a ServerHello can be, one.
impl<'a> Deal<'a> for ServerHello<'a> {
    fn deal(dealer: &mut Dealer<'a>) -> Self {
        let kind = dealer.byte() % 3;
        Self {
            legacy_version: if kind == 0 { dealer.legacy_version() } else { 0x0303 },
            random: if kind == 1 { Self::HELLO_RETRY_REQUEST_RANDOM } else { [dealer.byte(); 32] },
            legacy_session_id_echo: dealer.slice(0, 32),
            cipher_suite: CipherSuite::from_code(dealer.u16()),
            legacy_compression_method: 0,
            extensions: match kind {
                0 => tls12_extensions(dealer),
                1 => hello_retry_request_extensions(dealer),
                _ => tls13_extensions(dealer),
            },
        }
    }
}

fn tls12_extensions<'a>(dealer: &mut Dealer<'a>) -> ServerHelloExtensions<'a> {
    ServerHelloExtensions {
        server_name_ack: dealer.bool(),
        renegotiation_info: dealer.maybe(|dealer| dealer.slice(0, 24)),
        session_ticket: dealer.bool(),
        extended_master_secret: dealer.bool(),
        alpn: dealer.maybe(|dealer| dealer.slice(1, 255)),
        ec_point_formats: dealer.maybe(|dealer| dealer.slice(1, 3)),
        status_request: dealer.bool(),
        record_size_limit: dealer.maybe(Dealer::record_size_limit),
        ..ServerHelloExtensions::default()
    }
}

fn hello_retry_request_extensions<'a>(dealer: &mut Dealer<'a>) -> ServerHelloExtensions<'a> {
    ServerHelloExtensions {
        selected_version: Some(dealer.u16().max(0x0304)),
        selected_group: dealer.maybe(|dealer| NamedGroup::from_code(dealer.u16())),
        cookie: dealer.maybe(|dealer| dealer.slice(1, 100)),
        ..ServerHelloExtensions::default()
    }
}

fn tls13_extensions<'a>(dealer: &mut Dealer<'a>) -> ServerHelloExtensions<'a> {
    ServerHelloExtensions {
        selected_version: Some(dealer.u16().max(0x0304)),
        key_share: dealer.maybe(Dealer::share),
        selected_identity: dealer.maybe(Dealer::u16),
        ..ServerHelloExtensions::default()
    }
}

impl<'a> Deal<'a> for EncryptedExtensions<'a> {
    fn deal(dealer: &mut Dealer<'a>) -> Self {
        Self {
            alpn: dealer.maybe(|dealer| dealer.slice(1, 255)),
            early_data: dealer.bool(),
            server_name_ack: dealer.bool(),
            supported_groups: dealer.maybe(Dealer::groups),
            record_size_limit: dealer.maybe(Dealer::record_size_limit),
            present: Vec::new(),
        }
    }
}

impl<'a> Deal<'a> for CertificateRequest<'a> {
    fn deal(dealer: &mut Dealer<'a>) -> Self {
        Self {
            context: dealer.slice(0, 255),
            signature_algorithms: dealer.schemes(),
            signature_algorithms_cert: dealer.maybe(Dealer::schemes),
            certificate_authorities: dealer.maybe(Dealer::slices),
            compress_certificate: dealer.maybe(Dealer::compression_algorithms),
            status_request: dealer.bool(),
        }
    }
}

impl<'a> Deal<'a> for Certificate<'a> {
    fn deal(dealer: &mut Dealer<'a>) -> Self {
        let context = dealer.slice(0, 255);
        let entries = dealer.list(0, |dealer| CertificateEntry {
            der: dealer.slice(1, 200),
            ocsp_response: dealer.maybe(|dealer| dealer.slice(1, 100)),
            present: Vec::new(),
        });
        Self { context, entries }
    }
}

impl<'a> Deal<'a> for NewSessionTicket<'a> {
    fn deal(dealer: &mut Dealer<'a>) -> Self {
        Self {
            lifetime: dealer.u32(),
            age_add: dealer.u32(),
            nonce: dealer.slice(0, 255),
            ticket: dealer.slice(1, 200),
            max_early_data_size: dealer.maybe(Dealer::u32),
            grease: None,
        }
    }
}

/// Messages without extensions.
macro_rules! deal {
    ($($Message:ident $(<$a:lifetime>)?: |$dealer:ident| $value:expr;)*) => {
        $(impl<'a> Deal<'a> for $Message$(<$a>)? {
            fn deal($dealer: &mut Dealer<'a>) -> Self {
                $value
            }
        })*
    };
}

deal! {
    CompressedCertificate<'a>: |dealer| CompressedCertificate {
        algorithm: dealer.u16(),
        uncompressed_length: dealer.u32() >> 8,
        compressed: dealer.slice(1, 255),
    };
    CertificateVerify<'a>: |dealer| CertificateVerify {
        algorithm: SignatureScheme::from_code(dealer.u16()),
        signature: dealer.slice(0, 255),
    };
    Finished<'a>: |dealer| Finished { verify_data: dealer.slice(0, 64) };
    EndOfEarlyData: |_dealer| EndOfEarlyData;
    ServerHelloDone: |_dealer| ServerHelloDone;
    CertificateList12<'a>: |dealer| CertificateList12 {
        certificates: dealer.list(0, |dealer| dealer.slice(1, 200)),
    };
    CertificateRequest12<'a>: |dealer| CertificateRequest12 {
        certificate_types: dealer.slice(1, 255),
        signature_algorithms: dealer.schemes(),
        certificate_authorities: dealer.list(0, |dealer| dealer.slice(1, 100)),
    };
    ServerKeyExchange<'a>: |dealer| ServerKeyExchange {
        group: NamedGroup::from_code(dealer.u16()),
        public_key: dealer.slice(1, 255),
        algorithm: SignatureScheme::from_code(dealer.u16()),
        signature: dealer.slice(0, 255),
    };
    ClientKeyExchange<'a>: |dealer| ClientKeyExchange { public_key: dealer.slice(1, 255) };
    NewSessionTicket12<'a>: |dealer| NewSessionTicket12 {
        lifetime_hint: dealer.u32(),
        ticket: dealer.slice(0, 255),
    };
    CertificateStatus<'a>: |dealer| CertificateStatus { ocsp_response: dealer.slice(1, 255) };
}
