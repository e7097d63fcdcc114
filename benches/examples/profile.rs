//! One stack and nothing else, for a profiler: `profile STACK full|resumed|bulk COUNT`.

use std::{env, sync::Arc, time::Instant};

use polytls::{
    Backend,
    backends::{Builtin, OpenSsl, Rustls},
};
use polytls_benches::{
    Certificate, Polytls, Stack, TokioOpenSsl, TokioRustls, connection, connection_with_tickets,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, stack, what, count] = arguments.as_slice() else {
        return eprintln!(
            "usage: profile polytls-builtin|polytls-rustls|polytls-openssl|tokio-rustls|tokio-openssl \
             full|resumed|bulk COUNT"
        );
    };
    let count = count.parse().expect("a number");
    let certificate = Certificate::make();
    let polytls = |backend: Arc<dyn Backend>| match what.as_str() {
        "resumed" => Polytls::resuming(backend, &certificate),
        _ => Polytls::new(backend, &certificate),
    };
    match (stack.as_str(), what.as_str()) {
        ("polytls-builtin", _) => run(&polytls(Arc::new(Builtin::new())), what, count),
        ("polytls-rustls", _) => run(&polytls(Arc::new(Rustls::new())), what, count),
        ("polytls-openssl", _) => run(&polytls(Arc::new(OpenSsl::new())), what, count),
        ("tokio-rustls", "resumed") => run(&TokioRustls::resuming(&certificate), what, count),
        ("tokio-rustls", _) => run(&TokioRustls::new(&certificate), what, count),
        _ => run(&TokioOpenSsl::new(&certificate), what, count),
    }
}

fn run(stack: &impl Stack, what: &str, count: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let started = Instant::now();
    runtime.block_on(async {
        match what {
            "full" => full(stack, count).await,
            "resumed" => resumed(stack, count).await,
            _ => bulk(stack, count).await,
        }
    });
    println!("{} {what}: {:?} each", stack.name(), started.elapsed() / count);
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
        assert_eq!(S::resumed(&client), round > 0, "{}", stack.name());
    }
}

async fn bulk(stack: &impl Stack, count: u32) {
    let (mut client, mut server) = connection(stack).await;
    let (payload, mut buffer) = (vec![1; 1 << 16], vec![0; 1 << 16]);
    for _ in 0..count {
        let write = async {
            client.write_all(&payload).await.expect("written");
            client.flush().await.expect("flushed");
        };
        tokio::join!(write, async { server.read_exact(&mut buffer).await.expect("read") });
    }
}
