//! Any bytes of a peer, to both roles of the builtin engine: no panic, no hang, no more held than the bounds allow.

#![no_main]

use std::{
    io,
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use libfuzzer_sys::fuzz_target;
use polytls_api::{
    Backend, ByteStream, ClientConfig, ClientHandshake, ConnectOptions, DangerAcceptAnyCertificate, Identity,
    ServerConfig, ServerHandshake, Transport,
};
use polytls_builtin::Builtin;

/// Gives the peer's bytes, some at a time, and takes everything.
struct Peer<'a> {
    bytes: &'a [u8],
    at_a_time: usize,
}

impl ByteStream for Peer<'_> {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let count = self.bytes.len().min(buffer.len()).min(self.at_a_time);
        let (now, later) = self.bytes.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Ends {
    client: Arc<dyn ClientHandshake>,
    server: Arc<dyn ServerHandshake>,
}

fn ends() -> &'static Ends {
    static ENDS: OnceLock<Ends> = OnceLock::new();
    ENDS.get_or_init(|| {
        let backend = Arc::new(Builtin::new());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity =
            Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap();
        let client = ClientConfig::builder(backend.clone()).verifier(Arc::new(DangerAcceptAnyCertificate));
        let server = ServerConfig::builder(backend.clone(), identity);
        Ends {
            client: backend.client(&client.build().unwrap()).unwrap(),
            server: backend.server(&server.build().unwrap()).unwrap(),
        }
    })
}

/// The stream is always ready, so a handshake that waits would wait for ever.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits, and everything has come"),
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&[role], bytes)) = input.split_first_chunk() else { return };
    let mut peer = Peer { bytes, at_a_time: if role & 2 == 0 { usize::MAX } else { 1 } };
    let mut transport = Transport::new(&mut peer);
    // Nobody can finish a handshake whose keys he does not have.
    if role & 1 == 0 {
        assert!(now(ends().server.accept(&mut transport)).is_err());
    } else {
        let (name, options) = ("localhost".parse().unwrap(), ConnectOptions::new());
        assert!(now(ends().client.connect(&name, &options, &mut transport)).is_err());
    }
});
