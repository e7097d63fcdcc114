//! Honesty: an option that a backend declares is taken, and one that it lacks ends in `Unsupported`. Never a third.

use std::sync::Arc;

use polytls_api::{
    Backend, CipherSuite, ClientAuthentication, ClientConfig, ClientConfigBuilder, ConfigError, ConfigOption,
    DangerAcceptAnyCertificate, KeyLog, MemorySessionStore, NamedGroup, ProtocolVersion, RoleCapabilities,
    Roots, ServerConfig, ServerConfigBuilder, SignatureScheme, TlsAcceptor, TlsConnector, TrustPolicy,
    record::{NONCE_LEN, RecordCipher, RecordKey, TAG_LEN},
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    identities::Chooser,
    pair::Side,
    pki::{Authority, Key, Leaf, Validity},
    signers::KeyHolder,
    staples::RESPONSE,
};

/// A key log that forgets.
#[derive(Debug)]
struct Forgetful;

impl KeyLog for Forgetful {
    fn log(&self, _label: &str, _client_random: &[u8], _secret: &[u8]) {}
}

/// Both builders' common setters, each with what it needs; `$builder` starts from the versions it is given.
macro_rules! protocol_options {
    ($builder:expr) => {{
        let builder = $builder;
        let mut options = Vec::new();
        for version in ProtocolVersion::ALL {
            options.push((vec![ConfigOption::ProtocolVersion(version)], builder(&[version])));
        }
        for &suite in CipherSuite::NAMED {
            let Some(version) = suite.version() else { continue };
            let needs = vec![
                ConfigOption::ProtocolVersion(version),
                ConfigOption::CipherSuites,
                ConfigOption::CipherSuite(suite),
            ];
            options.push((needs, builder(&[version]).cipher_suites([suite])));
        }
        for &group in NamedGroup::NAMED {
            let needs = vec![ConfigOption::NamedGroups, ConfigOption::NamedGroup(group)];
            options.push((needs, builder(&[]).named_groups([group])));
        }
        for &scheme in SignatureScheme::NAMED {
            let needs = vec![ConfigOption::SignatureSchemes, ConfigOption::SignatureScheme(scheme)];
            options.push((needs, builder(&[]).signature_schemes([scheme])));
        }
        options.push((vec![ConfigOption::Alpn], builder(&[]).alpn(["h2"])));
        options.push((vec![ConfigOption::ResumptionOn], builder(&[]).resumption(true)));
        options.push((vec![ConfigOption::ResumptionOff], builder(&[]).resumption(false)));
        options.push((vec![ConfigOption::KeyLog], builder(&[]).key_log(Arc::new(Forgetful))));
        let store = Arc::new(MemorySessionStore::new(1));
        options.push((vec![ConfigOption::SessionStore], builder(&[]).session_store(store)));
        options.push((vec![ConfigOption::MaxRecordPlaintext], builder(&[]).max_record_plaintext(1_000)));
        options
    }};
}

/// Taken or refused, as declared: both are as it should be.
fn honest<T>(
    pair: &Pair,
    side: Side,
    needs: &[ConfigOption],
    built: Result<T, ConfigError>,
) -> Result<(), Stop> {
    match pair.expect_supported_or_refused(side, needs, built) {
        Ok(_) | Err(Stop::Refused(_)) => Ok(()),
        Err(failed) => Err(failed).at(format!("{needs:?}")),
    }
}

