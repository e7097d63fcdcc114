//! ClientHello first: a server that reads what a client offers, and only then chooses who goes on.

use std::{cell::RefCell, time::Duration};

use polytls_api::{
    AlertDescription, ClientHello, ConfigOption, Error, ErrorKind, HandshakeError, HelloLimits,
    IncomingHandshake, NamedGroup, ProtocolVersion, TlsAcceptor,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::oneshot,
    time::{Instant, sleep},
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    negotiation::with_groups,
    pipe::{FuturesEnd, Pieces, PipeEnd, Wire, pipe},
    pki::{Leaf, SERVER_NAME},
    quiet::{Quiet, Rest},
    random::Random,
    resumption::insisting,
    scene::{Ends, Scene, Stream, both_to_the_end, ensure_kind, exchange, failure_of},
    wire::is_reserved,
};

/// A connection whose server chooses by the hello, the client's bytes coming over this wire.
async fn meet(
    ends: &Ends,
    there: Wire,
    choose: impl AsyncFnOnce(&ClientHello) -> Result<TlsAcceptor, Stop>,
) -> Result<(Stream, Stream), Stop> {
    let (near, far) = pipe(there, Wire::default());
    let client = async { ends.connector.connect(&ends.name, near).await.at("client") };
    let server = async {
        let incoming = IncomingHandshake::read(far, HelloLimits::default()).await.at("reading the hello")?;
        let acceptor = choose(incoming.client_hello()).await?;
        incoming.accept(&acceptor).await.at("server")
    };
    tokio::try_join!(client, server)
}

/// [`meet`] with the acceptor that the ends have, and what the client said.
async fn met(ends: &Ends) -> Result<(Stream, Stream, ClientHello), Stop> {
    let mut said = None;
    let (client, server) = meet(ends, Wire::default(), async |hello| {
        said = Some(hello.clone());
        Ok(ends.acceptor.clone())
    })
    .await?;
    match said {
        Some(hello) => Ok((client, server, hello)),
        None => failed("the server chose without a hello"),
    }
}

