//! The seams: what a TLS engine must offer, and what it may rely on.
//!
//! # Contract
//! - A backend is a value. It keeps no process-wide state, so two run side by side in one process.
//! - A configuration reaches a backend only after the checker has compared it with the backend's
//!   [`Capabilities`]: every option in it must be honoured.
//! - A handshake and a session do no I/O of their own; a session does not even await.
//! - While a chain awaits its verdict, no byte of application data passes in either direction.

use std::{fmt, io::IoSlice, sync::Arc};

use async_trait::async_trait;

use crate::{
    Background, Buffer, Capabilities, CertificateVerifier, CipherSuite, ClientConfig, ConfigError,
    ConnectionInfo, Error, ReplayableData, ServerConfig, ServerName, SignatureVerifier, Transport,
    TrustPolicy,
    record::{RecordCipher, RecordKey},
};

/// A TLS engine: a factory for handshakes, verifiers and record ciphers.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Which engine this is.
    fn info(&self) -> BackendInfo;

    /// What this instance (library, version, build) can do.
    fn capabilities(&self) -> &Capabilities;

    /// Prepares client handshakes: parses keys and roots once, for many connections.
    ///
    /// # Errors
    /// [`ConfigError`] when the library refuses what the configuration holds.
    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError>;

    /// Prepares server handshakes.
    ///
    /// # Errors
    /// [`ConfigError`] when the library refuses what the configuration holds.
    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError>;

    /// The library's certificate validation, to use alone or under another backend's handshake.
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`] where the library does not offer it, [`ConfigError::NoRoots`] without roots.
    fn verifier(&self, trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError>;

    /// The library's verification of what authorities sign, for those who check revocation lists and OCSP responses.
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`] where the library does not offer it.
    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError>;

    /// The library's AEAD under one key.
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`] where the library does not offer it for this suite.
    fn record_cipher(
        &self,
        suite: CipherSuite,
        key: RecordKey<'_>,
    ) -> Result<Box<dyn RecordCipher>, ConfigError>;
}

/// Which engine a backend is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "backends construct it")]
pub struct BackendInfo {
    /// The name by which a user chooses it, such as `rustls`.
    pub name: &'static str,
    /// The TLS library with its version, such as `rustls 0.23`.
    pub library: String,
    /// The library that does the cryptography, such as `aws-lc-rs`.
    pub crypto: String,
}

/// The client's side of a handshake (RFC 8446 §2), prepared for many connections.
#[async_trait]
pub trait ClientHandshake: Send + Sync {
    /// Runs one handshake with the server `name`.
    ///
    /// What is left in `transport.outgoing()` at the end, an alert or a last message, is sent by the caller.
    async fn connect(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        transport: &mut Transport<'_>,
    ) -> Result<Established, Error>;
}

/// What one connection of a client asks for beside its configuration.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Sent before the handshake is complete, where a session to resume allows it. Default: none.
    pub early_data: Option<ReplayableData>,
}

impl ConnectOptions {
    /// Nothing beside the configuration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends this before the handshake is complete (RFC 8446 §2.3), where a session to resume allows that much.
    ///
    /// Needs [`ClientConfigBuilder::early_data`](crate::ClientConfigBuilder::early_data). What became of it is in
    /// [`ConnectionInfo::early_data`]: unless it was accepted, the server's application has seen nothing of it,
    /// and it is the caller's to send again.
    #[must_use]
    pub fn early_data(mut self, data: ReplayableData) -> Self {
        self.early_data = Some(data);
        self
    }
}

/// The server's side of a handshake, prepared for many connections.
#[async_trait]
pub trait ServerHandshake: Send + Sync {
    /// Runs one handshake; what is left in `transport.outgoing()` at the end is sent by the caller.
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error>;
}

/// What a handshake ends in.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "backends construct it")]
pub struct Established {
    /// The keys and the state of the record layer.
    pub session: Box<dyn Session>,
    /// What was negotiated.
    pub info: ConnectionInfo,
    /// On a server: the early data that it accepted.
    pub early_data: Option<ReplayableData>,
    /// What the session leaves to its driver.
    pub background: Background,
    /// Whether the session pads what it seals (RFC 8446 §5.4): [`RecordSizing::SmallFirst`](crate::RecordSizing::SmallFirst)
    /// says nothing then, as padding would fill every small record up.
    pub pads_records: bool,
}

impl Established {
    /// A connection without early data, whose session leaves nothing to its driver and pads nothing.
    pub fn new(session: Box<dyn Session>, info: ConnectionInfo) -> Self {
        Self { session, info, early_data: None, background: Background::none(), pads_records: false }
    }
}

/// An established connection: synchronous, without I/O, made for speed (RFC 8446 §5).
///
/// Once a call has failed, every later one fails too, but `close`, which then may add nothing; the alert for the peer is
/// in `outgoing`. Keys that are used up ([`KeysExhausted`](crate::ErrorKind::KeysExhausted)) end `seal` and `update_keys` alone.
pub trait Session: fmt::Debug + Send {
    /// Turns plaintext into whole records at the end of `outgoing`, and says how many bytes it took.
    ///
    /// It may take fewer than given, and takes at least one if there is one; 64 KiB a call is a good measure.
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error>;

    /// Turns records at the front of `incoming` into plaintext.
    ///
    /// Consumes what it used. It may append to `outgoing`: an alert, the answer to a key update.
    /// `plaintext` is not empty.
    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error>;

    /// Appends close_notify to `outgoing` (RFC 8446 §6.1). Called once; neither `seal` nor
    /// `update_keys` is called afterwards.
    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error>;

    /// Has new keys protect what is sent from here on, and asks the peer to do the same if `ask_peer`
    /// (RFC 8446 §4.6.3).
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`] within the error where the library cannot, [`ConfigError::Invalid`] in TLS 1.2,
    /// which has no key update. Neither ends the connection.
    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error>;

    /// Fills `output` with key material that both sides of this connection can compute, and nobody else
    /// (RFC 8446 §7.5, RFC 5705).
    ///
    /// In TLS 1.2 no context and an empty one differ (RFC 5705 §4); in TLS 1.3 they are the same.
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`] within the error where the library cannot, [`ConfigError::Invalid`] for an
    /// output that is empty or too long. Neither ends the connection.
    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error>;

    /// The session as two halves that two tasks use at once.
    ///
    /// Where one state of the library's serves both directions, [`SessionHalves::behind_a_lock`] makes them.
    fn split(self: Box<Self>) -> SessionHalves;
}

/// The halves of a [`Session`], which are one again wherever they are together: this is a [`Session`] itself.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "backends construct it")]
pub struct SessionHalves {
    /// Seals.
    pub sending: Box<dyn SendingHalf>,
    /// Opens.
    pub receiving: Box<dyn ReceivingHalf>,
}

/// The sending half of a [`Session`].
///
/// Once a call of either half has failed, every later one of both fails too, but `close`, and `open` as long as data is
/// left that had come before. Keys that are used up end what this half seals, as with a [`Session`], and nothing else.
pub trait SendingHalf: fmt::Debug + Send {
    /// As [`Session::seal`]. What the receiving half has asked for goes out before.
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error>;

    /// Appends to `outgoing` what the receiving half has asked for and what does not wait for data, such as an alert.
    ///
    /// It costs next to nothing when there is nothing, and may leave some for later while much waits in `outgoing`.
    fn answer(&mut self, outgoing: &mut Buffer);

    /// As [`Session::close`].
    ///
    /// # Errors
    /// As there.
    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error>;

    /// As [`Session::update_keys`].
    ///
    /// # Errors
    /// As there.
    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error>;

    /// As [`Session::export_keying_material`].
    ///
    /// # Errors
    /// As there.
    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error>;
}

/// The receiving half of a [`Session`].
pub trait ReceivingHalf: fmt::Debug + Send {
    /// As [`Session::open`], without what that appends to `outgoing`: see [`ReceivingHalf::has_answer`].
    fn open(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> Result<Opened, Error>;

    /// Whether something waits for [`SendingHalf::answer`]. It is asked after every `open`: an atomic is enough to tell.
    fn has_answer(&self) -> bool;
}

/// What [`Session::open`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the driver must know every case")]
pub enum Opened {
    /// This many bytes of plaintext, at least one.
    Data(usize),
    /// No plaintext until more bytes come from the peer.
    NeedMore,
    /// The peer sent close_notify: the clean end of its data.
    Closed,
}
