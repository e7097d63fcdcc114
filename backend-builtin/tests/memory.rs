//! What an idle connection costs beside the stream that it runs over: counted, not estimated.
//!
//! A connection waits in a read, as idle ones do. [`TlsStream::into_io`] then leaves the stream underneath and frees all
//! else, so the difference in the allocator's count is what the connection held; its own size in place, without the
//! stream's, comes on top.
//!
//! Rust's allocator sees nothing of what a C library allocates. Here that is one `EVP_AEAD_CTX` of aws-lc for each
//! direction. Its size is counted with the connection, and held against resident memory over many of them. For another library that allocates more than one
//! kind of block, the same works over many connections: resident memory before and after, by their number, in a process
//! that does nothing else.
//!
//! Bytes are those that were asked for. glibc's malloc adds eight for each block and rounds up to sixteen.
//!
//! [`TlsStream::into_io`]: polytls_api::TlsStream::into_io

use std::{alloc::System, fs, sync::Arc};

use polytls_api::{
    Backend, CertificateDer, CipherSuite, ClientConfig, Identity, ProtocolVersion, Roots, ServerConfig,
    TlsAcceptor, TlsConnector, TlsStream,
    record::{RecordCipher, RecordKey},
};
use polytls_builtin::Builtin;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a connection may cost on either side.
const LIMIT: usize = 2048;

/// What goes each way before a used connection is looked at.
const EACH_WAY: usize = 16 * 1024;

const SUITES: [CipherSuite; 2] =
    [CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256];

/// What aws-lc allocates for the cipher of one direction: its `EVP_AEAD_CTX`, and eight bytes before it.
const AWS_LC_CIPHER: usize = 584 + 8;

type Stream = TlsStream<DuplexStream>;

/// What is allocated at the moment.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    bytes: usize,
    blocks: usize,
}

impl Held {
    fn now() -> Self {
        let stats = ALLOCATOR.stats();
        Self {
            bytes: stats.bytes_allocated - stats.bytes_deallocated,
            blocks: stats.allocations - stats.deallocations,
        }
    }

    fn since(self, before: Self) -> Self {
        Self { bytes: self.bytes - before.bytes, blocks: self.blocks - before.blocks }
    }
}

