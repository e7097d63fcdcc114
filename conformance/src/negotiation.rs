//! What a handshake chooses: versions, suites, groups, signature schemes (RFC 8446 §4.1, §4.2).

use polytls_api::{
    AlertDescription, CipherSuite, ConfigOption, ErrorKind, NamedGroup, ProtocolVersion, SignatureScheme,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    pair::Side,
    pki::{Key, Leaf},
    scene::{Ends, Scene, ensure_kind, exchange},
};

pub(crate) async fn tls13_is_chosen_where_both_can(pair: Pair) -> Result<(), Stop> {
    negotiates(&pair, &ProtocolVersion::ALL, &ProtocolVersion::ALL, ProtocolVersion::Tls13).await
}

pub(crate) async fn tls12_is_chosen_where_it_alone_is_allowed(pair: Pair) -> Result<(), Stop> {
    let only = [ProtocolVersion::Tls12];
    negotiates(&pair, &only, &only, ProtocolVersion::Tls12).await
}

pub(crate) async fn an_older_server_brings_the_client_down_to_tls12(pair: Pair) -> Result<(), Stop> {
    negotiates(&pair, &ProtocolVersion::ALL, &[ProtocolVersion::Tls12], ProtocolVersion::Tls12).await
}

pub(crate) async fn an_older_client_brings_the_server_down_to_tls12(pair: Pair) -> Result<(), Stop> {
    negotiates(&pair, &[ProtocolVersion::Tls12], &ProtocolVersion::ALL, ProtocolVersion::Tls12).await
}

async fn negotiates(
    pair: &Pair,
    clients: &[ProtocolVersion],
    servers: &[ProtocolVersion],
    expected: ProtocolVersion,
) -> Result<(), Stop> {
    let (mut client, mut server) = with_versions(pair, clients, servers)?.connect().await?;
    ensure_eq(client.info().version, Some(expected), "the client's version")?;
    ensure_eq(server.info().version, Some(expected), "the server's version")?;
    exchange(&mut client, &mut server).await
}

fn with_versions(
    pair: &Pair,
    clients: &[ProtocolVersion],
    servers: &[ProtocolVersion],
) -> Result<Ends, Stop> {
    let mut scene = Scene::new(pair)?;
    scene.versions = clients.to_vec();
    let connector = scene.connector(&[], |client| client)?;
    scene.versions = servers.to_vec();
    Ok(Ends::new(connector, scene.acceptor(&[], |server| server)?))
}

pub(crate) async fn no_common_version_is_an_error_on_both_sides(pair: Pair) -> Result<(), Stop> {
    for (clients, servers) in
        [(ProtocolVersion::Tls12, ProtocolVersion::Tls13), (ProtocolVersion::Tls13, ProtocolVersion::Tls12)]
    {
        let failures = with_versions(&pair, &[clients], &[servers])?.failure()?;
        let incompatible = |kind: &ErrorKind| *kind == ErrorKind::PeerIncompatible;
        ensure_kind("server", &failures.server, incompatible, "PeerIncompatible")
            .at(format!("client {clients}, server {servers}"))?;
        ensure(failures.client.alert_received().is_some(), || {
            format!("the client must be told by an alert, and has {:?}", failures.client)
        })?;
    }
    Ok(())
}

pub(crate) async fn each_cipher_suite_can_be_the_only_one(pair: Pair) -> Result<(), Stop> {
    let suites = pair.common(|role| &role.cipher_suites);
    let suite = suites.first().copied().unwrap_or(CipherSuite::TLS_AES_128_GCM_SHA256);
    // Where the choice is not honoured, the first suite is enough to see it refused.
    for suite in if suites.is_empty() { vec![suite] } else { suites } {
        let Some(version) = suite.version() else { continue };
        let scene = Scene::in_version(&pair, version)?;
        let key =
            if suite.name().is_some_and(|name| name.contains("_RSA_")) { Key::Rsa2048 } else { Key::P256 };
        let identity = scene.root.issue(Leaf::server().key(key));
        let scene = scene.presenting(identity);
        let needs = [ConfigOption::CipherSuites, ConfigOption::CipherSuite(suite)];
        let connector = scene.connector(&needs, |client| client.cipher_suites([suite]))?;
        let acceptor = scene.acceptor(&needs, |server| server.cipher_suites([suite]))?;
        let (mut client, mut server) = Ends::new(connector, acceptor).connect().await.at(suite)?;
        ensure_eq(client.info().cipher_suite, Some(suite), "the client's suite")?;
        ensure_eq(server.info().cipher_suite, Some(suite), "the server's suite")?;
        exchange(&mut client, &mut server).await.at(suite)?;
    }
    Ok(())
}

