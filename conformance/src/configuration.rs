//! Options that both roles have, and what contradicts itself: each has one meaning on every backend.

use std::{sync::Arc, time::Duration};

use polytls_api::{
    CertificateError, CipherSuite, ClientAuthentication, ClientConfig, ClientConfigBuilder, ConfigOption,
    DangerAcceptAnyCertificate, ErrorKind, MemorySessionStore, NamedGroup, ProtocolVersion, RecordSizing,
    RevocationPolicy, Roots, ServerConfig, ServerConfigBuilder, SignatureScheme, TrustPolicy,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    capabilities::is_invalid,
    certificates::{ensure_fault, refuses_server},
    identities::Chooser,
    negotiation::with_groups,
    pair::Side,
    pipe::{Wire, pipe},
    pki::{Authority, Key, Leaf, Validity},
    quiet::{Quiet, Rest},
    scene::{Ends, Scene, Stream, ensure_kind, exchange, pass},
    wire::{Hello, records},
};

/// The hello that a client begins with.
fn first_hello(ends: &Ends) -> Result<Hello, Stop> {
    let (near, _far) = pipe(Wire::default(), Wire::default());
    let written = near.writing();
    let mut tasks = Quiet::new();
    tasks.add(async {
        // Nobody answers.
        let _ = ends.connector.connect(&ends.name, near).await;
    });
    ensure_eq(tasks.run(), Rest::Stalled, "a client that is not answered")?;
    Hello::of_client(&written.take_waiting())
}

pub(crate) async fn a_client_offers_its_groups_in_order(pair: Pair) -> Result<(), Stop> {
    for groups in [
        [NamedGroup::SECP384R1, NamedGroup::X25519],
        [NamedGroup::X25519, NamedGroup::SECP384R1],
        [NamedGroup::X25519MLKEM768, NamedGroup::SECP256R1],
    ] {
        let hello = first_hello(&with_groups(&pair, ProtocolVersion::Tls13, &groups, &groups)?)?;
        ensure_eq(hello.groups(), groups.map(NamedGroup::code).to_vec(), "the groups in the hello")?;
        ensure_eq(hello.first_share(), Some(groups[0].code()), "the group of the first key share")?;
    }
    Ok(())
}

pub(crate) async fn the_clients_first_group_is_taken_where_the_server_has_it(pair: Pair) -> Result<(), Stop> {
    let orders = [[NamedGroup::SECP256R1, NamedGroup::X25519], [NamedGroup::X25519, NamedGroup::SECP256R1]];
    for order in orders {
        let ends = with_groups(&pair, ProtocolVersion::Tls13, &order, &order)?;
        negotiates_group(&ends, order[0]).await.at(format!("{order:?}"))?;
    }
    Ok(())
}

pub(crate) async fn a_share_that_the_server_takes_needs_no_second_hello(pair: Pair) -> Result<(), Stop> {
    let clients = [NamedGroup::X25519, NamedGroup::SECP256R1];
    let servers = [NamedGroup::SECP256R1, NamedGroup::X25519];
    let ends = with_groups(&pair, ProtocolVersion::Tls13, &clients, &servers)?;
    negotiates_group(&ends, NamedGroup::X25519).await
}

pub(crate) async fn unset_lists_are_the_documented_ones(pair: Pair) -> Result<(), Stop> {
    let hello = first_hello(&Scene::in_version(&pair, ProtocolVersion::Tls13)?.ends()?)?;
    let role = pair.role(Side::Client);
    if role.named_group_choice {
        let default = NamedGroup::DEFAULT.iter().filter(|group| role.named_groups.contains(group));
        let default: Vec<_> = default.map(|group| group.code()).collect();
        ensure_eq(hello.first_share(), default.first().copied(), "the group of the first key share")?;
        ensure_eq(hello.groups(), default, "the groups in the hello")?;
    }
    if role.signature_scheme_choice {
        let default = SignatureScheme::DEFAULT.iter().filter(|one| role.signature_schemes.contains(one));
        let default: Vec<_> = default.map(|scheme| scheme.code()).collect();
        ensure_eq(hello.schemes(), default, "the schemes in the hello")?;
    }
    Ok(())
}

