//! Fetches a page over HTTPS: `https_client https://example.com/`, or without an argument from a server of its own.

#[path = "support/demo.rs"]
mod demo;

use hyper::{Uri, http::uri::PathAndQuery};
use polytls::{ClientConfig, Roots, ServerName, TlsConnector};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1) {
        Some(url) => print!("{}", fetch(&url.parse()?, Roots::Os).await?),
        None => {
            let server = demo::Server::start().await?;
            let url = format!("https://localhost:{}/", server.address.port()).parse()?;
            let page = fetch(&url, server.roots).await?;
            assert!(page.ends_with("hello over TLS\n"), "{page}");
            print!("{page}");
        }
    }
    Ok(())
}

async fn fetch(url: &Uri, roots: Roots) -> Result<String, Box<dyn std::error::Error>> {
    let (Some("https"), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(format!("`{url}` is no https URL").into());
    };
    let config =
        ClientConfig::builder(polytls::default_backend()?).roots(roots).alpn(["http/1.1"]).build()?;
    let name: ServerName = authority.host().parse()?;
    // An IPv6 address stands in brackets in a URL, and without them in a socket's address.
    let tcp = TcpStream::connect((name.to_string(), authority.port_u16().unwrap_or(443))).await?;
    let mut stream = TlsConnector::new(&config)?.connect(&name, tcp).await?;
    let path = url.path_and_query().map_or("/", PathAndQuery::as_str);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut page = Vec::new();
    // A server that cuts the connection is an error here, never a short page.
    stream.read_to_end(&mut page).await?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
