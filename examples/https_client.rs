//! Fetches a page over HTTPS: `https_client example.com`, or without an argument from a server of its own.

#[path = "support/demo.rs"]
mod demo;

use polytls::{ClientConfig, Roots, ServerName, TlsConnector};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1) {
        Some(host) => print!("{}", fetch(&host, (host.as_str(), 443), Roots::Os).await?),
        None => {
            let server = demo::Server::start().await?;
            let page = fetch("localhost", server.address, server.roots).await?;
            assert!(page.ends_with("hello over TLS\n"), "{page}");
            print!("{page}");
        }
    }
    Ok(())
}

async fn fetch(
    host: &str,
    address: impl tokio::net::ToSocketAddrs,
    roots: Roots,
) -> Result<String, Box<dyn std::error::Error>> {
    let config =
        ClientConfig::builder(polytls::default_backend()?).roots(roots).alpn(["http/1.1"]).build()?;
    let name: ServerName = host.parse()?;
    let tcp = TcpStream::connect(address).await?;
    let mut stream = TlsConnector::new(&config)?.connect(&name, tcp).await?;
    stream
        .write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    stream.flush().await?;
    let mut page = Vec::new();
    // A server that cuts the connection is an error here, never a short page.
    stream.read_to_end(&mut page).await?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
