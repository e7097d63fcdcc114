//! Bytes that are changed on the way: no panic, no hang, and never a byte of data after a corrupt record.
//!
//! Every offset of a handshake and of the first records is flipped, dropped and doubled: some ten thousand
//! handshakes for a pair, and a few seconds, since nothing here waits for a clock.

use polytls_api::{AlertDescription, ConfigOption, ErrorKind, NamedGroup, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    certificates::ensure_told,
    pair::Side,
    pipe::{Change, Direction, Mutation, Wire, pipe},
    resumption::{insisting, visit},
    scene::{Ends, Scene, Stream, both_to_the_end, ensure_kind, exchange, tls_error},
};

/// What each side writes: three records of a length that is easy to tell from a handshake message's.
const MESSAGES: [&[u8]; 3] = [&[b'a'; 37], &[b'b'; 37], &[b'c'; 37]];

/// Flips that may pass unseen in one direction of a handshake.
///
/// No transcript covers the versions in the headers of plaintext records (RFC 8446 §5.1), two bytes of each, nor
/// TLS 1.3's change_cipher_spec (RFC 8446 §D.4).
const UNAUTHENTICATED: usize = 24;

/// How one side's connection went.
#[derive(Debug, Default)]
struct Report {
    received: Vec<u8>,
    /// Everything ended with close_notify.
    clean: bool,
    /// A read that follows an error gives data, or a clean end.
    recovered: bool,
}

impl Report {
    fn everything(&self) -> bool {
        self.clean && self.received == MESSAGES.concat()
    }
}

/// Client and server with a handshake that is short, and full every time, as far as the client lets it be chosen.
fn short_handshake(scene: &Scene) -> Result<Ends, Stop> {
    let declared = |needs: &[ConfigOption]| needs.iter().all(|need| scene.pair.declares(Side::Client, need));
    let groups = [NamedGroup::X25519, NamedGroup::SECP256R1];
    let [x25519, secp256r1] = groups.map(ConfigOption::NamedGroup);
    let choose_groups = declared(&[ConfigOption::NamedGroups, x25519, secp256r1]);
    let never_resume = declared(&[ConfigOption::ResumptionOff]);
    let connector = scene.connector(&[], |client| {
        let client = if choose_groups { client.named_groups(groups) } else { client };
        if never_resume { client.resumption(false) } else { client }
    })?;
    Ok(Ends::new(connector, scene.acceptor(&[], |server| server)?))
}

/// Writes the messages and close_notify, then reads to whatever end there is.
async fn converse(stream: &mut Stream) -> Report {
    for message in MESSAGES {
        if stream.write_all(message).await.is_err() || stream.flush().await.is_err() {
            break;
        }
    }
    // What the peer wrote is looked at even where it can no longer be written to.
    let _ = stream.shutdown().await;
    listen(stream).await
}

async fn listen(stream: &mut Stream) -> Report {
    let mut report = Report::default();
    let mut buffer = [0; 256];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => {
                report.clean = true;
                return report;
            }
            Ok(count) => report.received.extend_from_slice(&buffer[..count]),
            Err(_) => {
                report.recovered = stream.read(&mut buffer).await.is_ok();
                return report;
            }
        }
    }
}

/// How both sides of a connection with one change went, and whether the change was reached at all.
struct Changed {
    client: Report,
    server: Report,
    reached: bool,
}

/// One connection in which this side's bytes are changed once.
fn connection_with(ends: &Ends, from: Side, mutation: Mutation) -> Result<Changed, Stop> {
    let (there, back) = match from {
        Side::Client => (Wire::mutated(mutation), Wire::default()),
        Side::Server => (Wire::default(), Wire::mutated(mutation)),
    };
    let (near, far) = pipe(there, back);
    let directions = [near.writing(), near.reading()];
    let client = async {
        match ends.connector.connect(&ends.name, near).await {
            Ok(mut stream) => converse(&mut stream).await,
            Err(_) => Report::default(),
        }
    };
    let server = async {
        match ends.acceptor.accept(far).await {
            Ok(mut stream) => converse(&mut stream).await,
            Err(_) => Report::default(),
        }
    };
    let (client, server) = both_to_the_end(&directions, client, server)?;
    let changed = if from == Side::Client { &directions[0] } else { &directions[1] };
    Ok(Changed { client, server, reached: changed.written() > mutation.offset })
}