pub(crate) async fn a_client_takes_what_it_declares_and_refuses_the_rest(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let supported = pair.role(Side::Client).versions.clone();
    let plain = |versions: &[ProtocolVersion]| {
        let versions = if versions.is_empty() { &supported } else { versions };
        ClientConfig::builder(pair.client.clone()).protocol_versions(versions.to_vec())
    };
    let with_roots = |versions: &[ProtocolVersion]| plain(versions).roots(root.roots());
    let mut options: Vec<(Vec<ConfigOption>, ClientConfigBuilder)> = protocol_options!(with_roots);
    let identity = root.issue(Leaf::client());
    options.push((vec![ConfigOption::SniOff], with_roots(&[]).sni(false)));
    options.push((vec![ConfigOption::ClientIdentity], with_roots(&[]).identity(identity)));
    let verifier = Arc::new(DangerAcceptAnyCertificate);
    options.push((vec![ConfigOption::Verifier], with_roots(&[]).verifier(verifier)));
    options.push((vec![ConfigOption::SessionCacheSize], with_roots(&[]).session_cache_size(1)));
    options.push((vec![ConfigOption::EarlyData], with_roots(&[]).early_data(true)));
    let crl = root.crl(Validity::Now, &[]);
    options.push((vec![ConfigOption::Revocation], with_roots(&[]).crls([crl])));
    let (_, identity) = KeyHolder::take_key(&root.issue(Leaf::client()), Key::P256, true);
    let needs = vec![ConfigOption::ClientIdentity, ConfigOption::Signer];
    options.push((needs, with_roots(&[]).identity(identity)));
    options.push((vec![], with_roots(&[]).roots(Roots::None)));
    for (mut needs, builder) in options {
        needs.push(ConfigOption::ExplicitRoots);
        let built = builder.build().and_then(|config| TlsConnector::new(&config));
        honest(&pair, Side::Client, &needs, built)?;
    }
    for roots in [Roots::Bundled, Roots::Os] {
        let needs = if roots == Roots::Os { vec![] } else { vec![ConfigOption::ExplicitRoots] };
        // Whether there are roots at all is the system's business, so the connector is not made.
        honest(&pair, Side::Client, &needs, plain(&[]).roots(roots).build())?;
    }
    Ok(())
}

pub(crate) async fn a_server_takes_what_it_declares_and_refuses_the_rest(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let identity = root.issue(Leaf::server());
    let supported = pair.role(Side::Server).versions.clone();
    let plain = |versions: &[ProtocolVersion]| {
        let versions = if versions.is_empty() { &supported } else { versions };
        ServerConfig::builder(pair.server.clone(), identity.clone()).protocol_versions(versions.to_vec())
    };
    let mut options: Vec<(Vec<ConfigOption>, ServerConfigBuilder)> = protocol_options!(plain);
    for mode in [ClientAuthentication::Optional, ClientAuthentication::Required] {
        let need = ConfigOption::ClientAuthentication(mode);
        let asking = plain(&[]).client_authentication(mode);
        options.push((vec![need.clone()], asking.clone().client_roots(root.roots())));
        let verifier = Arc::new(DangerAcceptAnyCertificate);
        options.push((vec![need.clone(), ConfigOption::Verifier], asking.clone().client_verifier(verifier)));
        let lists = asking.client_roots(root.roots()).client_crls([root.crl(Validity::Now, &[])]);
        options.push((vec![need, ConfigOption::Revocation], lists));
    }
    options.push((vec![ConfigOption::TicketsPerConnection], plain(&[]).tickets_per_connection(1)));
    let hour = std::time::Duration::from_secs(3_600);
    options.push((vec![ConfigOption::SessionLifetime], plain(&[]).session_lifetime(hour)));
    options.push((vec![ConfigOption::EarlyData], plain(&[]).max_early_data(1_000)));
    let named = plain(&[]).sni_identity("*.example", identity.clone());
    options.push((vec![ConfigOption::SniIdentities], named));
    options.push((vec![ConfigOption::Resolver], plain(&[]).resolver(Chooser::of(None))));
    let backend = || pair.server.clone();
    let resolved = ServerConfig::builder_with_resolver(backend(), Chooser::of(None));
    options.push((vec![ConfigOption::Resolver], resolved.protocol_versions(supported.clone())));
    let (_, elsewhere) = KeyHolder::take_key(&identity, Key::P256, true);
    for (need, identity) in [
        (ConfigOption::Signer, elsewhere),
        (ConfigOption::OcspStaple, identity.clone().with_ocsp_response(RESPONSE)),
    ] {
        let builder = ServerConfig::builder(backend(), identity.clone()).protocol_versions(supported.clone());
        options.push((vec![need.clone()], builder));
        let named = plain(&[]).sni_identity("other.example", identity);
        options.push((vec![ConfigOption::SniIdentities, need], named));
    }
    for (needs, builder) in options {
        // A suite for RSA makes no sense with this key; whether it is declared is asked all the same.
        let built = builder.build();
        if needs.iter().any(is_for_rsa) {
            honest(&pair, Side::Server, &needs, built)?;
        } else {
            honest(&pair, Side::Server, &needs, built.and_then(|config| TlsAcceptor::new(&config)))?;
        }
    }
    Ok(())
}

fn is_for_rsa(need: &ConfigOption) -> bool {
    match need {
        ConfigOption::CipherSuite(suite) => suite.name().is_some_and(|name| name.contains("_RSA_")),
        _ => false,
    }
}

