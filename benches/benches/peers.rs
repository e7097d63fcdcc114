//! polytls beside the streams that it takes the place of, by criterion: handshakes, bytes, requests, record ciphers.
//!
//! `cargo bench -p polytls-benches` runs all; `ci/ratios` prints the ratio of each pair from what criterion saved. The
//! scenarios and the stacks are those of `compare`, which has them take turns and tells a few percent more surely.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use polytls_benches::{
    CertificateKind, Group, Scenario, Settings, Suite,
    scenarios::{Directions, Over, Prepared, limits},
    stacks,
};

/// How long a round lasts at least: what is around it takes a few microseconds.
const ROUND: Duration = Duration::from_micros(500);

/// Every stack and every limit that can do it, one after the other; an iteration is so many of what the scenario counts.
fn measure(criterion: &mut Criterion, name: &str, scenario: Scenario, settings: Settings, each: u32) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(40).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    group.throughput(match scenario {
        Scenario::Bulk { .. } | Scenario::RecordCipher { .. } => Throughput::Bytes(each.into()),
        _ => Throughput::Elements(each.into()),
    });
    for entry in stacks::entries().into_iter().chain(limits::entries()) {
        let Ok(Prepared { mut round, .. }) = (entry.prepare)(&scenario, &settings) else { continue };
        group.bench_function(entry.name, |bencher| {
            bencher.iter_custom(|iterations| {
                let asked = iterations as f64 * f64::from(each);
                let (mut seconds, mut count) = (0.0, 0.0);
                while count < asked {
                    let sample = round(ROUND);
                    (seconds, count) = (seconds + sample.seconds, count + sample.count);
                }
                Duration::from_secs_f64(seconds * asked / count)
            });
        });
    }
    group.finish();
}

fn handshakes(criterion: &mut Criterion) {
    let default = Settings::default();
    let in_memory = Scenario::Handshakes { over: Over::Memory };
    for (name, settings) in [
        ("full", default),
        ("full, X25519MLKEM768", Settings { group: Group::X25519MlKem768, ..default }),
        ("full, Ed25519", Settings { certificate: CertificateKind::Ed25519, ..default }),
        ("mutual", Settings { mutual: true, ..default }),
        ("resumed", default.resuming()),
    ] {
        measure(criterion, &format!("handshakes in memory, {name}"), in_memory, settings, 1);
    }
    let over_tcp = Scenario::Handshakes { over: Over::Tcp };
    measure(criterion, "handshakes over TCP, full", over_tcp, default, 1);
}

fn bulk(criterion: &mut Criterion) {
    for (over, place) in [(Over::Memory, "in memory"), (Over::Tcp, "over TCP")] {
        for kib in [1, 16, 64] {
            let scenario = Scenario::Bulk { over, write: kib << 10, directions: Directions::One };
            let name = format!("bulk {place}, {kib} KiB writes");
            measure(criterion, &name, scenario, Settings::default(), 1 << 20);
        }
    }
}

fn echo(criterion: &mut Criterion) {
    let scenario = Scenario::Echo { over: Over::Tcp, connections: 1 };
    measure(criterion, "echo over TCP, 100 bytes", scenario, Settings::default(), 1);
}

fn record_ciphers(criterion: &mut Criterion) {
    for suite in [Suite::Aes128Gcm, Suite::ChaCha20Poly1305] {
        for kib in [1_u32, 16] {
            let scenario = Scenario::RecordCipher { size: (kib << 10) as usize };
            let settings = Settings { suite, ..Settings::default() };
            measure(criterion, &format!("record cipher, {suite}, {kib} KiB"), scenario, settings, kib << 10);
        }
    }
}

criterion_group!(benches, handshakes, bulk, echo, record_ciphers);
criterion_main!(benches);
