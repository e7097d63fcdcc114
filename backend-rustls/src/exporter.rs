//! Key material for the application (RFC 8446 §7.5, RFC 5705), from secrets that rustls tells its key log.
//!
//! rustls exports from connections whose records it handles, and here it has handed them on. What its exporter would
//! start from is kept instead: the exporter secret, or in TLS 1.2 the master secret and both randoms.

use std::fmt;

use aws_lc_rs::{digest, hkdf, hmac};
use polytls_api::{CipherSuite, ConfigError, Error, ProtocolVersion};
use zeroize::Zeroizing;

/// The labels under which rustls logs what key material is exported from.
const EXPORTER_SECRET: &str = "EXPORTER_SECRET";
const CLIENT_RANDOM: &str = "CLIENT_RANDOM";

/// SHA-384's output, and RFC 5246 §8.1's master secret.
const MAX_SECRET: usize = 48;

/// RFC 5246's own labels, which RFC 5705 §4 keeps from being used to export.
const RESERVED: [&[u8]; 5] =
    [b"client finished", b"server finished", b"master secret", b"extended master secret", b"key expansion"];

/// A secret out of the key log.
pub(crate) struct LoggedSecret {
    client_random: [u8; 32],
    secret: Zeroizing<[u8; MAX_SECRET]>,
    len: usize,
}

impl LoggedSecret {
    /// Whether the secret of this label is one that key material is exported from.
    pub(crate) fn is_wanted(label: &str) -> bool {
        label == EXPORTER_SECRET || label == CLIENT_RANDOM
    }

    /// The secret; `None` when it has the length of none.
    pub(crate) fn new(client_random: &[u8], secret: &[u8]) -> Option<Self> {
        let mut kept = Zeroizing::new([0; MAX_SECRET]);
        kept.get_mut(..secret.len())?.copy_from_slice(secret);
        Some(Self { client_random: client_random.try_into().ok()?, secret: kept, len: secret.len() })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.secret[..self.len]
    }
}

/// The server's random of a TLS 1.2 handshake, read along from its first message.
#[derive(Debug)]
pub(crate) struct ServerRandom {
    hello: [u8; HELLO_LEN],
    seen: usize,
}

/// RFC 5246 §7.4 and §7.4.1.3: type, length and version stand before the random.
const HELLO_LEN: usize = 4 + 2 + 32;

impl ServerRandom {
    pub(crate) fn new() -> Self {
        Self { hello: [0; HELLO_LEN], seen: 0 }
    }

    /// A whole record of the server's, its header included.
    pub(crate) fn read(&mut self, record: &[u8]) {
        const HANDSHAKE: u8 = 22;
        let missing = &mut self.hello[self.seen..];
        if let Some((&[HANDSHAKE, ..], content)) = record.split_first_chunk::<5>() {
            let count = content.len().min(missing.len());
            missing[..count].copy_from_slice(&content[..count]);
            self.seen += count;
        }
    }

    fn random(&self) -> &[u8] {
        &self.hello[6..]
    }
}

/// What one connection's key material is exported from.
pub(crate) enum Exporter {
    Tls13 { algorithm: hkdf::Algorithm, secret: LoggedSecret },
    Tls12 { algorithm: hmac::Algorithm, master_secret: LoggedSecret, server_random: [u8; 32] },
}

impl Exporter {
    /// The exporter of a connection whose handshake is complete; `None` when its secrets were not all seen.
    pub(crate) fn new(
        version: ProtocolVersion,
        suite: CipherSuite,
        secret: LoggedSecret,
        server_random: &ServerRandom,
    ) -> Option<Self> {
        match version {
            ProtocolVersion::Tls13 => Some(Self::Tls13 { algorithm: hkdf_of(suite), secret }),
            ProtocolVersion::Tls12 if server_random.seen == HELLO_LEN => {
                let algorithm = hkdf_of(suite).hmac_algorithm();
                let server_random = server_random.random().try_into().ok()?;
                Some(Self::Tls12 { algorithm, master_secret: secret, server_random })
            }
            _ => None,
        }
    }

