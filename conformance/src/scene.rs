//! What the behaviours play in: a root, a server's identity, and the two ends of a connection in memory.

use std::{cell::RefCell, future::Future, rc::Rc};

use polytls_api::{
    ClientConfig, ClientConfigBuilder, ConfigError, ConfigOption, ConnectOptions, Error, ErrorKind,
    HandshakeError, Identity, ProtocolVersion, ServerConfig, ServerConfigBuilder, ServerName, TlsAcceptor,
    TlsConnector, TlsStream,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, failed},
    pair::Side,
    pipe::{Direction, PipeEnd, Wire, pipe},
    pki::{Authority, Leaf, SERVER_NAME},
    quiet::{Quiet, Rest},
};

/// A connection over a pipe.
pub(crate) type Stream = TlsStream<PipeEnd>;

/// Where a behaviour plays.
pub(crate) struct Scene {
    pub(crate) pair: Pair,
    /// What both sides may speak.
    pub(crate) versions: Vec<ProtocolVersion>,
    /// Whom the client trusts.
    pub(crate) root: Authority,
    /// What the server presents.
    pub(crate) identity: Identity,
}

impl Scene {
    /// Both sides may speak whatever both can.
    pub(crate) fn new(pair: &Pair) -> Result<Self, Stop> {
        let root = Authority::root();
        let identity = root.issue(Leaf::server());
        Ok(Self { pair: pair.clone(), versions: pair.versions()?, root, identity })
    }

    /// One scene for each version that both can speak.
    pub(crate) fn in_each_version(pair: &Pair) -> Result<Vec<Self>, Stop> {
        pair.versions()?.into_iter().map(|version| Self::in_version(pair, version)).collect()
    }

    /// Both sides may speak this version alone; whether they can is for the checker to say.
    pub(crate) fn in_version(pair: &Pair, version: ProtocolVersion) -> Result<Self, Stop> {
        Ok(Self { versions: vec![version], ..Self::new(pair)? })
    }

    /// The scene with another identity for its server.
    pub(crate) fn presenting(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// The scene with another identity of the same name and authority for its server.
    pub(crate) fn presenting_another(self) -> Self {
        let identity = self.root.issue(Leaf::server());
        self.presenting(identity)
    }

    /// A client of the scene, changed; `needs` are the options that the change makes use of.
    pub(crate) fn connector(
        &self,
        needs: &[ConfigOption],
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> Result<TlsConnector, Stop> {
        let builder = ClientConfig::builder(self.pair.client.clone())
            .protocol_versions(self.versions.clone())
            .roots(self.root.roots())
            .danger_no_handshake_time_limit();
        let needs = self.with_own_needs(needs, &[ConfigOption::ExplicitRoots]);
        let built = change(builder).build().and_then(|config| TlsConnector::new(&config));
        self.pair.expect_supported_or_refused(Side::Client, &needs, built)
    }

    /// A server of the scene, changed; `needs` are the options that the change makes use of.
    pub(crate) fn acceptor(
        &self,
        needs: &[ConfigOption],
        change: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
    ) -> Result<TlsAcceptor, Stop> {
        let builder = ServerConfig::builder(self.pair.server.clone(), self.identity.clone());
        self.acceptor_of(needs, builder, change)
    }

    /// A server of the scene that begins with this builder, changed.
    pub(crate) fn acceptor_of(
        &self,
        needs: &[ConfigOption],
        builder: ServerConfigBuilder,
        change: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
    ) -> Result<TlsAcceptor, Stop> {
        let builder =
            change(builder.protocol_versions(self.versions.clone()).danger_no_handshake_time_limit());
        let needs = self.with_own_needs(needs, &[]);
        let built = builder.build().and_then(|config| TlsAcceptor::new(&config));
        self.pair.expect_supported_or_refused(Side::Server, &needs, built)
    }

    fn with_own_needs(&self, needs: &[ConfigOption], own: &[ConfigOption]) -> Vec<ConfigOption> {
        let versions = self.versions.iter().copied().map(ConfigOption::ProtocolVersion);
        needs.iter().chain(own).cloned().chain(versions).collect()
    }

    /// Client and server as they are.
    pub(crate) fn ends(&self) -> Result<Ends, Stop> {
        Ok(Ends::new(self.connector(&[], |client| client)?, self.acceptor(&[], |server| server)?))
    }
}

/// A client and a server.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) connector: TlsConnector,
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) name: ServerName,
}

impl Ends {
    pub(crate) fn new(connector: TlsConnector, acceptor: TlsAcceptor) -> Self {
        Self { connector, acceptor, name: ServerName::Dns(SERVER_NAME.into()) }
    }

    /// The client connects to this name.
    pub(crate) fn to(mut self, name: &str) -> Result<Self, Stop> {
        self.name = name.parse()?;
        Ok(self)
    }

    /// An established connection.
    pub(crate) async fn connect(&self) -> Result<(Stream, Stream), Stop> {
        self.connect_over(Wire::default(), Wire::default()).await
    }

    /// An established connection over these wires, the client's first.
    pub(crate) async fn connect_over(&self, there: Wire, back: Wire) -> Result<(Stream, Stream), Stop> {
        self.connect_with(&ConnectOptions::new(), there, back).await
    }

    /// An established connection with these options of the client's.
    pub(crate) async fn connect_with(
        &self,
        options: &ConnectOptions,
        there: Wire,
        back: Wire,
    ) -> Result<(Stream, Stream), Stop> {
        let (near, far) = pipe(there, back);
        // A side that fails drops its end, so that the other is not left waiting.
        let client = async {
            let connecting = self.connector.connect_with(&self.name, options, near);
            connecting.await.map_err(HandshakeError::into_error)
        };
        let server = async { self.acceptor.accept(far).await.map_err(HandshakeError::into_error) };
        match tokio::join!(client, server) {
            (Ok(client), Ok(server)) => Ok((client, server)),
            (client, server) => {
                let (client, server) = (client.map(|_| "connected"), server.map(|_| "accepted"));
                failed(format!("the handshake failed: client {client:?}, server {server:?}"))
            }
        }
    }