pub(crate) async fn a_configuration_is_chosen_by_the_server_name(pair: Pair) -> Result<(), Stop> {
    for mut scene in Scene::in_each_version(&pair)? {
        let names = ["one.example", "two.example"];
        let mut tenants = Vec::new();
        for name in names {
            scene.identity = scene.root.issue(Leaf::server_for(&[name]));
            tenants.push((name, scene.identity.clone(), scene.acceptor(&[], |server| server)?));
        }
        for (name, identity, acceptor) in &tenants {
            let connector = scene.connector(&[], |client| client)?;
            let ends = Ends::new(connector, acceptor.clone()).to(name)?;
            let (mut client, mut server) = meet(&ends, Wire::default(), async |hello| {
                let found = tenants.iter().find(|(name, ..)| hello.server_name() == Some(name));
                found.map_or_else(|| failed("no tenant of that name"), |(.., acceptor)| Ok(acceptor.clone()))
            })
            .await
            .at(name)?;
            ensure_eq(&client.info().peer_chain[..1], &identity.chain()[..1], "the certificate that came")?;
            exchange(&mut client, &mut server).await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_configuration_is_chosen_by_the_protocols_on_offer(pair: Pair) -> Result<(), Stop> {
    let needs = [ConfigOption::Alpn];
    for scene in Scene::in_each_version(&pair)? {
        let http2 = scene.acceptor(&needs, |server| server.alpn(["h2"]))?;
        let http1 = scene.acceptor(&needs, |server| server.alpn(["http/1.1"]))?;
        for (offers, expected) in [(&["http/1.1", "h2"][..], "h2"), (&["http/1.1"], "http/1.1")] {
            let connector = scene.connector(&needs, |client| client.alpn(offers.to_vec()))?;
            let ends = Ends::new(connector, http1.clone());
            let (client, server) = meet(&ends, Wire::default(), async |hello| {
                ensure(hello.alpn().eq(offers.iter().map(|name| name.as_bytes())), || {
                    format!("the hello has the client's list in its order: {hello:?}")
                })?;
                Ok(if hello.offers_protocol(b"h2") { http2.clone() } else { http1.clone() })
            })
            .await?;
            ensure_eq(client.info().alpn_str(), Some(expected), "the client's protocol")?;
            ensure_eq(server.info().alpn_str(), Some(expected), "the server's protocol")?;
        }
    }
    Ok(())
}

pub(crate) async fn a_configuration_is_chosen_by_the_versions_on_offer(pair: Pair) -> Result<(), Stop> {
    let mut scene = Scene::new(&pair)?;
    let mut servers = Vec::new();
    for version in pair.versions()? {
        scene.versions = vec![version];
        servers.push((version, scene.acceptor(&[], |server| server)?));
    }
    for (version, acceptor) in &servers {
        scene.versions = vec![*version];
        let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor.clone());
        let (client, server) = meet(&ends, Wire::default(), async |hello| {
            let found = servers.iter().find(|(version, _)| hello.offers_version(*version));
            found.map_or_else(|| failed("no version on offer"), |(_, acceptor)| Ok(acceptor.clone()))
        })
        .await
        .at(version)?;
        ensure_eq(client.info().version, Some(*version), "the client's version")?;
        ensure_eq(server.info().version, Some(*version), "the server's version")?;
    }
    Ok(())
}

pub(crate) async fn a_backend_is_chosen_too(pair: Pair) -> Result<(), Stop> {
    // The client's backend as a second server.
    let other = Pair::from_arcs(pair.client.clone(), pair.client.clone());
    for mut scene in Scene::in_each_version(&pair)? {
        scene.identity = scene.root.issue(Leaf::server_for(&["one.example", "two.example"]));
        let connector = scene.connector(&[], |client| client)?;
        let first = scene.acceptor(&[], |server| server)?;
        scene.pair = other.clone();
        let second = scene.acceptor(&[], |server| server)?;
        for (name, backend) in [("one.example", &pair.server), ("two.example", &pair.client)] {
            let ends = Ends::new(connector.clone(), first.clone()).to(name)?;
            let (mut client, mut server) = meet(&ends, Wire::default(), async |hello| {
                Ok(if hello.server_name() == Some("one.example") { first.clone() } else { second.clone() })
            })
            .await
            .at(name)?;
            ensure_eq(&*server.info().backend, &backend.info(), "the backend that serves the name")?;
            exchange(&mut client, &mut server).await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_hello_may_come_byte_by_byte(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for wire in [Wire::pieces(Pieces::UpTo(1)), Wire::pieces(Pieces::Random(7)), Wire::spurious()] {
            let (mut client, mut server) = meet(&ends, wire, async |_| Ok(ends.acceptor.clone())).await?;
            exchange(&mut client, &mut server).await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_hello_may_fill_many_records(pair: Pair) -> Result<(), Stop> {
    let needs = [ConfigOption::Alpn];
    // RFC 7301 §3.1: a name has up to 255 bytes. All of them make 25 KB.
    let mut names = vec![b"h2".to_vec()];
    names.extend((0..100).map(|number| format!("{number:0>250}").into_bytes()));
    for scene in Scene::in_each_version(&pair)? {
        let connector = scene.connector(&needs, |client| client.alpn(names.clone()))?;
        let ends = Ends::new(connector, scene.acceptor(&needs, |server| server.alpn(["h2"]))?);
        let (mut client, mut server, hello) = met(&ends).await?;
        ensure(hello.alpn().eq(names.iter().map(Vec::as_slice)), || "the hello has every protocol".into())?;
        ensure_eq(server.info().alpn_str(), Some("h2"), "the server's protocol")?;
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn nothing_is_sent_while_the_server_chooses(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let (near, far) = pipe(Wire::default(), Wire::default());
        let answer = far.writing();
        let (decide, decision) = oneshot::channel::<()>();
        let (client, server) = (RefCell::new(None), RefCell::new(None));
        let mut tasks = Quiet::new();
        tasks.add(async {
            let outcome = ends.connector.connect(&ends.name, near).await;
            *client.borrow_mut() = Some(outcome.map_err(HandshakeError::into_error));
        });
        tasks.add(async {
            let outcome = accept_after(far, &ends.acceptor, decision).await;
            *server.borrow_mut() = Some(outcome.map_err(HandshakeError::into_error));
        });
        ensure_eq(tasks.run(), Rest::Stalled, "both sides while the server chooses")?;
        ensure_eq(answer.written(), 0, "bytes sent before the choice")?;
        ensure(client.borrow().is_none(), || "the client was done before the choice".into())?;
        drop(decide);
        ensure_eq(tasks.run(), Rest::Done, "both sides after the choice")?;
        drop(tasks);
        match (client.take(), server.take()) {
            (Some(client), Some(server)) => exchange(&mut client?, &mut server?).await?,
            _ => return failed("a side has no outcome"),
        }
    }
    Ok(())
}

async fn accept_after(
    io: PipeEnd,
    acceptor: &TlsAcceptor,
    decision: oneshot::Receiver<()>,
) -> Result<Stream, HandshakeError<PipeEnd>> {
    let incoming = IncomingHandshake::read(io, HelloLimits::default().danger_no_time_limit()).await?;
    // Its end is the decision.
    let _ = decision.await;
    incoming.accept(acceptor).await
}

pub(crate) async fn the_hello_agrees_with_what_is_negotiated(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (client, server, hello) = met(&scene.ends()?).await?;
        let info = server.info();
        ensure_eq(hello.server_name(), Some(SERVER_NAME), "the name in the hello")?;
        ensure_eq(hello.server_name(), info.server_name.as_deref(), "the name that the server reports")?;
        ensure_eq(hello.protocol_versions().collect(), scene.versions.clone(), "the versions in the hello")?;
        ensure(info.cipher_suite.is_some_and(|suite| hello.cipher_suites().contains(&suite)), || {
            format!("the suite was on offer: {:?} in {hello:?}", info.cipher_suite)
        })?;
        ensure(info.named_group.is_none_or(|group| hello.named_groups().contains(&group)), || {
            format!("the group was on offer: {:?} in {hello:?}", info.named_group)
        })?;
        let tls13 = scene.versions == [ProtocolVersion::Tls13];
        ensure_eq(hello.key_share_groups().is_empty(), !tls13, "whether key shares are missing")?;
        ensure(!hello.signature_schemes().is_empty(), || "a client says what it accepts".into())?;
        let sent = client.io().writing().written();
        ensure_eq(
            info.handshake_bytes_received,
            sent,
            "bytes that the server counted, the hello's included",
        )?;
        ensure_eq(info.handshake_bytes_sent, server.io().writing().written(), "bytes that the server sent")?;
    }
    Ok(())
}

pub(crate) async fn a_client_has_one_fingerprint(pair: Pair) -> Result<(), Stop> {
    for mut scene in Scene::in_each_version(&pair)? {
        let names = ["one.example", "two.example"];
        scene.identity = scene.root.issue(Leaf::server_for(&names));
        let mut fingerprints = Vec::new();
        for name in names {
            let (.., hello) = met(&scene.ends()?.to(name)?).await?;
            fingerprints.push(hello.ja4());
        }
        let version = if scene.versions == [ProtocolVersion::Tls13] { "t13d" } else { "t12d" };
        ensure(fingerprints[0].starts_with(version) && fingerprints[0].len() == 36, || {
            format!("not a fingerprint of {version}: {}", fingerprints[0])
        })?;
        ensure_eq(&fingerprints[1], &fingerprints[0], "the fingerprint at another name")?;
    }
    Ok(())
}

pub(crate) async fn sessions_are_resumed_behind_a_choice(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = insisting(&scene)?;
        for resumed in [false, true] {
            let (mut client, mut server, hello) = met(&ends).await?;
            ensure_eq(client.info().resumed, Some(resumed), "whether the client resumed")?;
            ensure_eq(server.info().resumed, Some(resumed), "whether the server resumed")?;
            let ticket = hello.session_ticket().is_some_and(|ticket| !ticket.is_empty());
            let session =
                ticket || hello.psk_identities().next().is_some() || !hello.legacy_session_id().is_empty();
            ensure(session || !resumed, || format!("a client that resumes names a session: {hello:?}"))?;
            exchange(&mut client, &mut server).await?;
            server.shutdown().await?;
            client.shutdown().await?;
            ensure_eq(client.read(&mut [0; 1]).await?, 0, "what comes after close_notify")?;
        }
    }
    Ok(())
}

pub(crate) async fn a_second_hello_goes_to_the_chosen_server(pair: Pair) -> Result<(), Stop> {
    // As with a HelloRetryRequest without a choice: the client's first guess is not the server's group.
    let clients = [NamedGroup::X25519, NamedGroup::SECP384R1];
    let ends = with_groups(&pair, ProtocolVersion::Tls13, &clients, &[NamedGroup::SECP384R1])?;
    let (mut client, mut server, hello) = met(&ends).await?;
    let shares = hello.key_share_groups().iter().copied().filter(|group| !is_reserved(group.code()));
    ensure_eq(shares.collect(), vec![NamedGroup::X25519], "the groups of the first hello's shares")?;
    ensure_eq(server.info().named_group, Some(NamedGroup::SECP384R1), "the server's group")?;
    exchange(&mut client, &mut server).await
}

pub(crate) async fn a_rejection_reaches_the_client(pair: Pair) -> Result<(), Stop> {
    let alerts = [
        AlertDescription::UNRECOGNIZED_NAME,
        AlertDescription::NO_APPLICATION_PROTOCOL,
        AlertDescription::ACCESS_DENIED,
        AlertDescription::PROTOCOL_VERSION,
    ];
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for alert in alerts {
            let (near, far) = pipe(Wire::default(), Wire::default());
            let directions = [near.reading(), near.writing()];
            let client = failure_of(ends.connector.connect(&ends.name, near));
            let server = async {
                let limits = HelloLimits::default().danger_no_time_limit();
                let io = IncomingHandshake::read(far, limits).await?.reject(alert).await?;
                Ok::<_, Stop>(io.writing().written())
            };
            let (client, sent) = both_to_the_end(&directions, client, server)?;
            let told = client.as_ref().and_then(Error::alert_received);
            ensure_eq(told, Some(alert), "the alert that the client sees")?;
            ensure_eq(sent?, 7, "bytes sent to a client that is rejected")?;
        }
    }
    Ok(())
}

/// How a client and a server that reads its hello both fail.
fn refused_hello(ends: &Ends, there: Wire) -> Result<(Option<Error>, Error), Stop> {
    let (near, far) = pipe(there, Wire::default());
    let directions = [near.reading(), near.writing()];
    let client = failure_of(ends.connector.connect(&ends.name, near));
    let server = async {
        let limits = HelloLimits::default().danger_no_time_limit();
        let incoming = IncomingHandshake::read(far, limits).await;
        incoming.map(|incoming| incoming.client_hello().clone()).map_err(HandshakeError::into_error)
    };
    match both_to_the_end(&directions, client, server)? {
        (client, Err(error)) => Ok((client, error)),
        (_, Ok(hello)) => failed(format!("it was taken for a hello: {hello:?}")),
    }
}

pub(crate) async fn a_refused_hello_is_answered_with_its_alert(pair: Pair) -> Result<(), Stop> {
    use crate::pipe::{Change, Mutation};
    let flip = |offset| Wire::mutated(Mutation { offset, change: Change::Flip });
    let unexpected = (ErrorKind::InvalidMessage, AlertDescription::UNEXPECTED_MESSAGE);
    let too_long = (ErrorKind::LimitExceeded, AlertDescription::ILLEGAL_PARAMETER);
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let cases = [
            ("another record", flip(0), unexpected.clone()),
            ("another message", flip(5), unexpected.clone()),
            // The first byte of the message's length: 4 MiB more.
            ("a hello above the limit", flip(6), too_long.clone()),
        ];
        for (what, wire, (kind, alert)) in cases {
            let (client, server) = refused_hello(&ends, wire).at(what)?;
            ensure_eq(server.kind(), &kind, what)?;
            ensure_eq(server.alert_sent(), Some(alert), "the alert that the server sent")?;
            let told = client.as_ref().and_then(Error::alert_received);
            ensure_eq(told, Some(alert), "the alert that the client sees").at(what)?;
        }
    }
    Ok(())
}

pub(crate) async fn garbage_gives_the_byte_stream_back(_: Pair) -> Result<(), Stop> {
    let mut random = Random::new(11);
    for round in 0..200 {
        let mut bytes = random.bytes(1 + round * 7);
        // Half of it looks like a record at first.
        if round % 2 == 0 {
            bytes.splice(0..0, [22, 3, 1, 0, 0]);
        }
        let (mut near, far) = pipe(Wire::default(), Wire::default());
        near.writing().inject(&bytes);
        near.writing().end();
        let Err(error) = IncomingHandshake::read(far, HelloLimits::default()).await else {
            return failed(format!("garbage was taken for a hello: {bytes:x?}"));
        };
        let (error, mut io) = error.into_parts();
        let refused = |kind: &ErrorKind| matches!(kind, ErrorKind::InvalidMessage | ErrorKind::UnexpectedEof);
        ensure_kind("server", &error, refused, "InvalidMessage")?;
        io.write_all(b"bye").await?;
        drop(io);
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await?;
        let alert = error.alert_sent().map(|alert| vec![21, 3, 3, 0, 2, 2, alert.code()]);
        ensure_eq(answer, [alert.unwrap_or_default(), b"bye".to_vec()].concat(), "what was answered")?;
    }
    Ok(())
}

const LIMIT: Duration = Duration::from_secs(7);

pub(crate) async fn a_silent_client_is_left_at_the_time_limit(_: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    for limits in [HelloLimits::default(), HelloLimits::default().time(LIMIT)] {
        let expected = if limits == HelloLimits::default() { Duration::from_secs(10) } else { LIMIT };
        let (mut near, far) = pipe(Wire::default(), Wire::default());
        let started = Instant::now();
        let drip = async {
            for byte in [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3].into_iter().chain([0; 100]) {
                sleep(Duration::from_secs(1)).await;
                near.write_all(&[byte]).await?;
            }
            failed::<()>("the server listens for ever")
        };
        let error = tokio::select! {
            outcome = IncomingHandshake::read(far, limits) => outcome.err(),
            ended = drip => return ended,
        };
        let Some(error) = error else { return failed("no hello was taken for one") };
        ensure_eq(error.error().kind(), &ErrorKind::TimedOut, "the kind of the error")?;
        ensure_eq(error.error().backend(), None, "the backend of a handshake that had none yet")?;
        let took = started.elapsed();
        ensure(took >= expected && took < expected + Duration::from_millis(100), || {
            format!("after {took:?}")
        })?;
    }
    Ok(())
}

/// What a client says first; nobody answers.
fn first_flight(ends: &Ends) -> Result<Vec<u8>, Stop> {
    let (near, far) = pipe(Wire::default(), Wire::default());
    let mut tasks = Quiet::new();
    tasks.add(async { drop(ends.connector.connect(&ends.name, near).await) });
    ensure_eq(tasks.run(), Rest::Stalled, "a client whose server is silent")?;
    Ok(far.reading().take_waiting())
}

pub(crate) async fn the_time_to_choose_is_no_part_of_any_limit(pair: Pair) -> Result<(), Stop> {
    tokio::time::pause();
    let scene = Scene::new(&pair)?;
    let acceptor = scene.acceptor(&[], |server| server.handshake_time_limit(LIMIT))?;
    let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
    let (mut client, mut server) = meet(&ends, Wire::default(), async |_| {
        sleep(LIMIT * 100).await;
        Ok(ends.acceptor.clone())
    })
    .await?;
    exchange(&mut client, &mut server).await?;
    // The acceptor's limit begins where its handshake does.
    let (near, far) = pipe(Wire::default(), Wire::default());
    near.writing().inject(&first_flight(&ends)?);
    let incoming = IncomingHandshake::read(far, HelloLimits::default()).await?;
    sleep(LIMIT * 3).await;
    let started = Instant::now();
    let Err(error) = incoming.accept(&ends.acceptor).await else { return failed("nobody had shaken hands") };
    ensure_eq(error.error().kind(), &ErrorKind::TimedOut, "the kind of the error")?;
    let took = started.elapsed();
    ensure(took >= LIMIT && took < LIMIT + Duration::from_millis(100), || format!("it ended after {took:?}"))
}

pub(crate) async fn a_connection_is_passed_on_unopened(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let (near, middle) = pipe(Wire::default(), Wire::default());
        let (mut upstream, far) = pipe(Wire::default(), Wire::default());
        let proxy = async {
            let incoming = IncomingHandshake::read(middle, HelloLimits::default()).await?;
            ensure_eq(incoming.client_hello().server_name(), Some(SERVER_NAME), "the name that decides")?;
            let (mut client, read) = incoming.into_parts();
            upstream.write_all(&read).await?;
            tokio::io::copy_bidirectional(&mut client, &mut upstream).await?;
            Ok::<_, Stop>(())
        };
        let both = async {
            let client = async { Ok::<_, Stop>(ends.connector.connect(&ends.name, near).await?) };
            let server = async { Ok::<_, Stop>(ends.acceptor.accept(far).await?) };
            let (mut client, mut server) = tokio::try_join!(client, server)?;
            exchange(&mut client, &mut server).await
        };
        tokio::try_join!(proxy, both)?;
    }
    Ok(())
}

pub(crate) async fn futures_streams_are_chosen_for_too(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let (near, far) = pipe(Wire::default(), Wire::default());
        let client =
            async { Ok::<_, Stop>(ends.connector.connect_futures(&ends.name, FuturesEnd(near)).await?) };
        let server = async {
            let incoming = IncomingHandshake::read_futures(FuturesEnd(far), HelloLimits::default()).await?;
            ensure_eq(incoming.client_hello().server_name(), Some(SERVER_NAME), "the name in the hello")?;
            Ok(incoming.accept_futures(&ends.acceptor).await?)
        };
        let (client, server) = tokio::try_join!(client, server)?;
        ensure_eq(client.info().version, server.info().version, "the version")?;
    }
    let (mut near, far) = pipe(Wire::default(), Wire::default());
    near.writing().inject(&first_flight(&Scene::new(&pair)?.ends()?)?);
    let incoming = IncomingHandshake::read_futures(FuturesEnd(far), HelloLimits::default()).await?;
    drop(incoming.reject_futures(AlertDescription::ACCESS_DENIED).await?);
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await?;
    ensure_eq(answer, vec![21, 3, 3, 0, 2, 2, 49], "what a rejected client is sent")
}