pub(crate) async fn what_makes_no_sense_anywhere_is_invalid(pair: Pair) -> Result<(), Stop> {
    let client = || ClientConfig::builder(pair.client.clone());
    let only_tls13 = [CipherSuite::TLS_AES_128_GCM_SHA256];
    for (option, builder) in [
        ("cipher_suites", client().cipher_suites([])),
        ("cipher_suites", client().protocol_versions(ProtocolVersion::ALL).cipher_suites(only_tls13)),
        ("named_groups", client().named_groups([])),
        ("signature_schemes", client().signature_schemes([])),
        ("alpn", client().alpn([""])),
        ("alpn", client().alpn([vec![b'x'; 256]])),
        ("handshake_time_limit", client().handshake_time_limit(std::time::Duration::ZERO)),
    ] {
        is_invalid(option, builder.build())?;
    }
    let root = Authority::root();
    let server = || ServerConfig::builder(pair.server.clone(), root.issue(Leaf::server()));
    is_invalid("alpn", server().alpn([""]).build())?;
    let required = server().client_authentication(ClientAuthentication::Required);
    is_invalid("client_authentication", required.build())?;
    is_invalid("client_authentication", server().client_roots(root.roots()).build())
}

/// Goes on if the option is refused, whatever backend it is for.
pub(crate) fn is_invalid<T>(expected: &str, built: Result<T, ConfigError>) -> Result<(), Stop> {
    match built {
        Err(ConfigError::Invalid { option, .. }) => ensure_eq(option, expected, "the option that is invalid"),
        Err(error) => failed(format!("{expected} must be Invalid, and is {error:?}")),
        Ok(_) => failed(format!("{expected} must be Invalid, and is taken")),
    }
}

pub(crate) async fn what_is_declared_makes_sense(pair: Pair) -> Result<(), Stop> {
    for side in [Side::Client, Side::Server] {
        let role: &RoleCapabilities = pair.role(side);
        ensure(!role.versions.is_empty(), || format!("{side:?}: no version at all"))?;
        ensure(role.cipher_suites.iter().all(|suite| suite.version().is_some()), || {
            format!("{side:?}: a suite has no name in polytls: {:?}", role.cipher_suites)
        })?;
        for version in &role.versions {
            let some = role.cipher_suites.iter().any(|suite| suite.version() == Some(*version));
            ensure(some || !role.cipher_suite_choice, || format!("{side:?}: no suite for {version}"))?;
        }
        no_doubles(&role.cipher_suites)?;
        no_doubles(&role.named_groups)?;
        no_doubles(&role.signature_schemes)?;
    }
    Ok(())
}

fn no_doubles<T: PartialEq + std::fmt::Debug>(list: &[T]) -> Result<(), Stop> {
    let doubled = list.iter().enumerate().find(|(at, item)| list[..*at].contains(item));
    ensure(doubled.is_none(), || format!("declared twice: {doubled:?}"))
}

pub(crate) async fn a_verifier_alone_is_given_or_refused_as_declared(pair: Pair) -> Result<(), Stop> {
    let trust = TrustPolicy::new(Authority::root().roots());
    for side in [Side::Client, Side::Server] {
        honest(&pair, side, &[ConfigOption::VerifierAlone], pair.backend(side).verifier(&trust))?;
        if pair.declares(side, &ConfigOption::VerifierAlone) {
            let error = pair.backend(side).verifier(&TrustPolicy::new(Roots::from_der([]))).err();
            let none = matches!(error, Some(ConfigError::NoRoots { .. }));
            ensure(none, || format!("without roots it must be NoRoots, not {error:?}"))?;
        }
    }
    Ok(())
}

/// A key that fits the suite.
fn key_for(suite: CipherSuite) -> Vec<u8> {
    let short = suite.name().is_some_and(|name| name.contains("AES_128"));
    vec![7; if short { 16 } else { 32 }]
}

pub(crate) async fn record_ciphers_are_given_or_refused_as_declared(pair: Pair) -> Result<(), Stop> {
    for side in [Side::Client, Side::Server] {
        for &suite in CipherSuite::NAMED {
            let backend: &Arc<dyn Backend> = pair.backend(side);
            let built = backend.record_cipher(suite, RecordKey::new(&key_for(suite)));
            honest(&pair, side, &[ConfigOption::RecordCipher(suite)], built)?;
            let wrong = backend.record_cipher(suite, RecordKey::new(&[7; 5]));
            ensure(wrong.is_err(), || format!("{suite} takes a key of five bytes"))?;
        }
    }
    Ok(())
}