async fn handshake_under(pair: &Pair, change: Change) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let ends = short_handshake(&scene)?;
        sweep_handshake(&ends, change, async || Ok(())).await.at(scene.versions[0])?;
    }
    Ok(())
}

/// Changes each offset of a handshake in both directions, each time after what comes `before`.
async fn sweep_handshake(
    ends: &Ends,
    change: Change,
    before: impl AsyncFn() -> Result<(), Stop>,
) -> Result<(), Stop> {
    before().await?;
    let (client, server) = ends.connect().await?;
    let lengths = [client.io().writing().written(), server.io().writing().written()];
    for (side, length) in [Side::Client, Side::Server].into_iter().zip(lengths) {
        let mut unseen = Vec::new();
        for offset in 0..length {
            let place = || format!("{change:?} at {offset} of {length} from the {side:?}");
            before().await.at(place())?;
            let changed = connection_with(ends, side, Mutation { offset, change }).at(place())?;
            for report in [&changed.client, &changed.server] {
                nothing_but_the_messages(report).at(place())?;
            }
            if changed.reached && changed.client.everything() && changed.server.everything() {
                unseen.push(offset);
            }
        }
        let most = if change == Change::Flip { UNAUTHENTICATED } else { 0 };
        ensure(unseen.len() <= most, || {
            format!("{change:?} from the {side:?} passed unseen at {unseen:?} of {length}")
        })?;
    }
    Ok(())
}

pub(crate) async fn a_flip_anywhere_in_a_resumed_handshake(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = insisting(&scene)?;
        // A session that failed once is forgotten: each attempt needs a new one.
        sweep_handshake(&ends, Change::Flip, async || visit(&ends).await.map(drop))
            .await
            .at(scene.versions[0])?;
    }
    Ok(())
}

fn nothing_but_the_messages(report: &Report) -> Result<(), Stop> {
    ensure(MESSAGES.concat().starts_with(&report.received), || {
        format!("bytes were read that nobody wrote: {:?}", report.received)
    })?;
    ensure(!report.clean || report.everything(), || "a clean end before the end".into())?;
    ensure(!report.recovered, || "a read after an error succeeded".into())
}

pub(crate) async fn a_flip_anywhere_in_a_handshake(pair: Pair) -> Result<(), Stop> {
    handshake_under(&pair, Change::Flip).await
}

pub(crate) async fn a_byte_lost_anywhere_in_a_handshake(pair: Pair) -> Result<(), Stop> {
    handshake_under(&pair, Change::Drop).await
}

pub(crate) async fn a_byte_doubled_anywhere_in_a_handshake(pair: Pair) -> Result<(), Stop> {
    handshake_under(&pair, Change::Duplicate).await
}

/// An established connection, the one that writes first.
async fn established(ends: &Ends, writer: Side) -> Result<(Stream, Stream), Stop> {
    let (mut client, mut server) = ends.connect().await?;
    exchange(&mut client, &mut server).await?;
    Ok(match writer {
        Side::Client => (client, server),
        Side::Server => (server, client),
    })
}

/// Where each message's record ends, and where close_notify does, counted from the first message.
async fn record_ends(ends: &Ends, writer: Side) -> Result<Vec<u64>, Stop> {
    let (mut writer, _reader) = established(ends, writer).await?;
    let start = writer.io().writing().written();
    let mut record_ends = Vec::new();
    for message in MESSAGES {
        writer.write_all(message).await?;
        writer.flush().await?;
        record_ends.push(writer.io().writing().written() - start);
    }
    writer.shutdown().await?;
    record_ends.push(writer.io().writing().written() - start);
    Ok(record_ends)
}

async fn records_under(pair: &Pair, change: Change) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let ends = short_handshake(&scene)?;
        for side in [Side::Client, Side::Server] {
            let record_ends = record_ends(&ends, side).await?;
            let length = record_ends.last().copied().unwrap_or_default();
            for offset in 0..length {
                let place =
                    || format!("{change:?} at {offset} of {length} from the {side:?}, {:?}", scene.versions);
                let (writer, reader) = established(&ends, side).await.at(place())?;
                let wire = writer.io().writing();
                wire.mutate(Mutation { offset, change });
                let report = read_of_changed(writer, reader).at(place())?;
                let intact_until = wire.intact_until().unwrap_or(length);
                let intact = record_ends[..MESSAGES.len()].iter().filter(|&&end| end <= intact_until).count();
                let expected = MESSAGES[..intact].concat();
                ensure_eq(&report.received, &expected, "what came before the corrupt record").at(place())?;
                ensure(!report.clean || intact_until == length, || "a clean end".into()).at(place())?;
                ensure(!report.recovered, || "a read after the error succeeded".into()).at(place())?;
            }
        }
    }
    Ok(())
}