/// A chain for localhost, of this many certificates, with P-256 keys as is usual.
fn identity(certificates: usize) -> (Identity, Roots) {
    let key = || KeyPair::generate().unwrap();
    let authority = |name: &str| {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
    let (mut chain, mut issuer) = (Vec::<CertificateDer<'static>>::new(), root);
    let roots = Roots::from_der([issuer.der().clone()]);
    for number in 1..certificates {
        let name = format!("intermediate {number}");
        issuer = CertifiedIssuer::signed_by(authority(&name), key(), &issuer).unwrap();
        chain.insert(0, issuer.der().clone());
    }
    let own = key();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    chain.insert(0, leaf.der().clone());
    (Identity::from_der(chain, own.serialize_der()).unwrap(), roots)
}

/// Both sides, with what is on by default.
fn endpoints(version: ProtocolVersion, certificates: usize, resumption: bool) -> (TlsConnector, TlsAcceptor) {
    let (identity, roots) = identity(certificates);
    let suite = SUITES.into_iter().find(|suite| suite.version() == Some(version)).unwrap();
    let client = ClientConfig::builder(Arc::new(Builtin::new())).roots(roots).alpn(["h2"]);
    let server = ServerConfig::builder(Arc::new(Builtin::new()), identity).alpn(["h2"]);
    let client =
        client.protocol_versions([version]).cipher_suites([suite]).resumption(resumption).build().unwrap();
    let server =
        server.protocol_versions([version]).cipher_suites([suite]).resumption(resumption).build().unwrap();
    (TlsConnector::new(&client).unwrap(), TlsAcceptor::new(&server).unwrap())
}

/// Two ends that wait, after this many bytes each way.
async fn idle((connector, acceptor): &(TlsConnector, TlsAcceptor), bytes: usize) -> (Stream, Stream) {
    let (near, far) = duplex(1 << 16);
    let name = "localhost".parse().unwrap();
    let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    pass(&mut client, &mut server, bytes).await;
    pass(&mut server, &mut client, bytes).await;
    wait(&mut client).await;
    wait(&mut server).await;
    (client, server)
}

async fn pass(from: &mut Stream, to: &mut Stream, bytes: usize) {
    from.write_all(&vec![1; bytes]).await.unwrap();
    from.flush().await.unwrap();
    to.read_exact(&mut vec![0; bytes]).await.unwrap();
}

async fn wait(stream: &mut Stream) {
    let mut byte = [0];
    tokio::select! {
        biased;
        _ = stream.read(&mut byte) => panic!("nothing was sent"),
        () = std::future::ready(()) => {}
    }
}

/// What this connection holds beside its stream, in this process's code and in aws-lc's.
fn cost(stream: Stream) -> usize {
    let before = Held::now();
    let io = stream.into_io();
    let held = before.since(Held::now());
    drop(io);
    let in_place = size_of::<Stream>() - size_of::<DuplexStream>();
    let aws_lc = 2 * AWS_LC_CIPHER;
    println!("    {in_place} in place, {} in {} blocks, {aws_lc} in aws-lc's two", held.bytes, held.blocks);
    in_place + held.bytes + aws_lc
}

/// Fails where aws-lc allocates another amount for a cipher than is counted here.
fn check_aws_lc() {
    const MANY: usize = 8192;
    let backend = Builtin::new();
    let cipher = |_| backend.record_cipher(SUITES[0], RecordKey::new(&[7; 16])).unwrap();
    let mut ciphers: Vec<Box<dyn RecordCipher>> = Vec::with_capacity(MANY + 1);
    ciphers.push(cipher(0));
    let resident_before = resident();
    ciphers.extend((0..MANY).map(cipher));
    let each = (resident() - resident_before) / MANY;
    // glibc hands out multiples of 16 bytes, of which eight are its own: 32 for a cipher's own block. Each has a place in
    // the list besides.
    let expected = (AWS_LC_CIPHER + 8).next_multiple_of(16) + 32;
    println!("a cipher: {each} bytes, expected {expected}");
    assert!((expected..expected + 48).contains(&each), "{each} bytes for a cipher, expected {expected}");
}

/// Resident memory of this process in bytes: the second number of `statm`, in pages (proc(5)).
fn resident() -> usize {
    const PAGE: usize = 4096;
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * PAGE
}

// One test, as the count is of the whole process.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
#[tokio::test]
async fn an_idle_connection_costs_less_than_two_kibibytes_on_each_side() {
    check_aws_lc();
    for version in ProtocolVersion::ALL.iter().copied() {
        for (certificates, resumption) in [(1, false), (1, true), (2, true)] {
            let endpoints = endpoints(version, certificates, resumption);
            // What is made once and stays is none of a connection's.
            drop(idle(&endpoints, EACH_WAY).await);
            for bytes in [0, EACH_WAY] {
                let case = format!(
                    "{version}, {certificates} certificate(s), {}, {bytes} bytes each way",
                    if resumption { "resumption" } else { "no resumption" }
                );
                let (alone, _server) = idle(&endpoints, bytes).await;
                println!("{case}: the client's only connection\n    = {} bytes", cost(alone));
                // Of several to one server each holds the same certificates.
                let (_other, _server) = idle(&endpoints, bytes).await;
                let (client, server) = idle(&endpoints, bytes).await;
                for (side, stream) in [("client", client), ("server", server)] {
                    println!("{case}: {side}");
                    let cost = cost(stream);
                    println!("    = {cost} bytes");
                    assert!(cost < LIMIT, "{case}: an idle connection costs the {side} {cost} bytes");
                }
            }
        }
    }
}