    /// How a handshake ends that must not succeed on both sides.
    pub(crate) fn failure(&self) -> Result<Failures, Stop> {
        self.failure_over(Wire::default(), Wire::default())
    }

    /// [`Ends::failure`] of a handshake that works on other threads too, and ends without its peer's doing.
    pub(crate) fn failure_on_threads(&self) -> Result<Failures, Stop> {
        let (near, far) = pipe(Wire::default(), Wire::default());
        let outputs = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
        let mut tasks = Quiet::new();
        let (client, server) = (self.connector.connect(&self.name, near), self.acceptor.accept(far));
        tasks.add(async { *outputs.0.borrow_mut() = failure_of(client).await });
        tasks.add(async { *outputs.1.borrow_mut() = failure_of(server).await });
        let rest = tasks.run_with_threads(|| false);
        drop(tasks);
        match (outputs.0.take(), outputs.1.take()) {
            (Some(client), Some(server)) => Ok(Failures { client, server }),
            other => failed(format!("{rest:?}: both sides must fail: {other:?}")),
        }
    }

    /// [`Ends::failure`] over these wires.
    pub(crate) fn failure_over(&self, there: Wire, back: Wire) -> Result<Failures, Stop> {
        let (near, far) = pipe(there, back);
        let directions = [near.reading(), near.writing()];
        let (client, server) = both_to_the_end(
            &directions,
            failure_of(self.connector.connect(&self.name, near)),
            failure_of(self.acceptor.accept(far)),
        )?;
        match (client, server) {
            (Some(client), Some(server)) => Ok(Failures { client, server }),
            (client, server) => failed(format!("both sides must fail: client {client:?}, server {server:?}")),
        }
    }
}

/// How both sides saw a handshake fail.
#[derive(Debug)]
pub(crate) struct Failures {
    pub(crate) client: Error,
    pub(crate) server: Error,
}

/// The error of a handshake, or of the first read after one that this side held for complete.
pub(crate) async fn failure_of(
    handshake: impl Future<Output = Result<Stream, HandshakeError<PipeEnd>>>,
) -> Option<Error> {
    match handshake.await {
        Err(error) => Some(error.into_error()),
        // In TLS 1.3 a client is done before the server has looked at its certificate.
        Ok(mut stream) => stream.read(&mut [0; 1]).await.err().map(Error::from),
    }
}

/// Runs both; where they wait for each other, ends the pipe, and then both must end.
pub(crate) fn both_to_the_end<A, B>(
    directions: &[Direction],
    client: impl Future<Output = A>,
    server: impl Future<Output = B>,
) -> Result<(A, B), Stop> {
    let outputs = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
    let mut tasks = Quiet::new();
    tasks.add(async { *outputs.0.borrow_mut() = Some(client.await) });
    tasks.add(async { *outputs.1.borrow_mut() = Some(server.await) });
    let mut rest = tasks.run();
    if rest == Rest::Stalled {
        directions.iter().for_each(Direction::end);
        rest = tasks.run();
    }
    drop(tasks);
    match (rest, outputs.0.take(), outputs.1.take()) {
        (Rest::Done, Some(client), Some(server)) => Ok((client, server)),
        (rest, client, server) => {
            let waiting = [(client.is_none(), "client"), (server.is_none(), "server")];
            let waiting: Vec<_> = waiting.iter().filter(|(waits, _)| *waits).map(|(_, side)| *side).collect();
            failed(format!("{rest:?}: {waiting:?} does not end though the byte stream has"))
        }
    }
}

/// Some bytes in both directions: both sides have then seen all of the handshake, tickets too.
pub(crate) async fn exchange(client: &mut Stream, server: &mut Stream) -> Result<(), Stop> {
    pass(client, server, b"from the client").await.at("client to server")?;
    pass(server, client, b"from the server").await.at("server to client")
}

/// Writes what fits into the pipe, and reads it at the other end.
pub(crate) async fn pass(from: &mut Stream, to: &mut Stream, bytes: &[u8]) -> Result<(), Stop> {
    from.write_all(bytes).await.at("writing")?;
    from.flush().await.at("flushing")?;
    let mut read = vec![0; bytes.len()];
    to.read_exact(&mut read).await.at("reading")?;
    ensure(read == bytes, || "other bytes were read than written".into())
}

/// The TLS error in what a stream gave.
pub(crate) fn tls_error(error: &std::io::Error) -> Result<Error, Stop> {
    match Error::from_io(error) {
        Some(error) => Ok(error.clone()),
        None => failed(format!("no TLS error is in {error:?}")),
    }
}

/// What a call on an established connection came to, as the configuration's error that it may end in.
pub(crate) fn as_config_error<T>(outcome: Result<T, Error>) -> Result<Result<T, ConfigError>, Stop> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match error.kind() {
            ErrorKind::Config(reason) => Ok(Err(reason.clone())),
            _ => Err(error.into()),
        },
    }
}

/// Goes on if the error is of a kind.
pub(crate) fn ensure_kind(
    side: &str,
    error: &Error,
    is: impl FnOnce(&ErrorKind) -> bool,
    expected: &str,
) -> Result<(), Stop> {
    ensure(is(error.kind()), || format!("the {side}'s error must be {expected}, and is {error:?}"))
}
