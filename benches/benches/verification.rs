//! Certificate chains verified in a second, by each backend's verifier and by its library called directly.
//!
//! `cargo bench -p polytls-benches --bench verification`; the example `verification` compares them in turns, which tells
//! a few percent more surely.

use std::time::Duration;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use polytls::{
    Backend,
    backends::{Builtin, OpenSsl, Rustls},
};
use polytls_benches::verification::{Chain, OpenSslDirectly, ThroughPolytls, Verification, WebPkiDirectly};

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, verification: &impl Verification) {
    group.bench_function(name, |bencher| bencher.iter(|| verification.verify()));
}

fn backend(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, backend: &dyn Backend, chain: &Chain) {
    let verification = ThroughPolytls::of_backend(backend, chain);
    measure(group, name, &verification);
    measure(group, &format!("{name}, cached"), &verification.cached());
}

fn verifications(criterion: &mut Criterion) {
    for chain in &Chain::all() {
        let mut group = criterion.benchmark_group(format!("verification, {}", chain.name));
        group.sample_size(40).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
        group.throughput(Throughput::Elements(1));
        measure(&mut group, "webpki", &WebPkiDirectly::new(chain));
        backend(&mut group, "polytls-rustls", &Rustls::new(), chain);
        backend(&mut group, "polytls-builtin", &Builtin::new(), chain);
        measure(&mut group, "OpenSSL", &OpenSslDirectly::new(chain));
        backend(&mut group, "polytls-openssl", &OpenSsl::new(), chain);
        group.finish();
    }
}

criterion_group!(benches, verifications);
criterion_main!(benches);