async fn negotiates_group(ends: &Ends, group: NamedGroup) -> Result<(), Stop> {
    let (mut client, mut server) = ends.connect().await?;
    ensure_eq(client.info().named_group, Some(group), "the client's group")?;
    ensure_eq(server.info().named_group, Some(group), "the server's group")?;
    exchange(&mut client, &mut server).await
}

pub(crate) async fn a_post_quantum_group_is_negotiated(pair: Pair) -> Result<(), Stop> {
    let hybrid = [NamedGroup::X25519MLKEM768, NamedGroup::X25519];
    let ends = with_groups(&pair, ProtocolVersion::Tls13, &hybrid, &hybrid)?;
    negotiates_group(&ends, NamedGroup::X25519MLKEM768).await?;
    // With a server that lacks it, the client's second will do.
    let ends = with_groups(&pair, ProtocolVersion::Tls13, &hybrid, &hybrid[1..])?;
    negotiates_group(&ends, NamedGroup::X25519).await
}

fn needs_of_schemes(schemes: &[SignatureScheme]) -> Vec<ConfigOption> {
    let each = schemes.iter().copied().map(ConfigOption::SignatureScheme);
    [ConfigOption::SignatureSchemes].into_iter().chain(each).collect()
}

pub(crate) async fn a_client_offers_its_schemes_in_order(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    for schemes in [
        [SignatureScheme::ED25519, SignatureScheme::ECDSA_SECP256R1_SHA256],
        [SignatureScheme::ECDSA_SECP256R1_SHA256, SignatureScheme::RSA_PSS_RSAE_SHA256],
    ] {
        let connector =
            scene.connector(&needs_of_schemes(&schemes), |client| client.signature_schemes(schemes))?;
        let hello = first_hello(&Ends::new(connector, scene.acceptor(&[], |server| server)?))?;
        ensure_eq(hello.schemes(), schemes.map(SignatureScheme::code).to_vec(), "the schemes in the hello")?;
    }
    Ok(())
}

pub(crate) async fn a_server_signs_with_whatever_scheme_is_accepted(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.issue(Leaf::server().key(Key::Rsa2048));
        let scene = scene.presenting(identity);
        for scheme in [
            SignatureScheme::RSA_PSS_RSAE_SHA256,
            SignatureScheme::RSA_PSS_RSAE_SHA384,
            SignatureScheme::RSA_PSS_RSAE_SHA512,
        ] {
            // The root signed with the other.
            let schemes = [scheme, SignatureScheme::ECDSA_SECP256R1_SHA256];
            let connector =
                scene.connector(&needs_of_schemes(&schemes), |client| client.signature_schemes(schemes))?;
            let ends = Ends::new(connector, scene.acceptor(&[], |server| server)?);
            let (mut client, mut server) = ends.connect().await.at(scheme)?;
            exchange(&mut client, &mut server).await?;
        }
    }
    Ok(())
}

/// The least limit that may be set.
const SIZE_LIMIT: usize = 8 * 1024;

pub(crate) async fn a_server_that_sends_too_much_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let long = scene.root.issue(Leaf::server().bulky());
        let connector = scene.connector(&[], |client| client.handshake_size_limit(SIZE_LIMIT))?;
        let short = Ends::new(connector.clone(), scene.acceptor(&[], |server| server)?);
        short.connect().await.at("a chain within the limit")?;
        let scene = scene.presenting(long);
        let failures = Ends::new(connector, scene.acceptor(&[], |server| server)?).failure()?;
        let exceeded = |kind: &ErrorKind| *kind == ErrorKind::LimitExceeded;
        ensure_kind("client", &failures.client, exceeded, "LimitExceeded")?;
        scene.ends()?.connect().await.at("a chain within the limit that is there unless set")?;
    }
    Ok(())
}

