//! polytls's configuration as an `SslContext`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
    ssl::{
        AlpnError, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
        SslVerifyMode, SslVersion, cipher_name,
    },
    x509::{
        X509,
        store::{X509Store, X509StoreBuilder},
        verify::X509VerifyFlags,
    },
};
use polytls_api::{
    BackendInfo, CertificateVerifier, CipherSuite, ClientAuthentication, ClientConfig, ConfigError,
    ConfigOption, Identity, IdentityKey, KeyLog, NamedGroup, ProtocolSettings, ProtocolVersion, Roots,
    ServerConfig, SignatureScheme, SigningThreads,
};
use zeroize::Zeroizing;

use crate::{
    NAME, connection::Connection, error::configuration, ffi, session_cache::SessionCache, signer,
    verifier::SECURITY_LEVEL,
};

/// A group of NIST's and a classical one in one key share.
const HYBRID: &str = "X25519MLKEM768";

/// What every connection of one configuration shares.
pub(crate) struct Prepared {
    pub(crate) context: SslContext,
    pub(crate) backend: BackendInfo,
    /// The application's verifier.
    pub(crate) verifier: Option<Arc<dyn CertificateVerifier>>,
    pub(crate) sni: bool,
    /// Where a client keeps its sessions; `None` where it resumes none.
    pub(crate) sessions: Option<Arc<SessionCache>>,
    /// Where handshakes run whose identity has a signer; `None` where none has.
    pub(crate) signing: Option<SigningThreads>,
}

pub(crate) fn client(backend: BackendInfo, config: &ClientConfig) -> Result<Prepared, ConfigError> {
    let settings = config.protocol();
    let mut builder = context(SslMethod::tls_client(), settings)?;
    trust(&mut builder, config.verifier(), Some(config.roots()))?;
    builder.set_verify(SslVerifyMode::PEER);
    accept_schemes_of_servers(&mut builder, settings).map_err(configuration)?;
    let signer = config.identity().map_or(Ok(None), |identity| present(&mut builder, identity))?;
    if let Some(schemes) = &signer {
        ffi::set_client_sigalgs_list(&mut builder, &list(schemes, SignatureScheme::name))
            .map_err(configuration)?;
    }
    if !settings.alpn().is_empty() {
        builder.set_alpn_protos(&alpn_list(settings.alpn())).map_err(configuration)?;
    }
    let sessions = if settings.resumption() == Some(false) {
        builder.set_options(SslOptions::NO_TICKET);
        builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        None
    } else {
        builder.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        builder.set_new_session_callback(|ssl, _session| {
            if let Some(new) = Connection::of(ssl).and_then(|connection| connection.new_sessions.as_ref())
                && let Some(session) = ffi::ResumableSession::of(ssl)
            {
                new.add(session);
            }
        });
        Some(Arc::default())
    };
    let verifier = config.verifier().cloned();
    let (sni, signing) = (config.sni(), signer.map(|_| SigningThreads::default()));
    Ok(Prepared { context: builder.build(), backend, verifier, sni, sessions, signing })
}

