//! One listener, many servers: what a client says first decides who serves it, before any engine has started.
//!
//! Here each name has its own certificate, looked up asynchronously, one of them is served by the last engine that is
//! compiled in, and a name that nobody has is refused.

#[path = "support/demo.rs"]
mod demo;

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use polytls::{
    AlertDescription, Backend, ClientConfig, Error, HelloLimits, IncomingHandshake, Roots, ServerConfig,
    TlsAcceptor, TlsConnector,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Who serves which name. In a real server this would ask a database.
struct Tenants(HashMap<&'static str, TlsAcceptor>);

impl Tenants {
    async fn find(&self, name: Option<&str>) -> Option<TlsAcceptor> {
        tokio::task::yield_now().await;
        self.0.get(name?.to_ascii_lowercase().as_str()).cloned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let first = polytls::default_backend()?;
    let last = polytls::backends::all().pop().unwrap_or(first.clone());
    let (one, roots_of_one) = tenant(first.clone(), "one.example")?;
    let (two, roots_of_two) = tenant(last, "two.example")?;
    let tenants = Arc::new(Tenants(HashMap::from([("one.example", one), ("two.example", two)])));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let (tcp, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, a client that has gone: a reason to wait, never one to stop serving.
                    eprintln!("cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let tenants = tenants.clone();
            tokio::spawn(async move {
                if let Err(error) = serve(tcp, &tenants).await {
                    eprintln!("a client was not served: {error}");
                }
            });
        }
    });

    for (name, roots) in [("one.example", &roots_of_one), ("two.example", &roots_of_two)] {
        let answer = ask(first.clone(), address, name, roots).await?;
        println!("{answer}");
        assert!(answer.starts_with(&format!("{name} over ")));
    }
    let refused = ask(first, address, "three.example", &roots_of_one).await.err();
    let alert = refused.as_ref().and_then(Error::from_io).and_then(Error::alert_received);
    assert_eq!(alert, Some(AlertDescription::UNRECOGNIZED_NAME));
    println!("three.example was refused with unrecognized_name");
    Ok(())
}

fn tenant(backend: Arc<dyn Backend>, name: &str) -> Result<(TlsAcceptor, Roots), Box<dyn std::error::Error>> {
    let (identity, roots) = demo::identity(&[name])?;
    let config = ServerConfig::builder(backend, identity).build()?;
    Ok((TlsAcceptor::new(&config)?, roots))
}

async fn serve(tcp: TcpStream, tenants: &Tenants) -> io::Result<()> {
    let incoming = IncomingHandshake::read(tcp, HelloLimits::default()).await?;
    let fingerprint = incoming.client_hello().ja4();
    let Some(acceptor) = tenants.find(incoming.client_hello().server_name()).await else {
        incoming.reject(AlertDescription::UNRECOGNIZED_NAME).await?;
        return Ok(());
    };
    let mut stream = incoming.accept(&acceptor).await?;
    let info = stream.info();
    let name = info.server_name.clone().unwrap_or_default();
    let text = format!("{name} over {}, to the client {fingerprint}", info.backend.library);
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

async fn ask(
    backend: Arc<dyn Backend>,
    address: std::net::SocketAddr,
    name: &str,
    roots: &Roots,
) -> io::Result<String> {
    let config = ClientConfig::builder(backend).roots(roots.clone()).build().map_err(Error::from)?;
    let connector = TlsConnector::new(&config).map_err(Error::from)?;
    let tcp = TcpStream::connect(address).await?;
    let mut stream = connector.connect(&name.parse().map_err(Error::from)?, tcp).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    stream.shutdown().await?;
    Ok(answer)
}
