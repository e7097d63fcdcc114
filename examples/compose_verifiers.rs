//! Verifiers over verifiers: rustls's handshake with a server whose certificate webpki and OpenSSL must both accept,
//! whose key is pinned, and which is verified once.
//!
//! `cargo run --example compose_verifiers --features openssl`

#[path = "support/demo.rs"]
mod demo;

use std::sync::Arc;

use polytls::{
    Backend, CertificateVerifier, ClientConfig, Pins, RevocationPolicy, SpkiPin, TlsConnector, TrustPolicy,
    backends::{OpenSsl, Rustls},
    both, cached, pinned, with_revocation,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = demo::Server::start().await?;
    // Revocation is asked about above the cache: what was good an hour ago may be revoked now.
    let trust = TrustPolicy::new(server.roots.clone()).with_revocation(RevocationPolicy::off());

    // A bug in one of them is not one in the other. Where they differ, the log says so, and the certificate is refused.
    let agreed = both(Rustls::new().verifier(&trust)?, OpenSsl::new().verifier(&trust)?);
    // Both cost signatures: what they have accepted is not asked again for an hour.
    let cache = cached(agreed, 256)?;
    let signatures = Rustls::new().signature_verifier()?;
    let unrevoked = with_revocation(cache.clone(), &RevocationPolicy::soft_fail(), signatures)?;
    // The key in use, and the one that will replace it; here the latter is anybody's.
    let [certificate] = &server.roots.certificates()?[..] else { return Err("one root".into()) };
    let next = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
    let verifier = pinned(unrevoked.clone(), Pins::new(SpkiPin::of(certificate)?, next)?);

    for turn in 1..=3 {
        println!("{turn}: {}", greeting(&server, verifier.clone()).await?);
    }
    println!("verified {} time, known {} times", cache.misses(), cache.hits());
    assert_eq!((cache.misses(), cache.hits()), (1, 2));

    // A pin that no key of the path has: what roots say does not matter then.
    let pins = Pins::danger_without_backup(next);
    let error = greeting(&server, pinned(unrevoked, pins)).await.expect_err("no pinned key");
    println!("with another pin: {error}");
    Ok(())
}

/// What the server says to a new client, which has no session to resume.
async fn greeting(
    server: &demo::Server,
    verifier: Arc<dyn CertificateVerifier>,
) -> Result<String, Box<dyn std::error::Error>> {
    let config = ClientConfig::builder(Arc::new(Rustls::new())).verifier(verifier).build()?;
    let tcp = TcpStream::connect(server.address).await?;
    let mut stream = TlsConnector::new(&config)?.connect(&"localhost".parse()?, tcp).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    stream.flush().await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    Ok(page.lines().last().unwrap_or_default().to_owned())
}