pub(crate) fn server(backend: BackendInfo, config: &ServerConfig) -> Result<Prepared, ConfigError> {
    let settings = config.protocol();
    let mut builder = context(SslMethod::tls_server(), settings)?;
    let identity = config.identity().ok_or_else(|| unsupported(ConfigOption::Resolver))?;
    let signer = present(&mut builder, identity)?;
    match config.client_authentication() {
        ClientAuthentication::None => builder.set_verify(SslVerifyMode::NONE),
        mode => {
            trust(&mut builder, config.client_verifier(), config.client_roots())?;
            let mandatory = mode == ClientAuthentication::Required;
            let missing =
                if mandatory { SslVerifyMode::FAIL_IF_NO_PEER_CERT } else { SslVerifyMode::empty() };
            builder.set_verify(SslVerifyMode::PEER | missing);
        }
    }
    if let Some(schemes) = &signer {
        builder.set_sigalgs_list(&list(schemes, SignatureScheme::name)).map_err(configuration)?;
    }
    // What a server signs with is what it accepts of clients too, unless that is said.
    let accepted = settings.signature_schemes().or(signer.as_ref().map(|_| SignatureScheme::NAMED));
    if let Some(schemes) = accepted {
        ffi::set_client_sigalgs_list(&mut builder, &list(schemes, SignatureScheme::name))
            .map_err(configuration)?;
    }
    if !settings.alpn().is_empty() {
        let protocols = settings.alpn().to_vec();
        builder.set_alpn_select_callback(move |_, offered| {
            choose_protocol(&protocols, offered).ok_or(AlpnError::ALERT_FATAL)
        });
    }
    builder.set_session_id_context(b"polytls").map_err(configuration)?;
    // Tickets only. A session kept here could be resumed by its id even if the verdict on its client, held
    // back until after the handshake, was a refusal; a ticket is not sent before the verdict.
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    if settings.resumption() == Some(false) {
        builder.set_options(SslOptions::NO_TICKET);
        builder.set_num_tickets(0).map_err(configuration)?;
    }
    let verifier = config.client_verifier().cloned();
    let signing = signer.map(|_| SigningThreads::default());
    Ok(Prepared { context: builder.build(), backend, verifier, sni: false, sessions: None, signing })
}

/// What client and server configure alike.
fn context(method: SslMethod, settings: &ProtocolSettings) -> Result<SslContextBuilder, ConfigError> {
    let mut builder = SslContextBuilder::new(method).map_err(configuration)?;
    builder.set_security_level(SECURITY_LEVEL.into());
    // NO_AUTO_CHAIN: what is presented is the identity's chain, and no certificate found elsewhere.
    builder.set_mode(
        SslMode::AUTO_RETRY
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::RELEASE_BUFFERS
            | SslMode::NO_AUTO_CHAIN,
    );
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    negotiate(&mut builder, settings).map_err(configuration)?;
    if let Some(log) = settings.key_log() {
        let log = log.clone();
        builder.set_keylog_callback(move |_, line| log_secret(&*log, line));
    }
    Ok(builder)
}

fn negotiate(builder: &mut SslContextBuilder, settings: &ProtocolSettings) -> Result<(), ErrorStack> {
    builder.set_min_proto_version(Some(ssl_version(settings.lowest_version())))?;
    builder.set_max_proto_version(Some(ssl_version(settings.highest_version())))?;
    let suites = settings.cipher_suites().unwrap_or(&CipherSuite::DEFAULT);
    let tls12 = suite_list(suites, ProtocolVersion::Tls12);
    if !tls12.is_empty() {
        builder.set_cipher_list(&tls12)?;
    }
    let tls13 = suite_list(suites, ProtocolVersion::Tls13);
    if !tls13.is_empty() {
        builder.set_ciphersuites(&tls13)?;
    }
    let groups = list(settings.named_groups().unwrap_or(&NamedGroup::DEFAULT), NamedGroup::name);
    builder.set_groups_list(&with_key_shares(&groups)).or_else(|_| builder.set_groups_list(&groups))
}

/// The groups with an asterisk, known since OpenSSL 3.5, before those that a client sends a key share for: the first,
/// and beside a hybrid one the classical one that it contains, for servers that know no other.
fn with_key_shares(groups: &str) -> String {
    let shared = groups.replacen("x25519", "*x25519", usize::from(groups.starts_with(HYBRID)));
    format!("*{shared}")
}

