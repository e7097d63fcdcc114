//! Both sides present a certificate, and each sees the other's.

#[path = "support/demo.rs"]
mod demo;

use polytls::{ClientAuthentication, ClientConfig, ServerConfig, TlsAcceptor, TlsConnector};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = polytls::default_backend()?;
    let (server_identity, server_roots) = demo::identity(&["localhost"])?;
    let (client_identity, client_roots) = demo::identity(&["client.example"])?;
    let presented = client_identity.chain().to_vec();

    let server = ServerConfig::builder(backend.clone(), server_identity)
        .client_authentication(ClientAuthentication::Required)
        .client_roots(client_roots)
        .build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::new(&server)?;
    let serving = tokio::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await?.0).await?;
        stream.write_all(b"welcome").await?;
        stream.shutdown().await?;
        Ok::<_, std::io::Error>(stream.info().peer_chain.clone())
    });

    let client = ClientConfig::builder(backend).roots(server_roots).identity(client_identity).build()?;
    let tcp = TcpStream::connect(address).await?;
    let mut stream = TlsConnector::new(&client)?.connect(&"localhost".parse()?, tcp).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    stream.shutdown().await?;

    assert_eq!(text, "welcome");
    assert_eq!(serving.await??, presented);
    println!("{}: the server saw the client's certificate, and said {text}", stream.info().backend.name);
    Ok(())
}
