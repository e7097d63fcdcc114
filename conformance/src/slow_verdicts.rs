//! Verdicts that take their time: while one is pending, no byte of application data passes in either direction.

use polytls_api::{Error, ErrorKind};

use crate::{
    Pair,
    behaviour::{Stop, failed},
    certificates::ensure_fault,
    gate::{Outcomes, Standstill, at_the_gate, dropped_at_the_gate},
    pair::Side,
    probe::{Probe, refusal, with_client_verifier, with_verifier},
    scene::{Scene, Stream, exchange},
};

pub(crate) async fn nothing_passes_before_a_slow_verdict_on_a_server(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Ok(()), false);
        let ends = with_verifier(&scene, probe.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, probe.gate(), |still| {
            still.client_waits()?;
            // The client's Finished is among what must not leave, so the server cannot be done either.
            still.server_waits()
        })?;
        exchange(&mut client?, &mut server?).await?;
    }
    Ok(())
}

pub(crate) async fn a_slow_refusal_of_a_server_ends_the_handshake(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Err(refusal()), false);
        let ends = with_verifier(&scene, probe.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, probe.gate(), |still| {
            still.client_waits()?;
            still.server_waits()
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
        let Outcomes { client, server } = at_the_gate(&ends, probe.gate(), Standstill::server_waits)?;
        exchange(&mut client?, &mut server?).await?;
    }
    Ok(())
}

pub(crate) async fn a_slow_refusal_of_a_client_ends_the_handshake(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Err(refusal()), false);
        let ends = with_client_verifier(&scene, probe.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, probe.gate(), Standstill::server_waits)?;
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
        dropped_at_the_gate(&ends, probe.gate(), Side::Client).await?;
    }
    Ok(())
}
