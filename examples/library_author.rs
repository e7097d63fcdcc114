//! How a library offers TLS without choosing an engine. Copy the module and these lines of its Cargo.toml:
//!
//! ```toml
//! [dependencies]
//! polytls = { version = "0.1", default-features = false, features = ["tokio"] }
//!
//! [features]
//! default = ["rustls"]
//! rustls = ["polytls/rustls"]
//! openssl = ["polytls/openssl"]
//! native = ["polytls/native"]
//! ```

#[path = "support/demo.rs"]
mod demo;

/// The library: one code path, whichever engine its user compiles in or hands over.
mod tiny_library {
    use polytls::{ClientConfig, ConfigError, ServerName, TlsConnector};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpStream, ToSocketAddrs},
    };

    /// Says hello to servers.
    pub(crate) struct Greeter {
        connector: TlsConnector,
    }

    impl Greeter {
        /// Over the application's default engine, with its defaults.
        pub(crate) fn new() -> Result<Self, ConfigError> {
            Self::with_tls(&ClientConfig::builder(polytls::default_backend()?).build()?)
        }

        /// Over whatever the application configures: engine, roots, identity.
        pub(crate) fn with_tls(config: &ClientConfig) -> Result<Self, ConfigError> {
            Ok(Self { connector: TlsConnector::new(config)? })
        }

        /// The server's answer.
        pub(crate) async fn greet(
            &self,
            name: &ServerName,
            address: impl ToSocketAddrs,
        ) -> std::io::Result<String> {
            let mut stream = self.connector.connect(name, TcpStream::connect(address).await?).await?;
            stream.write_all(b"hello\n").await?;
            stream.flush().await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok(answer)
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = demo::Server::start().await?;
    let name = "localhost".parse()?;

    let config =
        polytls::ClientConfig::builder(polytls::default_backend()?).roots(server.roots.clone()).build()?;
    let answer = tiny_library::Greeter::with_tls(&config)?.greet(&name, server.address).await?;
    assert!(answer.ends_with("hello over TLS\n"));
    println!("{answer}");

    // Without the example's root the default refuses, and says why.
    if let Ok(greeter) = tiny_library::Greeter::new() {
        let error = greeter.greet(&name, server.address).await.expect_err("a stranger's certificate");
        println!("by default: {error}");
    }
    Ok(())
}
