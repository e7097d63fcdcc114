//! What an idle connection costs: resident memory for a pair of both ends, without the kernel's sockets.
//!
//! `idle_memory` measures each stack in a process of its own and prints a table; `idle_memory STACK` is one of these.
//! It reads `/proc`, so it runs on Linux alone.

use std::{env, fs, process::Command};

use polytls::backends::{Builtin, Native, OpenSsl, Rustls};
use polytls_benches::{
    Certificates, Settings, Stack, Suite, Version,
    stacks::{Polytls, TokioOpenSsl, TokioRustls},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const STACKS: [&str; 6] = [
    "polytls-rustls",
    "polytls-openssl",
    "polytls-native",
    "polytls-builtin",
    "tokio-rustls",
    "tokio-openssl",
];

/// Two file descriptors each: what every system allows a process.
const PAIRS: usize = 400;
/// What brings code and tables into memory, before anything is measured.
const WARM_UP: usize = 50;
const EACH_WAY: usize = 16 * 1024;
const PAGE: usize = 4096;

fn main() {
    let settings = Settings::default();
    match env::args().nth(1).as_deref() {
        None => table(),
        Some("polytls-rustls") => run::<Polytls<Rustls>>(&settings),
        Some("polytls-openssl") => run::<Polytls<OpenSsl>>(&settings),
        Some("polytls-native") => {
            run::<Polytls<Native>>(&Settings { version: Version::Tls12, suite: Suite::Aes256Gcm, ..settings })
        }
        Some("polytls-builtin") => run::<Polytls<Builtin>>(&settings),
        Some("tokio-rustls") => run::<TokioRustls>(&settings),
        Some("tokio-openssl") => run::<TokioOpenSsl>(&settings),
        Some(other) => eprintln!("no stack `{other}`; there are {}", STACKS.join(", ")),
    }
}

fn table() {
    println!("| stack | after the handshake, bytes | after 16 KiB each way, bytes |\n|---|---|---|");
    let program = env::current_exe().expect("this program has a path");
    for stack in STACKS {
        let output = Command::new(&program).arg(stack).output().expect("this program runs");
        assert!(output.status.success(), "{stack}: {}", String::from_utf8_lossy(&output.stderr));
        print!("{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn run<S: Stack>(settings: &Settings) {
    let stack = &S::new(settings, &Certificates::new(settings.certificate)).expect("the stack can do this");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        drop(pairs(stack, WARM_UP, EACH_WAY).await);
        let before = resident();
        let idle = pairs(stack, PAIRS, 0).await;
        let fresh = resident().saturating_sub(before) / PAIRS;
        drop(idle);
        // What was freed stays with the allocator, so that the second measure begins where the first began.
        let used = pairs(stack, PAIRS, EACH_WAY).await;
        let after = resident().saturating_sub(before) / PAIRS;
        drop(used);
        println!("| {} | {fresh} | {after} |", S::NAME);
    });
}

/// Connections that have carried this much each way, and wait for more.
async fn pairs<S: Stack>(
    stack: &S,
    count: usize,
    bytes: usize,
) -> Vec<(S::Client<TcpStream>, S::Server<TcpStream>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (near, far) = (near.expect("connected"), far.expect("accepted").0);
        let (mut client, mut server) = tokio::join!(stack.connect(near), stack.accept(far));
        if bytes > 0 {
            pass(&mut client, &mut server, bytes).await;
            pass(&mut server, &mut client, bytes).await;
        }
        wait(&mut client).await;
        wait(&mut server).await;
        pairs.push((client, server));
    }
    pairs
}

async fn pass(from: &mut (impl AsyncWriteExt + Unpin), to: &mut (impl AsyncReadExt + Unpin), bytes: usize) {
    let (payload, mut buffer) = (vec![1; bytes], vec![0; bytes]);
    let write = async {
        from.write_all(&payload).await.expect("written");
        from.flush().await.expect("flushed");
    };
    tokio::join!(write, async { to.read_exact(&mut buffer).await.expect("read") });
}

/// A read that finds nothing: what an idle connection does.
async fn wait(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut byte = [0];
    let read = stream.read(&mut byte);
    tokio::select! {
        biased;
        _ = read => panic!("nothing was sent"),
        () = tokio::task::yield_now() => {}
    }
}

/// Resident memory of this process in bytes: the second number of `statm`, in pages (proc(5)).
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has /proc");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("statm has seven numbers") * PAGE
}