pub(crate) async fn a_client_that_sends_too_much_is_refused(pair: Pair) -> Result<(), Stop> {
    let mode = ClientAuthentication::Required;
    for scene in Scene::in_each_version(&pair)? {
        let roots = scene.root.roots();
        let acceptor = scene.acceptor(&[ConfigOption::ClientAuthentication(mode)], |server| {
            server.client_authentication(mode).client_roots(roots).handshake_size_limit(SIZE_LIMIT)
        })?;
        for (leaf, fits) in [(Leaf::client(), true), (Leaf::client().bulky(), false)] {
            let identity = scene.root.issue(leaf);
            let connector =
                scene.connector(&[ConfigOption::ClientIdentity], |client| client.identity(identity))?;
            let ends = Ends::new(connector, acceptor.clone());
            if fits {
                ends.connect().await.at("a chain within the limit")?;
                continue;
            }
            let failures = ends.failure()?;
            let exceeded = |kind: &ErrorKind| *kind == ErrorKind::LimitExceeded;
            ensure_kind("server", &failures.server, exceeded, "LimitExceeded")?;
        }
    }
    Ok(())
}

pub(crate) async fn a_client_keeps_to_its_size_of_records(pair: Pair) -> Result<(), Stop> {
    keeps_to_its_size(&pair, Side::Client).await
}

pub(crate) async fn a_server_keeps_to_its_size_of_records(pair: Pair) -> Result<(), Stop> {
    keeps_to_its_size(&pair, Side::Server).await
}

async fn keeps_to_its_size(pair: &Pair, side: Side) -> Result<(), Stop> {
    // So that no clock decides how long a record is.
    const FULL: RecordSizing = RecordSizing::Full;
    for scene in Scene::in_each_version(pair)? {
        // Several certificates, so that the handshake has messages longer than a record too.
        let identity = scene.root.intermediate().intermediate().issue(Leaf::server());
        let scene = scene.presenting(identity);
        for most in [512, 1_000, 16_384] {
            let needs = [ConfigOption::MaxRecordPlaintext];
            let ends = match side {
                Side::Client => Ends::new(
                    scene
                        .connector(&needs, |client| client.max_record_plaintext(most).record_sizing(FULL))?,
                    scene.acceptor(&[], |server| server.record_sizing(FULL))?,
                ),
                Side::Server => Ends::new(
                    scene.connector(&[], |client| client.record_sizing(FULL))?,
                    scene.acceptor(&needs, |server| server.max_record_plaintext(most).record_sizing(FULL))?,
                ),
            };
            let (mut client, mut server) = ends.connect_over(Wire::recorded(), Wire::recorded()).await?;
            match side {
                Side::Client => sends_records_of(&mut client, &mut server, most).await,
                Side::Server => sends_records_of(&mut server, &mut client, most).await,
            }
            .at(format!("{most} bytes, {:?}", scene.versions))?;
        }
    }
    Ok(())
}

/// Goes on if no record that was sent has more plaintext than this, and data fills them.
async fn sends_records_of(from: &mut Stream, to: &mut Stream, most: usize) -> Result<(), Stop> {
    pass(from, to, &vec![7; 100_000]).await?;
    let expansion = match from.info().cipher_suite {
        // RFC 8446 §5.2: the content type, and the tag.
        Some(suite) if suite.version() == Some(ProtocolVersion::Tls13) => 1 + 16,
        // RFC 7905 §2: the tag.
        Some(
            CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ) => 16,
        // RFC 5288 §3: the explicit nonce, and the tag.
        _ => 8 + 16,
    };
    let recorded = from.io().writing().take_recorded();
    let longest = records(&recorded)?.iter().map(|record| record.fragment.len()).max();
    ensure_eq(longest, Some(most + expansion), "the longest record that was sent")
}

pub(crate) async fn small_records_come_first_unless_full_ones_are_asked_for(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        for side in [Side::Client, Side::Server] {
            let small = first_records(&scene, side, RecordSizing::default()).await?;
            let full = first_records(&scene, side, RecordSizing::Full).await?;
            // No suite adds more than 64 bytes to the 1,399 of a small record.
            let are_small = small.iter().all(|length| *length <= 1_399 + 64);
            ensure(small.len() == 40 && are_small, || format!("small first: {small:?}"))?;
            ensure(full.len() == 4, || format!("full: {full:?}"))?;
        }
    }
    Ok(())
}

