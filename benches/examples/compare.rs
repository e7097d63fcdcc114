//! The builtin engine beside rustls behind the same API: a round of one, a round of the other, in one process and on one
//! thread, so that whatever else the machine does falls on both alike. `compare [ROUNDS]`
//!
//! Each line has the medians of both and the median of the rounds' ratios, with the quartiles of these.

use std::{
    env,
    time::{Duration, Instant},
};

use polytls::backends::{Builtin, Rustls};
use polytls_benches::{
    Certificates, Settings, Stack, connection, connection_with_tickets,
    rounds::{self, Comparison},
    stacks::Polytls,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
};

const ROUNDS: usize = 500;
/// Handshakes in a round: well below a millisecond, so that most rounds are over before another process has its turn.
const HANDSHAKES: u32 = 2;
/// Bytes in a round.
const TRANSFER: usize = 256 << 10;

fn main() {
    let rounds = env::args().nth(1).map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let certificates = Certificates::new(Settings::default().certificate);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("| scenario | builtin | rustls | ratio (quartiles) |\n|---|---|---|---|");
    let builtin: Polytls<Builtin> = made(&Settings::default(), &certificates);
    let rustls: Polytls<Rustls> = made(&Settings::default(), &certificates);
    let per_second = |time: Duration| format!("{:.0} /s", f64::from(HANDSHAKES) / time.as_secs_f64());
    compare("full handshake", rounds, per_second, || full(&runtime, &builtin), || full(&runtime, &rustls));
    for size in [16 << 10, 64 << 10] {
        let mebibytes = |time: Duration| {
            format!("{:.0} MiB/s", TRANSFER as f64 / f64::from(1 << 20) / time.as_secs_f64())
        };
        let name = format!("{} KiB writes", size >> 10);
        compare(&name, rounds, mebibytes, bulk(&runtime, &builtin, size), bulk(&runtime, &rustls, size));
    }
    let builtin: Polytls<Builtin> = made(&Settings::default().resuming(), &certificates);
    let rustls: Polytls<Rustls> = made(&Settings::default().resuming(), &certificates);
    compare(
        "resumed handshake",
        rounds,
        per_second,
        || resumed(&runtime, &builtin),
        || resumed(&runtime, &rustls),
    );
}

fn made<S: Stack>(settings: &Settings, certificates: &Certificates) -> S {
    S::new(settings, certificates).expect("both can do this")
}

fn compare(
    name: &str,
    rounds: usize,
    unit: impl Fn(Duration) -> String,
    builtin: impl FnMut() -> Duration,
    rustls: impl FnMut() -> Duration,
) {
    let Comparison { first, second, ratios: [lower, ratio, upper] } =
        rounds::compare(rounds, builtin, rustls);
    println!("| {name} | {} | {} | {ratio:.3} ({lower:.3} to {upper:.3}) |", unit(first), unit(second));
}

fn full(runtime: &Runtime, stack: &impl Stack) -> Duration {
    let started = Instant::now();
    runtime.block_on(async {
        for _ in 0..HANDSHAKES {
            connection(stack).await;
        }
    });
    started.elapsed()
}

/// The first connection ever is a full one; it is not among those that are measured.
fn resumed<S: Stack>(runtime: &Runtime, stack: &S) -> Duration {
    let started = Instant::now();
    runtime.block_on(async {
        for round in 0..HANDSHAKES {
            let (client, _) = connection_with_tickets(stack).await;
            assert!(round == 0 || S::negotiated(&client).resumed == Some(true), "{}", S::NAME);
        }
    });
    started.elapsed()
}

/// Moves bytes over one connection, which lives as long as the comparison.
fn bulk<S: Stack>(runtime: &Runtime, stack: &S, size: usize) -> impl FnMut() -> Duration {
    let (mut client, mut server) = runtime.block_on(connection(stack));
    let (payload, mut buffer) = (vec![0x5a; size], vec![0; size]);
    move || {
        let started = Instant::now();
        runtime.block_on(async {
            for _ in 0..TRANSFER / size {
                let write = async {
                    client.write_all(&payload).await.expect("written");
                    client.flush().await.expect("flushed");
                };
                tokio::join!(write, async { server.read_exact(&mut buffer).await.expect("read") });
            }
        });
        started.elapsed()
    }
}
