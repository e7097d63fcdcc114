//! Requests and answers: each connection has one in flight, a client's task and a server's task share one thread.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    task::LocalSet,
};

use super::{Latency, MESSAGE, Sample, cpu_seconds, one_thread};
use crate::{
    Io, Stack,
    connection::{PIPE, handshake, listener, tcp_pair},
};

pub(super) fn in_memory<S: Stack>(stack: &S, connections: usize) -> impl FnMut(Duration) -> Sample + use<S> {
    let runtime = one_thread();
    let pairs = runtime.block_on(async {
        let mut pairs = Vec::with_capacity(connections);
        for _ in 0..connections {
            pairs.push(handshake(stack, duplex(PIPE)).await);
        }
        pairs
    });
    rounds(runtime, pairs)
}

pub(super) fn over_tcp<S: Stack>(stack: &S, connections: usize) -> impl FnMut(Duration) -> Sample + use<S> {
    let runtime = one_thread();
    let pairs = runtime.block_on(async {
        let listener = listener().await;
        let mut pairs = Vec::with_capacity(connections);
        for _ in 0..connections {
            pairs.push(handshake(stack, tcp_pair(&listener).await).await);
        }
        pairs
    });
    rounds(runtime, pairs)
}

fn rounds<C: Io, S: Io>(
    runtime: tokio::runtime::Runtime,
    pairs: Vec<(C, S)>,
) -> impl FnMut(Duration) -> Sample {
    let tasks = LocalSet::new();
    let (mut clients, servers): (Vec<C>, Vec<S>) = pairs.into_iter().unzip();
    for server in servers {
        tasks.spawn_local(answer(server));
    }
    move |at_least| {
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let mut times = Vec::new();
        tasks.block_on(&runtime, async {
            let asking: Vec<_> = clients
                .drain(..)
                .map(|client| tokio::task::spawn_local(ask(client, started + at_least)))
                .collect();
            for task in asking {
                let (client, took) = task.await.expect("no task ends early");
                clients.push(client);
                times.extend(took);
            }
        });
        let (seconds, cpu_seconds) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        Sample {
            seconds,
            cpu_seconds,
            count: times.len() as f64,
            latency: Some(latency(times)),
            memory: None,
        }
    }
}

/// Asks until the time is over, at least once; gives how long each answer took in nanoseconds.
async fn ask<C: Io>(mut client: C, until: Instant) -> (C, Vec<u64>) {
    let (mut message, mut took) = ([0x5a; MESSAGE], Vec::new());
    let mut asked = Instant::now();
    loop {
        client.write_all(&message).await.expect("written");
        client.flush().await.expect("flushed");
        client.read_exact(&mut message).await.expect("read");
        let answered = Instant::now();
        took.push(u64::try_from((answered - asked).as_nanos()).unwrap_or(u64::MAX));
        if answered >= until {
            return (client, took);
        }
        asked = answered;
    }
}

/// Sends back what comes, until the client is gone.
async fn answer(mut server: impl Io) {
    let mut message = [0; MESSAGE];
    while server.read_exact(&mut message).await.is_ok() {
        let answered = async {
            server.write_all(&message).await?;
            server.flush().await
        };
        if answered.await.is_err() {
            return;
        }
    }
}

fn latency(mut nanoseconds: Vec<u64>) -> Latency {
    nanoseconds.sort_unstable();
    let at = |part: usize| nanoseconds[(nanoseconds.len() - 1) * part / 100] as f64 / 1e9;
    Latency { p50: at(50), p99: at(99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_timed() {
        let latency = latency((1..=101).rev().map(|number| number * 1_000).collect());
        assert_eq!(latency, Latency { p50: 51e-6, p99: 100e-6 });
    }
}