    /// Fills `output`.
    pub(crate) fn export(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        if output.is_empty() || output.len() > self.longest() {
            return Err(invalid(
                "it exports a byte at least, and 255 times the hash at most (RFC 5869 §2.3)",
            ));
        }
        match self {
            Self::Tls13 { algorithm, secret } => {
                tls13(*algorithm, secret.bytes(), output, label, context.unwrap_or_default())
            }
            Self::Tls12 { algorithm, master_secret, server_random } => {
                if RESERVED.contains(&label) {
                    return Err(invalid("TLS itself uses this label (RFC 5705 §4)"));
                }
                let length = match context {
                    Some(context) => u16::try_from(context.len())
                        .map_err(|_| invalid("the context is longer than 65535 bytes"))?
                        .to_be_bytes(),
                    None => [0; 2],
                };
                let parts: [&[u8]; 5] = [
                    label,
                    &master_secret.client_random,
                    server_random,
                    if context.is_some() { &length } else { &[] },
                    context.unwrap_or_default(),
                ];
                prf(&hmac::Key::new(*algorithm, master_secret.bytes()), &parts.concat(), output);
                Ok(())
            }
        }
    }
}

impl Exporter {
    /// How much HKDF can do; the PRF of TLS 1.2 could do more, and nobody needs it.
    fn longest(&self) -> usize {
        let hmac = match self {
            Self::Tls13 { algorithm, .. } => algorithm.hmac_algorithm(),
            Self::Tls12 { algorithm, .. } => *algorithm,
        };
        255 * hmac.digest_algorithm().output_len()
    }
}

/// HKDF with the hash of the suite, whose HMAC is the one of TLS 1.2's PRF.
pub(crate) fn hkdf_of(suite: CipherSuite) -> hkdf::Algorithm {
    match suite {
        CipherSuite::TLS_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => hkdf::HKDF_SHA384,
        _ => hkdf::HKDF_SHA256,
    }
}

/// RFC 8446 §7.5.
fn tls13(
    algorithm: hkdf::Algorithm,
    secret: &[u8],
    output: &mut [u8],
    label: &[u8],
    context: &[u8],
) -> Result<(), Error> {
    let hash = algorithm.hmac_algorithm().digest_algorithm();
    let mut derived = Zeroizing::new([0; MAX_SECRET]);
    let derived = &mut derived[..hash.output_len()];
    expand_label(algorithm, secret, label, digest::digest(hash, b"").as_ref(), derived)?;
    expand_label(algorithm, derived, b"exporter", digest::digest(hash, context).as_ref(), output)
}

/// HKDF-Expand-Label (RFC 8446 §7.1).
pub(crate) fn expand_label(
    algorithm: hkdf::Algorithm,
    secret: &[u8],
    label: &[u8],
    context: &[u8],
    output: &mut [u8],
) -> Result<(), Error> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let too_long = || invalid("the label has 249 bytes at most (RFC 8446 §7.1)");
    let length = u16::try_from(output.len()).map_err(|_| too_long())?.to_be_bytes();
    let label_len = u8::try_from(label.len() + 6).map_err(|_| too_long())?;
    // A hash has at most 48 bytes.
    let info: [&[u8]; 6] = [&length, &[label_len], b"tls13 ", label, &[context.len() as u8], context];
    hkdf::Prk::new_less_safe(algorithm, secret)
        .expand(&info, Length(output.len()))
        .and_then(|material| material.fill(output))
        .map_err(|_| too_long())
}

/// The PRF (RFC 5246 §5).
fn prf(key: &hmac::Key, label_and_seed: &[u8], output: &mut [u8]) {
    let mut a = hmac::sign(key, label_and_seed);
    for chunk in output.chunks_mut(key.algorithm().digest_algorithm().output_len()) {
        let mut context = hmac::Context::with_key(key);
        context.update(a.as_ref());
        context.update(label_and_seed);
        chunk.copy_from_slice(&context.sign().as_ref()[..chunk.len()]);
        a = hmac::sign(key, a.as_ref());
    }
}

fn invalid(reason: &str) -> Error {
    ConfigError::Invalid { option: "export_keying_material", reason: reason.into() }.into()
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}
