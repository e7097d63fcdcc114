//! Verdicts that take their time: while one is pending, no byte of application data passes in either direction.

use std::{cell::RefCell, rc::Rc};

use polytls_api::{Error, ErrorKind, HandshakeError};

use crate::{
    Pair,
    behaviour::{Stop, ensure, ensure_eq, failed},
    certificates::ensure_fault,
    pair::Side,
    pipe::{Wire, pipe},
    probe::{Probe, refusal, with_client_verifier, with_verifier},
    quiet::{Quiet, Rest},
    scene::{Ends, Scene, Stream, exchange},
};

/// What became of a handshake so far; `None` while it runs.
type Slot = Rc<RefCell<Option<Result<Stream, Error>>>>;

/// How both sides' handshakes ended.
struct Outcomes {
    client: Result<Stream, Error>,
    server: Result<Stream, Error>,
}

/// A handshake that stands still at its verifier, is looked at, and goes on once the gate is open.
fn at_the_gate(
    ends: &Ends,
    probe: &Probe,
    waiting: impl FnOnce(&Slot, &Slot) -> Result<(), Stop>,
) -> Result<Outcomes, Stop> {
    let (near, far) = pipe(Wire::default(), Wire::default());
    let (client, server) = (Slot::default(), Slot::default());
    let mut tasks = Quiet::new();
    tasks.add(async {
        let outcome = ends.connector.connect(&ends.name, near).await;
        *client.borrow_mut() = Some(outcome.map_err(HandshakeError::into_error));
    });
    tasks.add(async {
        let outcome = ends.acceptor.accept(far).await;
        *server.borrow_mut() = Some(outcome.map_err(HandshakeError::into_error));
    });
    ensure_eq(tasks.run(), Rest::Stalled, "the handshake while its verifier thinks")?;
    ensure_eq(probe.asked(), 1, "how often the verifier was asked")?;
    waiting(&client, &server)?;
    probe.open();
    ensure_eq(tasks.run(), Rest::Done, "the handshake after the verdict")?;
    drop(tasks);
    match (client.take(), server.take()) {
        (Some(client), Some(server)) => Ok(Outcomes { client, server }),
        _ => failed("a side has no outcome"),
    }
}

pub(crate) async fn nothing_passes_before_a_slow_verdict_on_a_server(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Ok(()), false);
        let ends = with_verifier(&scene, probe.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, &probe, |client, server| {
            ensure(client.borrow().is_none(), || "the client was done before the verdict".into())?;
            // The client's Finished is among what must not leave, so the server cannot be done either.
            ensure(server.borrow().is_none(), || "the server was done before the verdict".into())
        })?;
        exchange(&mut client?, &mut server?).await?;
    }
    Ok(())
}

pub(crate) async fn a_slow_refusal_of_a_server_ends_the_handshake(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Err(refusal()), false);
        let ends = with_verifier(&scene, probe.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, &probe, |client, server| {
            ensure(client.borrow().is_none() && server.borrow().is_none(), || {
                "done before the verdict".into()
            })
        })?;
        ended_with(&pair, Side::Client, client, server)?;
    }
    Ok(())
}

/// One side refused; the other was told, or at least cut off, and never had a connection.
fn ended_with(
    pair: &Pair,
    side: Side,
    refusing: Result<Stream, Error>,
    refused: Result<Stream, Error>,
) -> Result<(), Stop> {
    let Err(error) = refusing else { return failed(format!("the {side:?} went on after the refusal")) };
    ensure_fault(pair, side, &error, &refusal())?;
    match refused.map_err(|error| error.kind().clone()) {
        // In TLS 1.3 a client is done before the server has looked at its certificate.
        Ok(_) if side == Side::Server => Ok(()),
        Err(ErrorKind::AlertReceived(_) | ErrorKind::UnexpectedEof) => Ok(()),
        other => failed(format!("the peer must be told or cut off, and has {other:?}")),
    }
}

pub(crate) async fn nothing_passes_before_a_slow_verdict_on_a_client(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Ok(()), false);
        let ends = with_client_verifier(&scene, probe.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, &probe, |_, server| {
            ensure(server.borrow().is_none(), || "the server was done before the verdict".into())
        })?;
        exchange(&mut client?, &mut server?).await?;
    }
    Ok(())
}

pub(crate) async fn a_slow_refusal_of_a_client_ends_the_handshake(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Err(refusal()), false);
        let ends = with_client_verifier(&scene, probe.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, &probe, |_, server| {
            ensure(server.borrow().is_none(), || "the server was done before the verdict".into())
        })?;
        ended_with(&pair, Side::Server, server, client)?;
    }
    Ok(())
}

pub(crate) async fn a_handshake_dropped_while_its_verifier_thinks_ends_the_peers(
    pair: Pair,
) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Ok(()), false);
        let ends = with_verifier(&scene, probe.clone())?;
        let (near, far) = pipe(Wire::default(), Wire::default());
        let server = async { ends.acceptor.accept(far).await.map_err(HandshakeError::into_error) };
        let client = async {
            let connecting = ends.connector.connect(&ends.name, near);
            // The gate stays shut: only dropping the handshake ends it.
            tokio::select! {
                biased;
                _ = connecting => failed("the client went on without a verdict"),
                () = asked(&probe) => Ok(()),
            }
        };
        let (client, server) = tokio::join!(client, server);
        client?;
        ensure(server.is_err(), || "the server had a connection with nobody".into())?;
    }
    Ok(())
}

async fn asked(probe: &Probe) {
    while probe.asked() == 0 {
        tokio::task::yield_now().await;
    }
}
