//! One stack and nothing else, for a profiler: `profile STACK full|resumed|bulk|small COUNT`.

use std::{env, time::Instant};

use polytls::backends::{Builtin, Rustls};
#[cfg(feature = "openssl")]
use polytls_benches::stacks::TokioOpenSsl;
use polytls_benches::{
    Certificates, Settings, Stack, connection, connection_with_tickets,
    stacks::{Polytls, TokioRustls},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, stack, what, count] = arguments.as_slice() else {
        return eprintln!(
            "usage: profile polytls-builtin|polytls-rustls|polytls-openssl|tokio-rustls|tokio-openssl \
             full|resumed|bulk|small COUNT"
        );
    };
    let count = count.parse().expect("a number");
    match stack.as_str() {
        "polytls-builtin" => run::<Polytls<Builtin>>(what, count),
        "polytls-rustls" => run::<Polytls<Rustls>>(what, count),
        #[cfg(feature = "openssl")]
        "polytls-openssl" => run::<Polytls<polytls::backends::OpenSsl>>(what, count),
        "tokio-rustls" => run::<TokioRustls>(what, count),
        #[cfg(feature = "openssl")]
        "tokio-openssl" => run::<TokioOpenSsl>(what, count),
        other => eprintln!("no stack `{other}`"),
    }
}

fn run<S: Stack>(what: &str, count: u32) {
    let settings = Settings { resumption: what == "resumed", ..Settings::default() };
    let stack = S::new(&settings, &Certificates::new(settings.certificate)).expect("the stack can do this");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let started = Instant::now();
    runtime.block_on(async {
        match what {
            "full" => full(&stack, count).await,
            "resumed" => resumed(&stack, count).await,
            "small" => bulk(&stack, count, 1 << 10).await,
            _ => bulk(&stack, count, 1 << 16).await,
        }
    });
    println!("{} {what}: {:?} each", S::NAME, started.elapsed() / count);
}

async fn full(stack: &impl Stack, count: u32) {
    for _ in 0..count {
        connection(stack).await;
    }
}

/// All but the first resume.
async fn resumed<S: Stack>(stack: &S, count: u32) {
    for round in 0..count {
        let (client, _) = connection_with_tickets(stack).await;
        assert_eq!(S::negotiated(&client).resumed, Some(round > 0), "{}", S::NAME);
    }
}

/// 64 KiB each time, in writes of this many bytes.
async fn bulk(stack: &impl Stack, count: u32, write: usize) {
    let (mut client, mut server) = connection(stack).await;
    let (payload, mut buffer) = (vec![1; 1 << 16], vec![0; 1 << 16]);
    for _ in 0..count {
        let write = async {
            for piece in payload.chunks(write) {
                client.write_all(piece).await.expect("written");
            }
            client.flush().await.expect("flushed");
        };
        tokio::join!(write, async { server.read_exact(&mut buffer).await.expect("read") });
    }
}
