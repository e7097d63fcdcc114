//! The connections of a server: how many, how long, and how they end with it.

use std::{pin::pin, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use polytls::TlsAcceptor;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use crate::{
    failure::Failure,
    serve::{
        bounded::{Bounded, linger},
        files::Folder,
    },
};

/// How many connections are served at once; more wait in the listener's queue.
const CONNECTIONS: u32 = 1024;

/// How long a client may take for a request's header.
const HEADER_TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long responses may take that are under way when the server ends.
const GRACE: Duration = Duration::from_secs(10);

/// What serves every connection.
pub(super) struct Connections {
    acceptor: TlsAcceptor,
    folder: Arc<Folder>,
    places: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn new(acceptor: TlsAcceptor, folder: Arc<Folder>) -> Self {
        Self { acceptor, folder, places: Arc::new(Semaphore::new(CONNECTIONS as usize)) }
    }

    /// Serves until interrupted, then lets the responses under way end; a second interrupt cuts them short.
    pub(super) async fn serve(self, listener: TcpListener) -> Result<(), Failure> {
        let (server, ending) = watch::channel(());
        tokio::select! {
            () = self.accept(listener, ending) => {}
            outcome = interrupted() => outcome?,
        }
        drop(server);
        let all_ended = self.places.acquire_many(CONNECTIONS);
        tokio::select! {
            // Whoever has not ended within the time is cut off.
            _ = timeout(GRACE, all_ended) => Ok(()),
            outcome = interrupted() => outcome,
        }
    }

    /// Accepts for ever. What goes wrong with one connection is that connection's end alone.
    async fn accept(&self, listener: TcpListener, ending: watch::Receiver<()>) {
        while let Ok(place) = self.places.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((tcp, peer)) => {
                    let connection =
                        connection(tcp, self.acceptor.clone(), self.folder.clone(), place, ending.clone());
                    tokio::spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::info!(%peer, error, "connection ended");
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: connections that end give some back.
                    tracing::warn!(%error, "cannot accept");
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

/// One connection, from its handshake to its end.
async fn connection(
    tcp: TcpStream,
    acceptor: TlsAcceptor,
    folder: Arc<Folder>,
    place: OwnedSemaphorePermit,
    mut ending: watch::Receiver<()>,
) -> Result<(), String> {
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    let stream = match acceptor.accept(tcp).await {
        Ok(stream) => stream,
        Err(failed) => {
            let reason = failed.to_string();
            let mut tcp = failed.into_io();
            // The alert is out, and the client that is to read it may have gone already.
            let _ = tcp.shutdown().await;
            tokio::spawn(linger(tcp, place));
            return Err(reason);
        }
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A client may close its direction once it has asked, and still wait for the answer.
    builder.http1().half_close(true).timer(TokioTimer::new()).header_read_timeout(HEADER_TIME_LIMIT);
    builder.http2().timer(TokioTimer::new());
    let service = hyper::service::service_fn(move |request| {
        let folder = folder.clone();
        async move { Ok::<_, std::convert::Infallible>(folder.answer(&request).await) }
    });
    let io = TokioIo::new(Bounded::new(stream, place));
    let mut serving = pin!(builder.serve_connection(io, service));
    tokio::select! {
        served = serving.as_mut() => return served.map_err(|error| error.to_string()),
        // Nothing is ever sent: it changes when the server drops its end.
        _ = ending.changed() => serving.as_mut().graceful_shutdown(),
    }
    serving.await.map_err(|error| error.to_string())
}

/// Awaits Ctrl-C, or the signal by which services are stopped.
async fn interrupted() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