pub(crate) async fn record_ciphers_of_both_understand_each_other(pair: Pair) -> Result<(), Stop> {
    for &suite in CipherSuite::NAMED {
        let cipher = |side| {
            let built = pair.backend(side).record_cipher(suite, RecordKey::new(&key_for(suite)));
            pair.expect_supported_or_refused(side, &[ConfigOption::RecordCipher(suite)], built)
        };
        understands(&mut *cipher(Side::Client)?, &mut *cipher(Side::Server)?).at(suite)?;
        understands(&mut *cipher(Side::Server)?, &mut *cipher(Side::Client)?).at(suite)?;
    }
    Ok(())
}

fn understands(sealing: &mut dyn RecordCipher, opening: &mut dyn RecordCipher) -> Result<(), Stop> {
    let refused = |_| Stop::from(crate::Failure::new("the cipher refuses its own kind"));
    let (nonce, aad) = ([3; NONCE_LEN], b"header");
    for length in [0, 1, 15, 16, 17, 1_000, 16_384] {
        let plaintext = crate::random::Random::new(9).bytes(length);
        let mut sealed = vec![0; length + 1 + TAG_LEN];
        sealing.seal(nonce, aad, &plaintext, &[23], &mut sealed).map_err(refused)?;
        let mut in_place = [plaintext.as_slice(), &[23], &[0; TAG_LEN]].concat();
        sealing.seal_in_place(nonce, aad, &mut in_place).map_err(refused)?;
        ensure(sealed == in_place, || "sealing in place gives other bytes".into())?;
        let mut opened = vec![0; length + 1];
        opening.open(nonce, aad, &sealed, &mut opened).map_err(refused)?;
        ensure(opened == [plaintext.as_slice(), &[23]].concat(), || "other bytes were opened".into())?;
        opening.open_in_place(nonce, aad, &mut in_place).map_err(refused)?;
        ensure(in_place[..=length] == opened, || "opening in place gives other bytes".into())?;
        refuses_changes(opening, nonce, aad, &sealed, &plaintext)?;
    }
    Ok(())
}

fn refuses_changes(
    opening: &mut dyn RecordCipher,
    nonce: [u8; NONCE_LEN],
    aad: &[u8],
    sealed: &[u8],
    plaintext: &[u8],
) -> Result<(), Stop> {
    let opened = &mut *vec![0; sealed.len() - TAG_LEN];
    for changed in [0, sealed.len() / 2, sealed.len() - 1] {
        opened.fill(0);
        let mut sealed = sealed.to_vec();
        sealed[changed] ^= 0x10;
        let taken = opening.open(nonce, aad, &sealed, opened).is_ok();
        ensure(!taken, || format!("a change of byte {changed} was not noticed"))?;
        let left = opened.iter().zip(plaintext).filter(|(left, plain)| left == plain).count();
        // Some bytes are the same by chance.
        ensure(left <= 10 + opened.len() / 16, || "plaintext is left after a refusal".into())?;
    }
    ensure(opening.open([4; NONCE_LEN], aad, sealed, opened).is_err(), || "any nonce opens it".into())?;
    ensure(opening.open(nonce, b"another", sealed, opened).is_err(), || "any header opens it".into())?;
    let short = opening.open(nonce, aad, &sealed[..TAG_LEN - 1], &mut []).is_err();
    ensure(short, || "what is shorter than a tag opens".into())
}

pub(crate) async fn backends_side_by_side_do_not_disturb_each_other(pair: Pair) -> Result<(), Stop> {
    let scenes = [
        crate::scene::Scene::new(&pair)?,
        crate::scene::Scene::new(&Pair::from_arcs(pair.server.clone(), pair.client.clone()))?,
    ];
    let [first, second] = &scenes;
    let [first, second] = [first.ends()?, second.ends()?];
    let connections = tokio::try_join!(first.connect(), second.connect(), first.connect(), second.connect())?;
    let ((mut a, mut b), (mut c, mut d), (mut e, mut f), (mut g, mut h)) = connections;
    for _ in 0..3 {
        crate::scene::exchange(&mut a, &mut b).await?;
        crate::scene::exchange(&mut g, &mut h).await?;
        crate::scene::exchange(&mut c, &mut d).await?;
        crate::scene::exchange(&mut e, &mut f).await?;
    }
    Ok(())
}
