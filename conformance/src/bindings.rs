//! Key material for the application (RFC 8446 §7.5, RFC 5705), and what authentications bind themselves to
//! (RFC 9266, RFC 5929).

use aws_lc_rs::digest;
use polytls_api::{ConfigError, ConfigOption, Error, ProtocolVersion};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pair::Side,
    pki::{Authority, Key, Leaf},
    resumption::visit,
    scene::{Scene, Stream, as_config_error, exchange},
};

const LABEL: &[u8] = b"EXPORTER-polytls-conformance";

fn export(
    pair: &Pair,
    side: Side,
    stream: &Stream,
    length: usize,
    label: &[u8],
    context: Option<&[u8]>,
) -> Result<Vec<u8>, Stop> {
    let mut output = vec![0; length];
    let exported = as_config_error(stream.export_keying_material(&mut output, label, context))?;
    pair.expect_supported_or_refused(side, &[ConfigOption::Exporter], exported)?;
    Ok(output)
}

/// What both sides of a connection export, which must be the same.
fn export_both(
    pair: &Pair,
    (client, server): &(Stream, Stream),
    length: usize,
    label: &[u8],
    context: Option<&[u8]>,
) -> Result<Vec<u8>, Stop> {
    let own = export(pair, Side::Client, client, length, label, context)?;
    let peers = export(pair, Side::Server, server, length, label, context)?;
    ensure(own == peers, || "the two sides export other material".into())?;
    ensure(own.iter().any(|byte| *byte != 0), || "nothing but zeros is exported".into())?;
    Ok(own)
}

pub(crate) async fn both_sides_export_the_same(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let connection = scene.ends()?.connect().await?;
        for length in [16, 32, 48, 100, 1_000] {
            for context in [None, Some(b"".as_slice()), Some(b"a context"), Some([9; 300].as_slice())] {
                export_both(&pair, &connection, length, LABEL, context).at(length)?;
            }
        }
        let (mut client, mut server) = connection;
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn labels_and_contexts_tell_exports_apart(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let connection = scene.ends()?.connect().await?;
        let export = |label, context| export_both(&pair, &connection, 32, label, context);
        let first = export(LABEL, Some(b"a context".as_slice()))?;
        ensure_eq(&export(LABEL, Some(b"a context"))?, &first, "the same again")?;
        for (label, context) in
            [(LABEL, Some(b"another".as_slice())), (b"EXPORTER-other", Some(b"a context")), (LABEL, None)]
        {
            ensure(export(label, context)? != first, || format!("{label:?} and {context:?} change nothing"))?;
        }
    }
    Ok(())
}

pub(crate) async fn an_empty_context_is_none_in_tls13_only(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let connection = scene.ends()?.connect().await?;
        let none = export_both(&pair, &connection, 32, LABEL, None)?;
        let empty = export_both(&pair, &connection, 32, LABEL, Some(b""))?;
        // RFC 5705 §4 tells them apart, RFC 8446 §7.5 does not.
        let same = scene.versions == [ProtocolVersion::Tls13];
        ensure_eq(none == empty, same, "whether no context is the same as an empty one")?;
    }
    Ok(())
}

pub(crate) async fn every_connection_exports_its_own(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let mut seen = Vec::new();
        // The later ones resume the first, where both can.
        for _ in 0..3 {
            let connection = visit(&ends).await?;
            let exported = export_both(&pair, &connection, 32, LABEL, None)?;
            ensure(!seen.contains(&exported), || "two connections export the same".into())?;
            seen.push(exported);
        }
    }
    Ok(())
}

fn is_invalid(outcome: Result<(), Error>) -> Result<(), Stop> {
    match as_config_error(outcome)? {
        Err(ConfigError::Invalid { .. }) => Ok(()),
        other => failed(format!("it must be Invalid, and is {other:?}")),
    }
}

