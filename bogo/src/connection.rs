//! The connections of a test, in a row: handshake, what must hold after it, exchange, end.

use polytls::{
    AlertDescription, ClientHello, ConnectOptions, EarlyDataStatus, HandshakeError, HelloLimits,
    IncomingHandshake, ReplayableData, TlsAcceptor, TlsStream,
};

use crate::{
    config::{Prepared, Side},
    exchange, expect,
    flags::Plan,
    hooks::Live,
    link::Link,
    options::Options,
    report::Failure,
};

/// Runs every connection that the runner wants.
pub(crate) async fn run(plan: &Plan) -> Result<(), Failure> {
    let backend = plan.initial.runner.backend.as_deref();
    let live = Live::default();
    let mut prepared = Prepared::new(backend, &plan.initial.settings, &live)?;
    // What the shim cannot do should show before the first connection.
    if plan.resume.settings != prepared.settings && plan.initial.runner.resume_count > 0 {
        Prepared::new(backend, &plan.resume.settings, &live)?;
    }
    for count in 0..=plan.initial.runner.resume_count {
        let options = if count == 0 { &plan.initial } else { &plan.resume };
        if options.settings != prepared.settings {
            prepared = Prepared::new(backend, &options.settings, &live)?;
        }
        live.begin(&options.verdicts);
        Connection { options, retry: &plan.retry, prepared: &prepared, live: &live, resumes: count > 0 }
            .run()
            .await?;
    }
    Ok(())
}

/// One connection to the runner.
pub(crate) struct Connection<'a> {
    pub(crate) options: &'a Options,
    /// What holds from when the server has refused early data.
    retry: &'a Options,
    pub(crate) prepared: &'a Prepared,
    pub(crate) live: &'a Live,
    /// It is not the first: it offers, or is offered, the session of an earlier one.
    pub(crate) resumes: bool,
}

impl Connection<'_> {
    async fn run(mut self) -> Result<(), Failure> {
        let sessions_before = self.sessions_came();
        let link = Link::connect(&self.options.runner, self.options.settings.suspends).await?;
        let mut stream = match self.handshake(link).await {
            Ok(stream) => stream,
            Err((failure, link)) => {
                if let Some(link) = link {
                    link.drain().await;
                }
                return Err(failure);
            }
        };
        let client = !self.options.settings.server;
        if client && stream.info().early_data == EarlyDataStatus::Rejected {
            self.options = self.retry;
        }
        let outcome = self.established(&mut stream, sessions_before).await;
        stream.into_io().drain().await;
        outcome
    }

    async fn established(&self, stream: &mut TlsStream<Link>, sessions_before: usize) -> Result<(), Failure> {
        expect::handshake(self, stream)?;
        let end = exchange::run(self, stream).await?;
        expect::sessions(self, stream.info(), self.sessions_came() - sessions_before)?;
        exchange::shut_down(&self.options.exchange, stream, end).await
    }

    fn sessions_came(&self) -> usize {
        self.prepared.sessions.as_ref().map_or(0, |sessions| sessions.came())
    }

    async fn handshake(&self, link: Link) -> Result<TlsStream<Link>, (Failure, Option<Link>)> {
        let outcome = match &self.prepared.side {
            Side::Client(connector, name) => {
                let mut options = ConnectOptions::new();
                if let Some(data) = self.early_data() {
                    options = options.early_data(data);
                }
                connector.connect_with(name, &options, link).await
            }
            Side::Server(acceptor) if self.looks_at_hello() => {
                return self.accept_looking(acceptor, link).await;
            }
            Side::Server(acceptor) => acceptor.accept(link).await,
        };
        outcome.map_err(failed)
    }

    /// What a client writes first, where it may go out before the handshake is complete.
    fn early_data(&self) -> Option<ReplayableData> {
        let exchange = &self.options.exchange;
        let writes = self.resumes && self.options.settings.early_data && exchange.shim_writes_first;
        writes.then(|| ReplayableData::new(exchange.initial_write.repeat(exchange.initial_writes)))
    }

    /// Whether a test is about what a server does between the ClientHello and the handshake.
    fn looks_at_hello(&self) -> bool {
        let (verdicts, expected) = (&self.options.verdicts, &self.options.expected);
        verdicts.early_callback
            || verdicts.reject_hello
            || verdicts.reject_hello_late
            || expected.advertised_alpn.is_some()
            || !expected.peer_verify_prefs.is_empty()
            || expected.no_server_name
    }

    async fn accept_looking(
        &self,
        acceptor: &TlsAcceptor,
        link: Link,
    ) -> Result<TlsStream<Link>, (Failure, Option<Link>)> {
        let incoming = IncomingHandshake::read(link, HelloLimits::default()).await.map_err(failed)?;
        if let Some(alert) = self.refusal() {
            let rejected = incoming.reject(alert).await;
            return Err((Failure::Named(":CONNECTION_REJECTED:"), rejected.ok()));
        }
        if let Err(failure) = self.check_hello(incoming.client_hello()) {
            return Err((failure, Some(incoming.into_parts().0)));
        }
        incoming.accept(acceptor).await.map_err(failed)
    }

    /// The alert with which BoringSSL refuses in either of its callbacks.
    fn refusal(&self) -> Option<AlertDescription> {
        if self.options.verdicts.reject_hello {
            return Some(AlertDescription::HANDSHAKE_FAILURE);
        }
        self.options.verdicts.reject_hello_late.then_some(AlertDescription::INTERNAL_ERROR)
    }

    fn check_hello(&self, hello: &ClientHello) -> Result<(), Failure> {
        let expected = &self.options.expected;
        if let Some(wanted) = &expected.advertised_alpn {
            let encode = |name: &[u8]| [&[u8::try_from(name.len()).unwrap_or(0)][..], name].concat();
            let found = hello.alpn().flat_map(encode).collect::<Vec<_>>();
            expect::equal("advertised protocols", &found, wanted)?;
        }
        if !expected.peer_verify_prefs.is_empty() {
            let found: Vec<_> = hello.signature_schemes().iter().map(|scheme| scheme.code()).collect();
            expect::equal("the client's signature schemes", &found, &expected.peer_verify_prefs)?;
        }
        if expected.no_server_name {
            expect::equal("server name", &hello.server_name(), &None)?;
        }
        Ok(())
    }
}

fn failed(failed: HandshakeError<Link>) -> (Failure, Option<Link>) {
    let (error, link) = failed.into_parts();
    (error.into(), Some(link))
}
