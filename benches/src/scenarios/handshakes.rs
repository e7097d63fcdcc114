//! Handshakes: full, resumed or mutual as the settings say, one after the other.

use std::time::Duration;

use tokio::{
    io::duplex,
    net::{TcpListener, TcpStream},
};

use super::{Over, Sample, one_thread, timed};
use crate::{
    Refusal, Settings, Stack,
    connection::{PIPE, handshake, handshake_with_tickets, listener, tcp_pair},
};

/// Makes two connections, and holds what the stack says of the second against the settings.
pub(super) fn check<S: Stack>(stack: &S, settings: &Settings) -> Result<Vec<String>, Refusal> {
    one_thread().block_on(async {
        if settings.resumption {
            handshake_with_tickets(stack, duplex(PIPE)).await;
        }
        let (client, server) = handshake(stack, duplex(PIPE)).await;
        let negotiated = S::negotiated(&client);
        if negotiated.resumed.is_some_and(|resumed| resumed != settings.resumption) {
            return Err(Refusal(format!("resumption was {}: {negotiated:?}", settings.resumption)));
        }
        if S::client_presented(&server)
            .is_some_and(|presented| presented != settings.mutual && !negotiated.resumed.unwrap_or(false))
        {
            return Err(Refusal(format!("a client's certificate was {}", settings.mutual)));
        }
        Ok(negotiated.check(settings)?.into_iter().map(str::to_owned).collect())
    })
}

pub(super) fn rounds<S: Stack>(stack: S, settings: Settings, over: Over) -> impl FnMut(Duration) -> Sample {
    let runtime = one_thread();
    let listener = runtime.block_on(listener());
    // The first connection ever is a full one.
    let mut first = true;
    move |at_least| {
        timed(at_least, || {
            let resumed = runtime.block_on(async {
                match over {
                    Over::Memory => one::<S, _>(&stack, &settings, duplex(PIPE)).await,
                    Over::Tcp => one::<S, _>(&stack, &settings, connected(&listener).await).await,
                }
            });
            assert!(first || resumed != Some(!settings.resumption), "resumption is {}", settings.resumption);
            first = false;
            1
        })
    }
}

/// One handshake; whether it resumed. The client of one that is to be resumed waits for its ticket.
async fn one<S: Stack, IO: crate::Io>(stack: &S, settings: &Settings, ends: (IO, IO)) -> Option<bool> {
    let (client, _server) = if settings.resumption {
        handshake_with_tickets(stack, ends).await
    } else {
        handshake(stack, ends).await
    };
    S::negotiated(&client).resumed
}

/// Ends whose closing leaves no port behind that waits.
async fn connected(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let ends = tcp_pair(listener).await;
    ends.0.set_zero_linger().expect("a TCP option");
    ends
}