pub(crate) async fn no_common_suite_is_an_error_on_both_sides(pair: Pair) -> Result<(), Stop> {
    for (version, clients, servers) in [
        (
            ProtocolVersion::Tls12,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        ),
        (ProtocolVersion::Tls13, CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_AES_256_GCM_SHA384),
    ] {
        let scene = Scene::in_version(&pair, version)?;
        let needs = |suite| [ConfigOption::CipherSuites, ConfigOption::CipherSuite(suite)];
        let connector = scene.connector(&needs(clients), |client| client.cipher_suites([clients]))?;
        let acceptor = scene.acceptor(&needs(servers), |server| server.cipher_suites([servers]))?;
        incompatible(&Ends::new(connector, acceptor)).at(version)?;
    }
    Ok(())
}

/// The server finds that nothing fits, and the client is told.
fn incompatible(ends: &Ends) -> Result<(), Stop> {
    let failures = ends.failure()?;
    let incompatible = |kind: &ErrorKind| *kind == ErrorKind::PeerIncompatible;
    ensure_kind("server", &failures.server, incompatible, "PeerIncompatible")?;
    let told = failures.client.alert_received();
    ensure_eq(told, Some(AlertDescription::HANDSHAKE_FAILURE), "the alert that the client sees")
}

pub(crate) async fn each_named_group_can_be_the_only_one(pair: Pair) -> Result<(), Stop> {
    let groups = pair.common(|role| &role.named_groups);
    let group = groups.first().copied().unwrap_or(NamedGroup::SECP256R1);
    for group in if groups.is_empty() { vec![group] } else { groups } {
        for version in pair.versions()? {
            // draft-ietf-tls-ecdhe-mlkem: hybrid groups are for TLS 1.3 only.
            if version == ProtocolVersion::Tls12 && group == NamedGroup::X25519MLKEM768 {
                continue;
            }
            let ends = with_groups(&pair, version, &[group], &[group])?;
            let (mut client, mut server) = ends.connect().await.at(group)?;
            for (side, info) in [("client", client.info()), ("server", server.info())] {
                ensure_eq(info.named_group, Some(group), &format!("the {side}'s group in {version}"))?;
            }
            exchange(&mut client, &mut server).await.at(group)?;
        }
    }
    Ok(())
}

pub(crate) fn with_groups(
    pair: &Pair,
    version: ProtocolVersion,
    clients: &[NamedGroup],
    servers: &[NamedGroup],
) -> Result<Ends, Stop> {
    let scene = Scene::in_version(pair, version)?;
    // In TLS 1.2 the groups are those of ECDSA certificates too (RFC 8422 §5.1), so that P-256 would not go with all.
    let identity = scene.root.issue(Leaf::server().key(Key::Rsa2048));
    let scene = scene.presenting(identity);
    let needs = |groups: &[NamedGroup]| {
        let each = groups.iter().copied().map(ConfigOption::NamedGroup);
        [ConfigOption::NamedGroups].into_iter().chain(each).collect::<Vec<_>>()
    };
    let connector = scene.connector(&needs(clients), |client| client.named_groups(clients.to_vec()))?;
    let acceptor = scene.acceptor(&needs(servers), |server| server.named_groups(servers.to_vec()))?;
    Ok(Ends::new(connector, acceptor))
}

pub(crate) async fn no_common_group_is_an_error_on_both_sides(pair: Pair) -> Result<(), Stop> {
    let clients = [NamedGroup::X25519];
    incompatible(&with_groups(&pair, ProtocolVersion::Tls13, &clients, &[NamedGroup::SECP384R1])?)
}

pub(crate) async fn a_hello_retry_request_leads_to_the_servers_group(pair: Pair) -> Result<(), Stop> {
    // The client sends a share of its first group only, and the server allows just the second.
    let clients = [NamedGroup::X25519, NamedGroup::SECP384R1];
    let ends = with_groups(&pair, ProtocolVersion::Tls13, &clients, &[NamedGroup::SECP384R1])?;
    let (mut client, mut server) = ends.connect().await?;
    for (side, info) in [("client", client.info()), ("server", server.info())] {
        ensure_eq(info.named_group, Some(NamedGroup::SECP384R1), &format!("the {side}'s group"))?;
    }
    exchange(&mut client, &mut server).await
}