/// The lengths of the records in which a side that has sent one byte of data sends 55,000 more.
async fn first_records(scene: &Scene, side: Side, sizing: RecordSizing) -> Result<Vec<usize>, Stop> {
    let ends = Ends::new(
        scene.connector(&[], |client| client.record_sizing(sizing))?,
        scene.acceptor(&[], |server| server.record_sizing(sizing))?,
    );
    let (mut client, mut server) = ends.connect_over(Wire::recorded(), Wire::recorded()).await?;
    let (from, to) = match side {
        Side::Client => (&mut client, &mut server),
        Side::Server => (&mut server, &mut client),
    };
    // What comes before data: the rest of the handshake, and tickets.
    pass(from, to, b"x").await?;
    from.io().writing().take_recorded();
    pass(from, to, &[7; 55_000]).await?;
    let recorded = from.io().writing().take_recorded();
    Ok(records(&recorded)?.iter().map(|record| record.fragment.len()).collect())
}

pub(crate) async fn no_roots_trust_nobody(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let connector =
            scene.connector(&[ConfigOption::ExplicitRoots], |client| client.roots(Roots::None))?;
        let issued = Ends::new(connector.clone(), scene.acceptor(&[], |server| server)?);
        refuses_server(&pair, &issued, &CertificateError::UnknownIssuer)?;
        let scene = scene.presenting(Leaf::server().self_signed());
        let self_signed = Ends::new(connector, scene.acceptor(&[], |server| server)?);
        refuses_server(&pair, &self_signed, &CertificateError::SelfSigned)?;
    }
    Ok(())
}

pub(crate) async fn no_roots_trust_no_client(pair: Pair) -> Result<(), Stop> {
    let mode = ClientAuthentication::Required;
    for scene in Scene::in_each_version(&pair)? {
        let acceptor = scene.acceptor(&[ConfigOption::ClientAuthentication(mode)], |server| {
            server.client_authentication(mode).client_roots(Roots::None)
        })?;
        let identity = scene.root.issue(Leaf::client());
        let connector =
            scene.connector(&[ConfigOption::ClientIdentity], |client| client.identity(identity))?;
        let failures = Ends::new(connector, acceptor).failure()?;
        ensure_fault(&pair, Side::Server, &failures.server, &CertificateError::UnknownIssuer)?;
    }
    Ok(())
}

