//! An HTTPS server with hyper, for h2 and http/1.1: `https_server --listen 127.0.0.1:8443`.
//!
//! Without an argument it serves one request of its own and ends.

#[path = "support/demo.rs"]
mod demo;

use std::{convert::Infallible, time::Duration};

use http_body_util::{BodyExt, Empty, Full};
use hyper::{Request, Response, body::Bytes, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use polytls::{ClientConfig, Roots, ServerConfig, TlsAcceptor, TlsConnector};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--listen", address] => Some(address),
        _ => return Err("usage: https_server [--listen ADDRESS]".into()),
    };
    let (identity, roots) = demo::identity(&["localhost"])?;
    let config =
        ServerConfig::builder(polytls::default_backend()?, identity).alpn(["h2", "http/1.1"]).build()?;
    let listener = TcpListener::bind(given.unwrap_or("127.0.0.1:0")).await?;
    let address = listener.local_addr()?;
    println!("listening on https://{address}");
    let serving = tokio::spawn(serve(listener, TlsAcceptor::new(&config)?));
    if given.is_none() {
        println!("{}", fetch(address, roots).await?);
        return Ok(());
    }
    Ok(serving.await?)
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let (tcp, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, a client that has gone: a reason to wait, never one to stop serving.
                eprintln!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // One connection that fails is that connection's end alone.
            let stream = match acceptor.accept(tcp).await {
                Ok(stream) => stream,
                Err(failed) => return eprintln!("{peer}: {failed}"),
            };
            let hello = service_fn(|request: Request<_>| async move {
                let _: &Request<hyper::body::Incoming> = &request;
                let text = format!("hello over {:?}", request.version());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
            });
            let served =
                Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), hello).await;
            if let Err(error) = served {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// One request over h2.
async fn fetch(address: std::net::SocketAddr, roots: Roots) -> Result<String, Box<dyn std::error::Error>> {
    let config = ClientConfig::builder(polytls::default_backend()?).roots(roots).alpn(["h2"]).build()?;
    let tcp = TcpStream::connect(address).await?;
    let stream = TlsConnector::new(&config)?.connect(&"localhost".parse()?, tcp).await?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request =
        Request::get(format!("https://localhost:{}/", address.port())).body(Empty::<Bytes>::new())?;
    let page = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    assert_eq!(page, "hello over HTTP/2.0");
    Ok(String::from_utf8_lossy(&page).into_owned())
}
