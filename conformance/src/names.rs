//! The server's name: what SNI carries (RFC 6066 §3) and what the certificate must hold (RFC 9525).

use polytls_api::{CertificateError, ConfigOption, ServerName};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    certificates::{ensure_fault, refuses_server},
    pair::Side,
    pki::{Leaf, SERVER_NAME},
    scene::{Ends, Scene},
};

pub(crate) async fn the_name_is_sent_and_reported_by_both(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (client, server) = scene.ends()?.connect().await?;
        ensure_eq(client.info().server_name.as_deref(), Some(SERVER_NAME), "the name that the client sent")?;
        ensure_eq(server.info().server_name.as_deref(), Some(SERVER_NAME), "the name that the server saw")?;
    }
    Ok(())
}

pub(crate) async fn sni_turned_off_sends_no_name_and_still_checks_it(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let connector = scene.connector(&[ConfigOption::SniOff], |client| client.sni(false))?;
        let ends = Ends::new(connector, scene.acceptor(&[], |server| server)?);
        let (client, server) = ends.connect().await?;
        ensure_eq(client.info().server_name.as_deref(), None, "the name that the client sent")?;
        ensure_eq(server.info().server_name.as_deref(), None, "the name that the server saw")?;
        refuses_server(&pair, &ends.to("other.example")?, &mismatch("other.example"))?;
    }
    Ok(())
}

pub(crate) async fn an_address_is_matched_and_never_sent_as_a_name(pair: Pair) -> Result<(), Stop> {
    for address in ["192.0.2.7", "2001:db8::7"] {
        for scene in Scene::in_each_version(&pair)? {
            let identity = scene.root.issue(Leaf::server_for(&[address]));
            let (client, server) =
                scene.presenting(identity).ends()?.to(address)?.connect().await.at(address)?;
            ensure_eq(client.info().server_name.as_deref(), None, "the name that the client sent")?;
            ensure_eq(server.info().server_name.as_deref(), None, "the name that the server saw")?;
        }
    }
    Ok(())
}

pub(crate) async fn another_address_is_refused(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let identity = scene.root.issue(Leaf::server_for(&["192.0.2.7", "2001:db8::7"]));
    let ends = scene.presenting(identity).ends()?;
    for address in ["192.0.2.8", "2001:db8::8"] {
        refuses_server(&pair, &ends.clone().to(address)?, &mismatch(address)).at(address)?;
    }
    Ok(())
}

pub(crate) async fn an_address_as_text_in_a_dns_name_is_refused(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let leaf = Leaf::server_with_address_as_text([192, 0, 2, 7].into());
    let identity = scene.root.issue(leaf);
    let ends = scene.presenting(identity).ends()?.to("192.0.2.7")?;
    refuses_server(&pair, &ends, &mismatch("192.0.2.7")).map(drop)
}

pub(crate) async fn another_name_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?.to("other.example")?;
        let error = refuses_server(&pair, &ends, &mismatch("other.example"))?;
        let Some(CertificateError::NameMismatch { expected, presented }) = error.certificate_error() else {
            continue;
        };
        ensure_eq(expected.as_str(), "other.example", "the name asked for")?;
        ensure(presented.is_empty() || *presented == [SERVER_NAME], || {
            format!("the names that the certificate holds are given or left out, not {presented:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn a_wildcard_stands_for_one_label(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let identity = scene.root.issue(Leaf::server_for(&["*.wild.example"]));
    let ends = scene.presenting(identity).ends()?;
    ends.clone().to("one.wild.example")?.connect().await?;
    for name in ["wild.example", "two.labels.wild.example"] {
        refuses_server(&pair, &ends.clone().to(name)?, &mismatch(name)).at(name)?;
    }
    Ok(())
}

pub(crate) async fn names_are_compared_without_regard_to_case(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let identity = scene.root.issue(Leaf::server_for(&["Server.EXAMPLE"]));
    let mut ends = scene.presenting(identity).ends()?;
    ends.connect().await?;
    ends.name = ServerName::Dns("SERVER.Example".into());
    ends.connect().await.map(drop)
}

pub(crate) async fn a_common_name_is_no_name(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let identity = scene.root.issue(Leaf::server_by_common_name(SERVER_NAME));
    // Some libraries still look there, so that a backend may come to its refusal too late for an alert.
    let failures = scene.presenting(identity).ends()?.failure()?;
    ensure_fault(&pair, Side::Client, &failures.client, &mismatch(SERVER_NAME))
}

pub(crate) async fn any_of_several_names_will_do(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let identity = scene.root.issue(Leaf::server_for(&["a.example", "192.0.2.7", "b.example"]));
    let ends = scene.presenting(identity).ends()?;
    for name in ["a.example", "b.example", "192.0.2.7"] {
        ends.clone().to(name)?.connect().await.at(name)?;
    }
    Ok(())
}

fn mismatch(expected: &str) -> CertificateError {
    CertificateError::NameMismatch { expected: expected.into(), presented: Vec::new() }
}
