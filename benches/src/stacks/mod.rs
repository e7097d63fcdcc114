//! What is measured: stacks that connect and accept, polytls's and its peers', behind one trait.

#[cfg(feature = "openssl")]
mod openssl_resuming;
#[cfg(feature = "openssl")]
mod openssl_terms;
mod plain;
mod polytls;
#[cfg(feature = "s2n")]
mod s2n;
#[cfg(feature = "openssl")]
mod tokio_native_tls;
#[cfg(feature = "openssl")]
mod tokio_openssl;
mod tokio_rustls;

use std::{fmt, future::Future};

use ::polytls::backends::{Builtin, Rustls};
#[cfg(feature = "openssl")]
use ::polytls::backends::{Native, OpenSsl};

use ::polytls::record::RecordCipher;
use tokio::{
    io::{self, AsyncRead, AsyncWrite},
    net::TcpStream,
};

#[cfg(feature = "s2n")]
pub use self::s2n::S2n;
pub use self::{
    plain::Plain,
    polytls::{Engine, Polytls},
    tokio_rustls::TokioRustls,
};
#[cfg(feature = "openssl")]
pub use self::{tokio_native_tls::TokioNativeTls, tokio_openssl::TokioOpenSsl};
use crate::{Certificates, Settings, Version, worker::Entry};

/// What a byte stream must be.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// The half of a stream that reads.
pub trait Reader: AsyncRead + Unpin + Send + 'static {}
impl<T: AsyncRead + Unpin + Send + 'static> Reader for T {}

/// The half of a stream that writes.
pub trait Writer: AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncWrite + Unpin + Send + 'static> Writer for T {}

/// A client and a server that know each other.
pub trait Stack: Sized + 'static {
    /// The stack's name, such as `tokio-rustls`.
    const NAME: &'static str;
    /// The client's stream.
    type Client<IO: Io>: Io;
    /// The server's stream.
    type Server<IO: Io>: Io;

    /// Both sides with these settings, each of which is heeded.
    ///
    /// # Errors
    /// [`Refusal`] where the stack cannot be told so.
    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal>;

    /// The libraries that run, with their versions.
    fn version() -> String;

    /// The client's handshake.
    fn connect<IO: Io>(&self, io: IO) -> impl Future<Output = Self::Client<IO>>;

    /// The server's handshake.
    fn accept<IO: Io>(&self, io: IO) -> impl Future<Output = Self::Server<IO>>;

    /// What the stack says was negotiated.
    fn negotiated<IO: Io>(client: &Self::Client<IO>) -> Negotiated;

    /// Whether the client presented a certificate; `None` where the stack does not tell.
    fn client_presented<IO: Io>(server: &Self::Server<IO>) -> Option<bool>;

    /// What a client does before it goes, so that its session can be resumed. Default: nothing.
    fn leave<IO: Io>(_client: &mut Self::Client<IO>) -> impl Future<Output = ()> {
        async {}
    }

    /// The client's stream as two halves for two tasks. Default: tokio's, which share a lock.
    fn split_client(stream: Self::Client<TcpStream>) -> (impl Reader, impl Writer) {
        io::split(stream)
    }

    /// The server's stream as two halves for two tasks. Default: tokio's, which share a lock.
    fn split_server(stream: Self::Server<TcpStream>) -> (impl Reader, impl Writer) {
        io::split(stream)
    }

    /// The suite's AEAD alone, where the stack offers it. Default: it does not.
    ///
    /// # Errors
    /// [`Refusal`] where it does not.
    fn record_cipher(_settings: &Settings) -> Result<Box<dyn RecordCipher>, Refusal> {
        Err(Refusal::new("its record ciphers are its own"))
    }
}

/// Every stack that is linked in, the one that the others are compared with first.
pub fn entries() -> Vec<Entry> {
    vec![
        Entry::of::<TokioRustls>(),
        Entry::of::<Polytls<Builtin>>(),
        Entry::of::<Polytls<Rustls>>(),
        #[cfg(feature = "openssl")]
        Entry::of::<Polytls<OpenSsl>>(),
        #[cfg(feature = "openssl")]
        Entry::of::<Polytls<Native>>(),
        #[cfg(feature = "openssl")]
        tokio_openssl::entry(),
        #[cfg(feature = "openssl")]
        Entry::of::<TokioNativeTls>(),
        #[cfg(feature = "s2n")]
        Entry::of::<S2n>(),
        plain::entry(),
    ]
}

/// Why a stack is not among those measured.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "it is its text")]
pub struct Refusal(pub String);

impl Refusal {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a connection came to, in a stack's own words; `None` where it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "stacks construct it")]
pub struct Negotiated {
    /// The version.
    pub version: Option<Version>,
    /// The registry's name of the cipher suite.
    pub cipher_suite: Option<String>,
    /// The group's name, in any case.
    pub group: Option<String>,
    /// Whether a session was resumed.
    pub resumed: Option<bool>,
}

impl Negotiated {
    /// Holds what the stack says against what it was told, and gives the names of what it does not tell.
    ///
    /// # Errors
    /// What was negotiated, where it is something else.
    pub fn check(&self, settings: &Settings) -> Result<Vec<&'static str>, Refusal> {
        let group = settings.group.to_string();
        let facts = [
            ("version", self.version.map(|version| version == settings.version)),
            ("suite", self.cipher_suite.as_ref().map(|suite| suite == settings.cipher_suite())),
            ("group", self.group.as_ref().map(|negotiated| negotiated.eq_ignore_ascii_case(&group))),
        ];
        match facts.iter().find(|(_, agreed)| *agreed == Some(false)) {
            Some((fact, _)) => Err(Refusal(format!("negotiated another {fact}: {self:?}"))),
            None => Ok(facts.iter().filter(|(_, agreed)| agreed.is_none()).map(|(fact, _)| *fact).collect()),
        }
    }
}