pub(crate) async fn an_export_of_no_length_or_too_much_is_invalid(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let connection = scene.ends()?.connect().await?;
        export_both(&pair, &connection, 32, LABEL, None)?;
        let (mut client, mut server) = connection;
        for stream in [&client, &server] {
            is_invalid(stream.export_keying_material(&mut [], LABEL, None)).at("no length")?;
            is_invalid(stream.export_keying_material(&mut vec![0; 1 << 16], LABEL, None)).at("64 KiB")?;
        }
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn key_updates_leave_exports_as_they_are(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::in_version(&pair, ProtocolVersion::Tls13)?;
    let mut connection = scene.ends()?.connect().await?;
    let before = export_both(&pair, &connection, 32, LABEL, None)?;
    let updated = as_config_error(connection.0.update_keys(true))?;
    pair.expect_supported_or_refused(Side::Client, &[ConfigOption::KeyUpdate], updated)?;
    exchange(&mut connection.0, &mut connection.1).await?;
    let after = export_both(&pair, &connection, 32, LABEL, None)?;
    ensure(before == after, || "the exports changed with the keys".into())
}

fn tls_exporter(pair: &Pair, side: Side, stream: &Stream) -> Result<[u8; 32], Stop> {
    let binding = as_config_error(stream.tls_exporter())?;
    pair.expect_supported_or_refused(side, &[ConfigOption::Exporter], binding)
}

pub(crate) async fn tls_exporter_is_the_same_on_both_sides(pair: Pair) -> Result<(), Stop> {
    let ends = Scene::in_version(&pair, ProtocolVersion::Tls13)?.ends()?;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let connection = visit(&ends).await?;
        let binding = tls_exporter(&pair, Side::Client, &connection.0)?;
        ensure(binding == tls_exporter(&pair, Side::Server, &connection.1)?, || "the sides differ".into())?;
        // RFC 9266 §2: this label, an empty context, 32 bytes.
        let exported = export_both(&pair, &connection, 32, b"EXPORTER-Channel-Binding", Some(b""))?;
        ensure(exported == binding, || "the binding is another export".into())?;
        ensure(!seen.contains(&binding), || "two connections have one binding".into())?;
        seen.push(binding);
    }
    Ok(())
}

pub(crate) async fn tls_exporter_is_invalid_in_tls12(pair: Pair) -> Result<(), Stop> {
    let (client, server) = Scene::in_version(&pair, ProtocolVersion::Tls12)?.ends()?.connect().await?;
    for stream in [client, server] {
        is_invalid(stream.tls_exporter().map(drop))?;
    }
    Ok(())
}

pub(crate) async fn tls_server_end_point_is_the_hash_of_the_certificate(pair: Pair) -> Result<(), Stop> {
    for (key, hash) in
        [(Key::P256, &digest::SHA256), (Key::P384, &digest::SHA384), (Key::Rsa2048, &digest::SHA256)]
    {
        for scene in Scene::in_each_version(&pair)? {
            // It is the signature that counts, and so the issuer's key.
            let root = Authority::root_with_key(key);
            let identity = root.issue(Leaf::server());
            let expected = digest::digest(hash, &identity.chain()[0]);
            let ends = Scene { root, ..scene }.presenting(identity).ends()?;
            for connection in ["first", "second"] {
                let (client, server) = visit(&ends).await.at(connection)?;
                for stream in [client, server] {
                    let binding = stream.tls_server_end_point().at(format!("{connection}, {key:?}"))?;
                    ensure_eq(binding.as_slice(), expected.as_ref(), "the binding")?;
                }
            }
        }
    }
    Ok(())
}

pub(crate) async fn tls_server_end_point_is_undefined_without_a_hash(pair: Pair) -> Result<(), Stop> {
    if !pair.both_sign(Key::Ed25519) {
        return Ok(());
    }
    for scene in Scene::in_each_version(&pair)? {
        let root = Authority::root_with_key(Key::Ed25519);
        let identity = root.issue(Leaf::server());
        let (client, server) = Scene { root, ..scene }.presenting(identity).ends()?.connect().await?;
        for stream in [client, server] {
            is_invalid(stream.tls_server_end_point().map(drop))?;
        }
    }
    Ok(())
}
