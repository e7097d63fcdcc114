//! One scenario of polytls and nothing else, for `ci/instructions`: `instructions NAME`, and `instructions --list`.
//!
//! callgrind counts within [`counted`] alone, so that set-up and the first operations are in no count. How many
//! operations it saw goes to standard output. Everything is in memory and on one thread: no count depends on a scheduler.

use std::{env, process::ExitCode};

use polytls::backends::{Builtin, OpenSsl, Rustls};
use polytls_benches::{Certificates, Settings, Stack, connection, connection_with_tickets, stacks::Polytls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::{Builder, Runtime},
};

const SCENARIOS: [&str; 14] = [
    "builtin full",
    "builtin resumed",
    "builtin mutual",
    "builtin bulk-64-KiB",
    "builtin bulk-1-KiB",
    "builtin echo",
    "rustls full",
    "rustls resumed",
    "rustls bulk-64-KiB",
    "rustls echo",
    "openssl full",
    "openssl resumed",
    "openssl bulk-64-KiB",
    "openssl echo",
];

/// So many that what is random in an operation (signatures, seeds of hash maps) changes the mean by less than 0.3 %.
const HANDSHAKES: u32 = 40;
const WRITES: u32 = 100;
const SMALL: u32 = 500;

/// What an operation meets for the first time (tables, buffers, the first ticket) is not counted.
const WARM_UP: u32 = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [list] if list == "--list" => println!("{}", SCENARIOS.join("\n")),
        [name] if SCENARIOS.contains(&name.as_str()) => {
            let (backend, operation) = name.split_once(' ').expect("a scenario has two words");
            println!(
                "{}",
                match backend {
                    "builtin" => run::<Polytls<Builtin>>(operation),
                    "rustls" => run::<Polytls<Rustls>>(operation),
                    _ => run::<Polytls<OpenSsl>>(operation),
                }
            );
        }
        _ => {
            eprintln!("usage: instructions --list | NAME\n{}", SCENARIOS.join("\n"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Runs a scenario, and says how many operations [`counted`] has seen.
fn run<S: Stack>(operation: &str) -> u32 {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let settings =
        Settings { resumption: operation == "resumed", mutual: operation == "mutual", ..Settings::default() };
    let stack = S::new(&settings, &Certificates::new(settings.certificate)).expect("a stack of polytls");
    check(&runtime, &stack, &settings);
    match operation {
        "full" | "mutual" => full(&runtime, &stack),
        "resumed" => resumed(&runtime, &stack),
        "bulk-64-KiB" => bulk(&runtime, &stack, 64 * 1024, WRITES),
        "bulk-1-KiB" => bulk(&runtime, &stack, 1024, SMALL),
        _ => echo(&runtime, &stack),
    }
}

/// What is counted is what was asked for.
fn check<S: Stack>(runtime: &Runtime, stack: &S, settings: &Settings) {
    let (client, server) = runtime.block_on(connection(stack));
    S::negotiated(&client).check(settings).expect("the settings are heeded");
    assert_eq!(S::client_presented(&server), Some(settings.mutual));
}

/// Between its call and its return callgrind counts; `ci/instructions` knows it by its name.
#[inline(never)]
fn counted(times: u32, operation: &mut dyn FnMut()) -> u32 {
    for _ in 0..times {
        operation();
    }
    times
}

fn full(runtime: &Runtime, stack: &impl Stack) -> u32 {
    let mut operation = || drop(runtime.block_on(connection(stack)));
    (0..WARM_UP).for_each(|_| operation());
    counted(HANDSHAKES, &mut operation)
}

/// With the ticket of the connection before, and new ones taken in.
fn resumed<S: Stack>(runtime: &Runtime, stack: &S) -> u32 {
    runtime.block_on(connection_with_tickets(stack));
    let mut operation = || {
        let (client, _server) = runtime.block_on(connection_with_tickets(stack));
        assert_eq!(S::negotiated(&client).resumed, Some(true));
    };
    (0..WARM_UP).for_each(|_| operation());
    counted(HANDSHAKES, &mut operation)
}

/// One write of this size, and its bytes read on the other side.
fn bulk<S: Stack>(runtime: &Runtime, stack: &S, size: usize, times: u32) -> u32 {
    let (mut client, mut server) = runtime.block_on(connection(stack));
    let (payload, mut buffer) = (vec![1; size], vec![0; size]);
    let mut operation = || {
        runtime.block_on(async {
            let write = async {
                client.write_all(&payload).await.expect("written");
                client.flush().await.expect("flushed");
            };
            tokio::join!(write, async { server.read_exact(&mut buffer).await.expect("read") });
        });
    };
    (0..WARM_UP).for_each(|_| operation());
    counted(times, &mut operation)
}

/// 100 bytes there and back.
fn echo<S: Stack>(runtime: &Runtime, stack: &S) -> u32 {
    let (mut client, mut server) = runtime.block_on(connection(stack));
    let (mut request, mut response) = ([1; 100], [0; 100]);
    let mut operation = || {
        runtime.block_on(async {
            client.write_all(&request).await.expect("written");
            client.flush().await.expect("flushed");
            server.read_exact(&mut request).await.expect("read");
            server.write_all(&request).await.expect("written");
            server.flush().await.expect("flushed");
            client.read_exact(&mut response).await.expect("read");
        });
    };
    (0..WARM_UP).for_each(|_| operation());
    counted(SMALL, &mut operation)
}