fn read_of_changed(mut writer: Stream, mut reader: Stream) -> Result<Report, Stop> {
    let watched = [writer.io().writing(), reader.io().writing()];
    let writing = async move {
        // It ends when the reader gives up, or when everything is written.
        for message in MESSAGES {
            if writer.write_all(message).await.is_err() || writer.flush().await.is_err() {
                return;
            }
        }
        let _ = writer.shutdown().await;
        let _ = listen(&mut writer).await;
    };
    let reading = async move { listen(&mut reader).await };
    both_to_the_end(&watched, writing, reading).map(|((), report)| report)
}

pub(crate) async fn a_flip_anywhere_in_the_first_records(pair: Pair) -> Result<(), Stop> {
    records_under(&pair, Change::Flip).await
}

pub(crate) async fn a_byte_lost_anywhere_in_the_first_records(pair: Pair) -> Result<(), Stop> {
    records_under(&pair, Change::Drop).await
}

pub(crate) async fn a_byte_doubled_anywhere_in_the_first_records(pair: Pair) -> Result<(), Stop> {
    records_under(&pair, Change::Duplicate).await
}

pub(crate) async fn a_corrupt_record_is_told_to_its_sender(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for (side, other) in [(Side::Client, Side::Server), (Side::Server, Side::Client)] {
            let (mut writer, mut reader) = established(&ends, side).await?;
            writer.io().writing().mutate(Mutation { offset: 20, change: Change::Flip });
            writer.write_all(MESSAGES[0]).await?;
            writer.flush().await?;
            let Err(error) = reader.read(&mut [0; 64]).await else {
                return failed("a corrupt record was read");
            };
            let error = tls_error(&error)?;
            ensure_kind(&format!("{other:?}"), &error, |kind| *kind == ErrorKind::BadRecord, "BadRecord")?;
            ensure_eq(error.phase(), Phase::Established, "the phase of the error")?;
            let Err(error) = writer.read(&mut [0; 64]).await else {
                return failed("the sender was told nothing");
            };
            let told = tls_error(&error)?.alert_received();
            ensure_told(&pair, other, told, AlertDescription::BAD_RECORD_MAC)?;
        }
    }
    Ok(())
}

/// Takes the records of three messages off the wire and puts them back as `order` says.
async fn reordered(pair: &Pair, order: &[usize], intact: usize) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let ends = scene.ends()?;
        for side in [Side::Client, Side::Server] {
            let (mut writer, mut reader) = established(&ends, side).await?;
            let wire: Direction = writer.io().writing();
            let mut records = Vec::new();
            for message in MESSAGES {
                writer.write_all(message).await?;
                writer.flush().await?;
                records.push(wire.take_waiting());
            }
            order.iter().for_each(|&record| wire.inject(&records[record]));
            wire.end();
            let report = listen(&mut reader).await;
            ensure_eq(report.received, MESSAGES[..intact].concat(), "what came in order")?;
            ensure(!report.clean && !report.recovered, || "the read must fail, and go on failing".into())?;
        }
    }
    Ok(())
}

pub(crate) async fn a_record_that_comes_twice_is_refused(pair: Pair) -> Result<(), Stop> {
    reordered(&pair, &[0, 0, 1], 1).await?;
    reordered(&pair, &[0, 1, 0], 2).await
}

pub(crate) async fn a_record_that_is_missing_is_noticed(pair: Pair) -> Result<(), Stop> {
    reordered(&pair, &[1, 2], 0).await?;
    reordered(&pair, &[0, 2], 1).await
}

pub(crate) async fn records_that_change_places_are_refused(pair: Pair) -> Result<(), Stop> {
    reordered(&pair, &[1, 0, 2], 0).await?;
    reordered(&pair, &[0, 2, 1], 1).await
}

pub(crate) async fn a_record_sent_back_to_its_sender_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        for side in [Side::Client, Side::Server] {
            let (mut writer, _reader) = established(&ends, side).await?;
            writer.write_all(MESSAGES[0]).await?;
            writer.flush().await?;
            let record = writer.io().writing().take_waiting();
            writer.io().reading().inject(&record);
            let report = listen(&mut writer).await;
            ensure(report.received.is_empty() && !report.clean, || "it was taken for the peer's".into())?;
        }
    }
    Ok(())
}
