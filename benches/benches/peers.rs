//! polytls beside the streams that it takes the place of: handshakes, and bytes in memory and over TCP.
//!
//! `cargo bench -p polytls-benches` runs all; `ci/ratios` prints the ratio of each pair from what criterion saved.

use std::{hint::black_box, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use polytls::backends::{Builtin, OpenSsl, Rustls};
use polytls_benches::{
    Certificates, Io, Settings, Stack, connection, connection_with_tickets,
    stacks::{Polytls, TokioOpenSsl, TokioRustls},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

/// Room in the pipe between two ends in memory: one 64 KiB write with its records, and then some.
const PIPE: usize = 256 * 1024;

/// How many bytes one iteration moves.
const TRANSFER: usize = 1 << 20;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn full_handshake<S: Stack>(group: &mut BenchmarkGroup<'_, WallTime>, stack: &S) {
    let runtime = runtime();
    let (client, _) = runtime.block_on(connection(stack));
    S::negotiated(&client).check(&Settings::default()).expect("what it was told");
    group.throughput(Throughput::Elements(1));
    group.bench_function(S::NAME, |bencher| {
        bencher.iter(|| black_box(runtime.block_on(connection(stack))));
    });
}

/// Each resumes with a ticket of the connection before, and takes in new ones.
fn resumed_handshake<S: Stack>(group: &mut BenchmarkGroup<'_, WallTime>, stack: &S) {
    let runtime = runtime();
    runtime.block_on(connection_with_tickets(stack));
    group.throughput(Throughput::Elements(1));
    group.bench_function(S::NAME, |bencher| {
        bencher.iter(|| {
            let (client, _) = black_box(runtime.block_on(connection_with_tickets(stack)));
            assert_eq!(S::negotiated(&client).resumed, Some(true), "{}", S::NAME);
        });
    });
}

/// Writes of `size` until [`TRANSFER`] is through, read on the other side as fast as they come.
async fn transfer(client: &mut impl Io, server: &mut impl Io, size: usize, buffer: &mut [u8]) {
    let payload = vec![0x5a; size];
    let write = async {
        for _ in 0..TRANSFER / size {
            client.write_all(&payload).await.expect("written");
        }
        client.flush().await.expect("flushed");
    };
    let read = async {
        let mut left = TRANSFER;
        while left > 0 {
            let count = server.read(buffer).await.expect("read");
            assert!(count > 0, "the stream ended early");
            left -= count;
        }
    };
    tokio::join!(write, read);
}

fn bulk<S: Stack, IO: Io>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    stack: &S,
    runtime: &Runtime,
    ends: (IO, IO),
    size: usize,
) {
    let (mut client, mut server) =
        runtime.block_on(async { tokio::join!(stack.connect(ends.0), stack.accept(ends.1)) });
    let mut buffer = vec![0; 64 * 1024];
    group.throughput(Throughput::Bytes(TRANSFER as u64));
    group.bench_function(S::NAME, |bencher| {
        bencher.iter(|| runtime.block_on(transfer(&mut client, &mut server, size, &mut buffer)));
    });
}

fn in_memory<S: Stack, const KIB: usize>(group: &mut BenchmarkGroup<'_, WallTime>, stack: &S) {
    bulk(group, stack, &runtime(), duplex(PIPE), KIB * 1024);
}

fn over_tcp<S: Stack, const KIB: usize>(group: &mut BenchmarkGroup<'_, WallTime>, stack: &S) {
    let runtime = runtime();
    let ends = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.expect("connected"), far.expect("accepted").0)
    });
    for end in [&ends.0, &ends.1] {
        end.set_nodelay(true).expect("a TCP option");
    }
    bulk(group, stack, &runtime, ends, KIB * 1024);
}

struct Stacks {
    polytls_rustls: Polytls<Rustls>,
    polytls_openssl: Polytls<OpenSsl>,
    polytls_builtin: Polytls<Builtin>,
    tokio_rustls: TokioRustls,
    tokio_openssl: TokioOpenSsl,
}

/// Runs one benchmark on every stack, each beside its peer in time as well, so that noise falls on both alike.
macro_rules! side_by_side {
    ($criterion:expr, $stacks:expr, $name:expr, $run:expr) => {{
        let mut group = $criterion.benchmark_group($name);
        group.sample_size(40).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
        $run(&mut group, &$stacks.tokio_rustls);
        $run(&mut group, &$stacks.polytls_rustls);
        $run(&mut group, &$stacks.polytls_builtin);
        $run(&mut group, &$stacks.tokio_openssl);
        $run(&mut group, &$stacks.polytls_openssl);
        group.finish();
    }};
}

fn compare(criterion: &mut Criterion) {
    let certificates = Certificates::new(Settings::default().certificate);
    let stacks = Stacks {
        polytls_rustls: made(&Settings::default(), &certificates),
        polytls_openssl: made(&Settings::default(), &certificates),
        polytls_builtin: made(&Settings::default(), &certificates),
        tokio_rustls: made(&Settings::default(), &certificates),
        tokio_openssl: made(&Settings::default(), &certificates),
    };
    side_by_side!(criterion, stacks, "full handshake in memory", full_handshake);
    compare_resumed(criterion, &certificates);
    side_by_side!(criterion, stacks, "16 KiB writes in memory", in_memory::<_, 16>);
    side_by_side!(criterion, stacks, "64 KiB writes in memory", in_memory::<_, 64>);
    side_by_side!(criterion, stacks, "16 KiB writes over TCP", over_tcp::<_, 16>);
    side_by_side!(criterion, stacks, "64 KiB writes over TCP", over_tcp::<_, 64>);
}

fn made<S: Stack>(settings: &Settings, certificates: &Certificates) -> S {
    S::new(settings, certificates).expect("every stack measured here can do this")
}

/// Without tokio-openssl, where to keep sessions is the application's matter.
fn compare_resumed(criterion: &mut Criterion, certificates: &Certificates) {
    let settings = Settings::default().resuming();
    let mut group = criterion.benchmark_group("resumed handshake in memory");
    group.sample_size(40).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    resumed_handshake::<TokioRustls>(&mut group, &made(&settings, certificates));
    resumed_handshake::<Polytls<Rustls>>(&mut group, &made(&settings, certificates));
    resumed_handshake::<Polytls<Builtin>>(&mut group, &made(&settings, certificates));
    resumed_handshake::<Polytls<OpenSsl>>(&mut group, &made(&settings, certificates));
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);
