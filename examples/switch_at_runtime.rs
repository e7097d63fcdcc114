//! One code path over every engine that is compiled in, or over the one named: `switch_at_runtime openssl`.

#[path = "support/demo.rs"]
mod demo;

use std::sync::Arc;

use polytls::{Backend, ClientConfig, TlsConnector};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engines = match std::env::args().nth(1) {
        Some(name) => vec![polytls::backend(&name)?],
        None => polytls::backends::all(),
    };
    let server = demo::Server::start().await?;
    for engine in engines {
        hello(engine, &server).await?;
    }
    Ok(())
}

async fn hello(engine: Arc<dyn Backend>, server: &demo::Server) -> Result<(), Box<dyn std::error::Error>> {
    let config = ClientConfig::builder(engine).roots(server.roots.clone()).alpn(["http/1.1"]).build()?;
    let tcp = TcpStream::connect(server.address).await?;
    let mut stream = TlsConnector::new(&config)?.connect(&"localhost".parse()?, tcp).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    stream.flush().await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    assert!(page.ends_with("hello over TLS\n"));
    let info = stream.info();
    println!("{}: {:?} with {:?}", info.backend.library, info.version, info.cipher_suite);
    Ok(())
}