fn ssl_version(version: ProtocolVersion) -> SslVersion {
    match version {
        ProtocolVersion::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
}

/// The suites of one version in OpenSSL's notation.
fn suite_list(suites: &[CipherSuite], version: ProtocolVersion) -> String {
    let of_version = |suite: CipherSuite| suite.name().filter(|_| suite.version() == Some(version));
    list(suites, |suite| of_version(suite).map(cipher_name))
}

/// A list in OpenSSL's notation, in which nothing may stand twice.
fn list<T: Copy>(values: &[T], name: impl Fn(T) -> Option<&'static str>) -> String {
    let mut names = Vec::new();
    for name in values.iter().copied().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(":")
}

/// Restricts what servers sign with, and leaves alone what this client signs with.
fn accept_schemes_of_servers(
    builder: &mut SslContextBuilder,
    settings: &ProtocolSettings,
) -> Result<(), ErrorStack> {
    let Some(schemes) = settings.signature_schemes() else { return Ok(()) };
    ffi::set_client_sigalgs_list(builder, &list(SignatureScheme::NAMED, SignatureScheme::name))?;
    builder.set_sigalgs_list(&list(schemes, SignatureScheme::name))
}

/// Who decides on the peer's chain: the application's verifier, else OpenSSL with the roots.
fn trust(
    builder: &mut SslContextBuilder,
    verifier: Option<&Arc<dyn CertificateVerifier>>,
    roots: Option<&Roots>,
) -> Result<(), ConfigError> {
    ffi::decide_on_chains(builder);
    match (verifier, roots) {
        (Some(_), _) => Ok(()),
        (None, Some(roots)) => builder.set_verify_cert_store(trust_store(roots)?).map_err(configuration),
        (None, None) => Err(ConfigError::NoRoots { reason: "none were given".into() }),
    }
}

/// The roots as OpenSSL's store.
pub(crate) fn trust_store(roots: &Roots) -> Result<X509Store, ConfigError> {
    let mut store = X509StoreBuilder::new().map_err(configuration)?;
    // Whatever was given as a root is one, be it self-signed or not.
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(configuration)?;
    let mut trusted = 0_usize;
    for certificate in roots.certificates()?.iter() {
        match (X509::from_der(certificate), roots) {
            (Ok(certificate), _) => {
                store.add_cert(certificate).map_err(configuration)?;
                trusted += 1;
            }
            (Err(error), Roots::Explicit(_)) => {
                let reason = format!("a root is malformed: {error}");
                return Err(ConfigError::Certificates { reason });
            }
            // A root in the system's store that OpenSSL cannot read takes nothing from the others.
            (Err(_), _) => {}
        }
    }
    if trusted == 0 {
        return Err(ConfigError::NoRoots { reason: "OpenSSL can read none of them".into() });
    }
    Ok(store.build())
}

/// Has every connection present this identity. Returned are the schemes of its signer, if it has one: what such a
/// connection may sign with.
fn present(
    builder: &mut SslContextBuilder,
    identity: &Identity,
) -> Result<Option<Vec<SignatureScheme>>, ConfigError> {
    let mut chain = Vec::new();
    for certificate in identity.chain() {
        chain.push(X509::from_der(certificate).map_err(|error| {
            let reason = format!("malformed certificate: {error}");
            ConfigError::Certificates { reason }
        })?);
    }
    let mut chain = chain.into_iter();
    let Some(end_entity) = chain.next() else {
        return Err(ConfigError::Certificates { reason: "the chain is empty".into() });
    };
    let (key, schemes) = match identity.key() {
        IdentityKey::Der(key) => (private_key(key.secret_der())?, None),
        IdentityKey::Signer(signer) => {
            let (key, schemes) = signer::key(&end_entity, signer)?;
            (key, Some(schemes))
        }
    };
    if !end_entity.public_key().map_err(configuration)?.public_eq(&key) {
        return Err(ConfigError::KeyMismatch);
    }
    builder.set_certificate(&end_entity).map_err(configuration)?;
    for issuer in chain {
        builder.add_extra_chain_cert(issuer).map_err(configuration)?;
    }
    builder.set_private_key(&key).map_err(configuration)?;
    builder.check_private_key().map_err(configuration)?;
    Ok(schemes)
}

fn unsupported(option: ConfigOption) -> ConfigError {
    ConfigError::Unsupported { backend: NAME, option }
}

fn private_key(der: &[u8]) -> Result<PKey<Private>, ConfigError> {
    PKey::private_key_from_der(der)
        .or_else(|error| match without_public_key(der) {
            Some(der) => PKey::private_key_from_der(&der),
            None => Err(error),
        })
        .map_err(|error| ConfigError::PrivateKey { reason: error.to_string() })
}

/// A PKCS#8 key of RFC 5958's version 2, without the public key that makes it one: OpenSSL reads version 1.
fn without_public_key(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const VERSION_2: &[u8] = &[2, 1, 1];
    let (content, _) = element(der, 0x30)?;
    let rest = content.strip_prefix(VERSION_2)?;
    let (_, after_algorithm) = element(rest, 0x30)?;
    let (_, after_key) = element(after_algorithm, 0x04)?;
    let kept = &rest[..rest.len() - after_key.len()];
    let length = u16::try_from(kept.len() + VERSION_2.len()).ok()?.to_be_bytes();
    let header = [&[0x30, 0x82][..], &length, &[2, 1, 0]].concat();
    // OpenSSL reads the long form of a short length too.
    Some(Zeroizing::new([&header, kept].concat()))
}

/// The content of the DER element with this tag at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => {
            let (&length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(length)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// RFC 7301 §3.1: each name after its length.
fn alpn_list(protocols: &[Vec<u8>]) -> Vec<u8> {
    let mut list = Vec::new();
    for protocol in protocols {
        // The configuration was checked: a name has 1 to 255 bytes.
        list.push(protocol.len() as u8);
        list.extend_from_slice(protocol);
    }
    list
}

/// The first of the server's protocols that the client offers.
fn choose_protocol<'a>(protocols: &[Vec<u8>], offered: &'a [u8]) -> Option<&'a [u8]> {
    protocols.iter().find_map(|protocol| offers(offered).find(|name| name == protocol))
}

