//! One stack and nothing else, for a profiler: `profile STACK handshakes|bulk COUNT`.

use std::{env, sync::Arc, time::Instant};

use polytls::backends::{OpenSsl, Rustls};
use polytls_benches::{Certificate, Polytls, Stack, TokioOpenSsl, TokioRustls};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, stack, what, count] = arguments.as_slice() else {
        return eprintln!(
            "usage: profile polytls-rustls|polytls-openssl|tokio-rustls|tokio-openssl handshakes|bulk COUNT"
        );
    };
    let count = count.parse().expect("a number");
    let certificate = Certificate::make();
    match stack.as_str() {
        "polytls-rustls" => run(&Polytls::new(Arc::new(Rustls::new()), &certificate), what, count),
        "polytls-openssl" => run(&Polytls::new(Arc::new(OpenSsl::new()), &certificate), what, count),
        "tokio-rustls" => run(&TokioRustls::new(&certificate), what, count),
        _ => run(&TokioOpenSsl::new(&certificate), what, count),
    }
}

fn run(stack: &impl Stack, what: &str, count: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let started = Instant::now();
        if what == "handshakes" {
            for _ in 0..count {
                let (near, far) = duplex(1 << 18);
                tokio::join!(stack.connect(near), stack.accept(far));
            }
        } else {
            let (near, far) = duplex(1 << 18);
            let (mut client, mut server) = tokio::join!(stack.connect(near), stack.accept(far));
            let (payload, mut buffer) = (vec![1; 1 << 16], vec![0; 1 << 16]);
            for _ in 0..count {
                let write = async {
                    client.write_all(&payload).await.expect("written");
                    client.flush().await.expect("flushed");
                };
                tokio::join!(write, async { server.read_exact(&mut buffer).await.expect("read") });
            }
        }
        println!("{} {what}: {:?} each", stack.name(), started.elapsed() / count);
    });
}