pub(crate) async fn a_client_with_no_roots_and_a_verifier_asks_the_verifier(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let needs = [ConfigOption::ExplicitRoots, ConfigOption::Verifier];
        let connector = scene.connector(&needs, |client| {
            client.roots(Roots::None).verifier(Arc::new(DangerAcceptAnyCertificate))
        })?;
        let ends = Ends::new(connector, scene.acceptor(&[], |server| server)?);
        let (mut client, mut server) = ends.connect().await?;
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn what_is_unset_has_its_documented_value(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let ends = scene.ends()?;
    let (client, server) = (ends.connector.config(), ends.acceptor.config());
    for settings in [client.protocol(), server.protocol()] {
        ensure_eq(settings.handshake_size_limit(), 256 * 1024, "the limit on the size of handshakes")?;
        ensure_eq(settings.max_record_plaintext(), None, "the limit on the size of records")?;
    }
    ensure_eq(server.tickets(), 2, "the number of tickets")?;
    ensure_eq(server.session_lifetime(), Duration::from_secs(2 * 60 * 60), "the lifetime of sessions")?;
    ensure_eq(server.max_early_data(), 0, "the early data that a server takes")?;
    ensure_eq(client.early_data(), false, "whether a client sends early data")?;
    ensure_eq(client.sni(), true, "whether a client sends the name")?;
    ensure(client.revocation().is_none() && server.client_revocation().is_none(), || {
        "there is a policy of revocation".into()
    })
}

pub(crate) async fn a_clients_contradictions_are_errors(pair: Pair) -> Result<(), Stop> {
    type Change = fn(ClientConfigBuilder) -> ClientConfigBuilder;
    let crl = || Authority::root().crl(Validity::Now, &[]);
    let changes: [(&str, Change); 11] = [
        ("protocol_versions", |client| client.protocol_versions([])),
        ("max_record_plaintext", |client| client.max_record_plaintext(511)),
        ("max_record_plaintext", |client| client.max_record_plaintext(16_385)),
        ("handshake_size_limit", |client| client.handshake_size_limit(SIZE_LIMIT - 1)),
        ("session_cache_size", |client| client.session_cache_size(0)),
        ("session_cache_size", |client| client.session_cache_size(9).session_store(store())),
        ("session_store", |client| client.resumption(false).session_store(store())),
        ("early_data", |client| client.resumption(false).early_data(true)),
        ("crls", |client| client.verifier(Arc::new(DangerAcceptAnyCertificate))),
        ("crls", |client| client.revocation(RevocationPolicy::soft_fail())),
        ("revocation", |client| {
            client.verifier(Arc::new(DangerAcceptAnyCertificate)).revocation(RevocationPolicy::off())
        }),
    ];
    for (option, change) in changes {
        let client = ClientConfig::builder(pair.client.clone());
        let client = if option == "crls" { client.crls([crl()]) } else { client };
        is_invalid(option, change(client).build())?;
    }
    Ok(())
}

pub(crate) async fn a_servers_contradictions_are_errors(pair: Pair) -> Result<(), Stop> {
    type Change = fn(ServerConfigBuilder) -> ServerConfigBuilder;
    let changes: [(&str, Change); 11] = [
        ("max_record_plaintext", |server| server.max_record_plaintext(0)),
        ("handshake_size_limit", |server| server.handshake_size_limit(0)),
        ("tickets_per_connection", |server| server.tickets_per_connection(0)),
        ("tickets_per_connection", |server| server.tickets_per_connection(17)),
        ("session_lifetime", |server| server.session_lifetime(Duration::from_millis(999))),
        ("session_lifetime", |server| server.session_lifetime(Duration::from_secs(7 * 86_400 + 1))),
        ("max_early_data", |server| server.max_early_data((1 << 20) + 1)),
        ("resumption", |server| server.resumption(false).tickets_per_connection(2)),
        ("resumption", |server| server.resumption(false).max_early_data(1)),
        ("session_store", |server| server.resumption(false).session_store(store())),
        ("client_authentication", |server| server.client_authentication(ClientAuthentication::Optional)),
    ];
    let root = Authority::root();
    let server = || ServerConfig::builder(pair.server.clone(), root.issue(Leaf::server()));
    for (option, change) in changes {
        is_invalid(option, change(server()).build())?;
    }
    is_invalid("client_crls", server().client_crls([root.crl(Validity::Now, &[])]).build())?;
    is_invalid("client_revocation", server().client_revocation(RevocationPolicy::hard_fail()).build())?;
    let other = || root.issue(Leaf::server());
    is_invalid("sni_identity", server().sni_identity("192.0.2.1", other()).build())?;
    let both = server().sni_identity("a.example", other()).resolver(Chooser::of(None));
    is_invalid("sni_identity", both.build())
}

fn store() -> Arc<MemorySessionStore> {
    Arc::new(MemorySessionStore::new(8))
}

pub(crate) async fn a_verifier_with_no_roots_trusts_nobody(pair: Pair) -> Result<(), Stop> {
    let built = pair.client.verifier(&TrustPolicy::new(Roots::None));
    let verifier = pair.expect_supported_or_refused(Side::Client, &[ConfigOption::VerifierAlone], built)?;
    let scene = Scene::new(&pair)?;
    let ends = crate::probe::with_verifier(&scene, verifier)?;
    refuses_server(&pair, &ends, &CertificateError::UnknownIssuer).map(drop)
}