fn offers(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = list.split_first()?;
        let (name, rest) = rest.split_at_checked(length.into())?;
        list = rest;
        Some(name)
    })
}

/// A line of OpenSSL's, `LABEL RANDOM SECRET` with both in hexadecimal, to the key log.
fn log_secret(log: &dyn KeyLog, line: &str) {
    let mut fields = line.split(' ');
    let (Some(label), Some(random), Some(secret)) = (fields.next(), fields.next(), fields.next()) else {
        return;
    };
    if let (Some(random), Some(secret)) = (bytes(random), bytes(secret)) {
        // A panic of the application's must not cross into C.
        let _ = catch_unwind(AssertUnwindSafe(|| log.log(label, &random, &secret)));
    }
}

fn bytes(hex: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
    bytes.filter(|_| rest.is_empty()).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_order_decides_on_the_protocol() {
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        let offered = alpn_list(&names(&["http/1.1", "h2"]));
        assert_eq!(choose_protocol(&names(&["h2", "http/1.1"]), &offered), Some(b"h2".as_slice()));
        assert_eq!(choose_protocol(&names(&["h3"]), &offered), None);
        assert_eq!(choose_protocol(&names(&["h2"]), &offered[..offered.len() - 1]), None);
    }

    #[test]
    fn a_key_that_carries_its_public_key_is_read() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let der = key.serialize_der();
        let read = private_key(&der).unwrap();
        assert_eq!(read.raw_public_key().unwrap(), key.public_key_raw());
        assert!(without_public_key(&der[..der.len() - 1]).is_none());
        for cut in 0..40 {
            assert!(private_key(&der[..cut]).is_err());
        }
    }

    #[test]
    fn hexadecimal_is_read_whole_or_not_at_all() {
        assert_eq!(bytes("00fF").map(|bytes| bytes.to_vec()), Some(vec![0, 255]));
        assert!(bytes("0").is_none());
        assert!(bytes("0g").is_none());
    }
}