pub(crate) async fn a_signature_scheme_not_accepted_is_not_used(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let accepted = |scheme| {
            let needs = [ConfigOption::SignatureSchemes, ConfigOption::SignatureScheme(scheme)];
            scene.connector(&needs, |client| client.signature_schemes([scheme]))
        };
        let fits = accepted(SignatureScheme::ECDSA_SECP256R1_SHA256)?;
        let acceptor = scene.acceptor(&[], |server| server)?;
        let (mut client, mut server) = Ends::new(fits, acceptor.clone()).connect().await?;
        exchange(&mut client, &mut server).await?;
        let other = Ends::new(accepted(SignatureScheme::ED25519)?, acceptor).failure()?;
        let incompatible = |kind: &ErrorKind| *kind == ErrorKind::PeerIncompatible;
        ensure_kind("server", &other.server, incompatible, "PeerIncompatible").at(scene.versions[0])?;
    }
    Ok(())
}

pub(crate) async fn both_sides_report_the_same(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (client, server) = scene.ends()?.connect().await?;
        let (client, server) = (client.info(), server.info());
        ensure_eq(client.version, server.version, "version")?;
        ensure_eq(client.cipher_suite, server.cipher_suite, "suite")?;
        ensure(client.cipher_suite.is_some(), || "no side tells the suite".into())?;
        ensure_eq(client.named_group, server.named_group, "group")?;
        ensure_eq(client.alpn.clone(), server.alpn.clone(), "application protocol")?;
        ensure_eq(client.resumed, Some(false), "a first connection's resumption, for the client")?;
        ensure_eq(server.resumed, Some(false), "a first connection's resumption, for the server")?;
    }
    Ok(())
}

pub(crate) async fn only_suites_with_an_aead_and_ephemeral_keys_are_chosen(pair: Pair) -> Result<(), Stop> {
    for key in [Key::P256, Key::Rsa2048] {
        for scene in Scene::in_each_version(&pair)? {
            let identity = scene.root.issue(Leaf::server().key(key));
            let (client, _server) = scene.presenting(identity).ends()?.connect().await?;
            let suite = client.info().cipher_suite;
            ensure(suite.is_some_and(|suite| CipherSuite::NAMED.contains(&suite)), || {
                format!("the suite has no name in polytls, so that nothing is known of it: {suite:?}")
            })?;
        }
    }
    Ok(())
}

pub(crate) async fn the_backend_that_ran_is_named(pair: Pair) -> Result<(), Stop> {
    let (client, server) = Scene::new(&pair)?.ends()?.connect().await?;
    ensure_eq(&*client.info().backend, &pair.client.info(), "the client's backend")?;
    ensure_eq(&*server.info().backend, &pair.server.info(), "the server's backend")?;
    for side in [Side::Client, Side::Server] {
        let info = pair.backend(side).info();
        ensure(!info.name.is_empty() && !info.library.is_empty() && !info.crypto.is_empty(), || {
            format!("a backend says who it is: {info:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn the_bytes_of_a_handshake_are_counted(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (client, server) = scene.ends()?.connect().await?;
        let (sent, received) = (client.io().writing().written(), server.io().writing().written());
        ensure_eq(client.info().handshake_bytes_sent, sent, "bytes sent by the client")?;
        ensure_eq(server.info().handshake_bytes_received, sent, "bytes received by the server")?;
        ensure_eq(server.info().handshake_bytes_sent, received, "bytes sent by the server")?;
        let read = client.info().handshake_bytes_received;
        // The server's tickets may still be on their way.
        ensure(read > 0 && read <= received, || format!("the client received {read} of {received} bytes"))?;
    }
    Ok(())
}

pub(crate) async fn an_identity_may_have_a_key_of_any_kind(pair: Pair) -> Result<(), Stop> {
    for key in Key::ALL {
        let (scheme, declared) = (key.schemes()[0], pair.both_sign(key));
        // Everybody has these (RFC 8446 §9.1).
        ensure(declared || !matches!(key, Key::P256 | Key::Rsa2048), || {
            format!("every backend has {scheme}")
        })?;
        for scene in Scene::in_each_version(&pair)? {
            let identity = scene.root.issue(Leaf::server().key(key));
            let scene = scene.presenting(identity);
            if declared {
                let (mut client, mut server) = scene.ends()?.connect().await.at(scheme)?;
                exchange(&mut client, &mut server).await.at(scheme)?;
            }
        }
    }
    Ok(())
}
