//! Every byte of a connection, changed in every way: no panic, no hang, and never a byte of application data after a
//! corrupt record.
//!
//! For each offset of what a client and a server write, from the first hello to close_notify, one connection for each
//! bit that flips, for the byte lost, doubled, and for all that follows lost; and one that comes byte by byte. There is
//! no clock: a side that would wait for ever is found out at once.

mod wire;

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use polytls_api::{
    ClientAuthentication, ClientConfig, ClientConfigBuilder, ConnectOptions, Identity, NamedGroup,
    ProtocolVersion, ReplayableData, Roots, ServerConfig, ServerConfigBuilder, TlsAcceptor, TlsConnector,
    TlsStream,
};
use polytls_builtin::Builtin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::{Change, Delivery, Direction, End, Fault, run, wire};

/// What each side writes, in a record each.
const MESSAGES: [&[u8]; 3] = [&[b'a'; 37], &[b'b'; 37], &[b'c'; 37]];

/// For a short hello. In TLS 1.2 the certificate's curve must be among them (RFC 8422 §5.1).
const GROUPS: [NamedGroup; 2] = [NamedGroup::X25519, NamedGroup::SECP256R1];
const HYBRID: [NamedGroup; 2] = [NamedGroup::X25519MLKEM768, NamedGroup::SECP256R1];

const EARLY_DATA: &[u8] = b"GET / HTTP/1.1";

/// Flips that may pass unseen in one direction: no transcript covers the versions in the headers of plaintext records
/// (RFC 8446 §5.1), two bytes of each, nor TLS 1.3's change_cipher_spec (RFC 8446 §D.4).
const UNAUTHENTICATED_BITS: usize = 24 * 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// How one side's connection went.
#[derive(Debug, Default)]
struct Report {
    early_data: Vec<u8>,
    received: Vec<u8>,
    /// Everything ended with close_notify.
    clean: bool,
    /// What ended it, if nothing did it cleanly.
    error: Option<String>,
    /// How much this side had written when each of its messages was.
    message_ends: Vec<usize>,
}

impl Report {
    fn everything(&self) -> bool {
        self.clean && self.received == MESSAGES.concat()
    }
}

/// A kind of connection.
struct Scenario {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
    /// A connection without fault comes first, for a session to resume.
    resumes: bool,
    early_data: bool,
}

impl Scenario {
    fn new(
        client: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
        server: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
    ) -> Self {
        let backend = Arc::new(Builtin::new());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let root = made.cert.der().clone();
        let identity = Identity::from_der([root.clone()], made.signing_key.serialize_der()).unwrap();
        let roots = Roots::from_der([root]);
        let config = ClientConfig::builder(backend.clone()).roots(roots.clone()).identity(identity.clone());
        let connector = TlsConnector::new(&client(config.danger_no_handshake_time_limit()).build().unwrap());
        let config = ServerConfig::builder(backend, identity).danger_no_handshake_time_limit();
        let acceptor = TlsAcceptor::new(&server(config).build().unwrap());
        Self { connector: connector.unwrap(), acceptor: acceptor.unwrap(), resumes: false, early_data: false }
    }

    fn full(version: ProtocolVersion, groups: [NamedGroup; 2]) -> Self {
        Self::new(
            |client| client.protocol_versions([version]).named_groups(groups).resumption(false),
            |server| server.protocol_versions([version]).resumption(false),
        )
    }

    fn resumed(version: ProtocolVersion, early_data: bool) -> Self {
        let most = if early_data { 1000 } else { 0 };
        let made = Self::new(
            |client| client.protocol_versions([version]).named_groups(GROUPS).early_data(early_data),
            |server| server.protocol_versions([version]).max_early_data(most),
        );
        Self { resumes: true, early_data, ..made }
    }

    /// One connection, with a fault in what one side writes.
    fn connection(
        &self,
        fault: Option<(Side, Fault)>,
        delivery: Delivery,
    ) -> (Report, Report, [Direction; 2]) {
        let of = |wanted| fault.filter(|(side, _)| *side == wanted).map(|(_, fault)| fault);
        let (near, far) = wire(of(Side::Client), of(Side::Server), delivery);
        let directions = [near.writes.clone(), far.writes.clone()];
        let name = "localhost".parse().unwrap();
        let mut options = ConnectOptions::new();
        if self.early_data {
            options = options.early_data(ReplayableData::new(EARLY_DATA));
        }
        let client = async {
            match self.connector.connect_with(&name, &options, near).await {
                Ok(stream) => converse(stream).await,
                Err(error) => Report { error: Some(error.to_string()), ..Report::default() },
            }
        };
        let server = async {
            match self.acceptor.accept(far).await {
                Ok(stream) => converse(stream).await,
                Err(error) => Report { error: Some(error.to_string()), ..Report::default() },
            }
        };
        let ended = run(directions.clone(), client, server);
        let (client, server) = ended.unwrap_or_else(|| panic!("a side hangs: {fault:?}, {delivery:?}"));
        (client, server, directions)
    }

    /// What a fault must not do; whether it passed unseen.
    fn check(&self, side: Side, fault: Fault, delivery: Delivery) -> bool {
        if self.resumes {
            let (client, server, _) = self.connection(None, Delivery::Whole);
            assert!(client.everything() && server.everything(), "a connection without a fault");
        }
        let (client, server, directions) = self.connection(Some((side, fault)), delivery);
        let place = || format!("{fault:?} from the {side:?}, {delivery:?}: {client:?} {server:?}");
        for report in [&client, &server] {
            assert!(MESSAGES.concat().starts_with(&report.received), "bytes nobody wrote: {}", place());
            assert!(!report.clean || report.everything(), "a clean end before the end: {}", place());
        }
        let early_data = &server.early_data;
        assert!(early_data.is_empty() || early_data == EARLY_DATA, "part of the early data: {}", place());
        let (writer, reader, direction) = match side {
            Side::Client => (&client, &server, &directions[0]),
            Side::Server => (&server, &client, &directions[1]),
        };
        let intact_until = direction.intact_until();
        if client.everything() && server.everything() {
            // Not reached: a signature may be a byte shorter than the one by which the offsets were counted.
            return intact_until < direction.written();
        }
        let intact = writer.message_ends.iter().filter(|&&end| end <= intact_until).count();
        let most = MESSAGES.iter().take(intact).map(|message| message.len()).sum::<usize>();
        assert!(reader.received.len() <= most, "data after a corrupt record: {}", place());
        false
    }

    /// Every fault at every offset; how many there were.
    fn sweep(&self) -> usize {
        if self.resumes {
            self.connection(None, Delivery::Whole);
        }
        let (client, server, directions) = self.connection(None, Delivery::Whole);
        assert!(client.everything() && server.everything(), "{client:?} {server:?}");
        let mut faults = 0;
        for (side, direction) in [(Side::Client, &directions[0]), (Side::Server, &directions[1])] {
            let length = direction.written();
            let (next, count, unseen) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
            let work = || {
                loop {
                    let offset = next.fetch_add(1, Ordering::Relaxed);
                    if offset >= length {
                        return;
                    }
                    for change in Change::ALL {
                        let passed = self.check(side, Fault { offset, change }, Delivery::Whole);
                        assert!(
                            !passed || matches!(change, Change::Flip { .. }),
                            "{change:?} at {offset} passed"
                        );
                        unseen.fetch_add(usize::from(passed), Ordering::Relaxed);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    let fault = Fault { offset, change: Change::Flip { bit: offset as u8 % 8 } };
                    self.check(side, fault, Delivery::OneByte);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            };
            thread::scope(|scope| {
                let threads = thread::available_parallelism().map_or(1, NonZero::get);
                (0..threads).for_each(|_| drop(scope.spawn(work)));
            });
            let unseen = unseen.into_inner();
            assert!(unseen <= UNAUTHENTICATED_BITS, "{unseen} flips from the {side:?} passed unseen");
            faults += count.into_inner();
        }
        faults
    }
}

/// Writes the messages and close_notify, then reads to whatever end there is.
async fn converse(mut stream: TlsStream<End>) -> Report {
    let mut report = Report::default();
    if let Some(early_data) = stream.take_early_data() {
        report.early_data = early_data.as_bytes().to_vec();
    }
    for message in MESSAGES {
        if stream.write_all(message).await.is_err() || stream.flush().await.is_err() {
            break;
        }
        report.message_ends.push(stream.io().writes.written());
    }
    // What the peer wrote is looked at even where it can no longer be written to.
    let _ = stream.shutdown().await;
    let mut buffer = [0; 256];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => {
                report.clean = true;
                return report;
            }
            Ok(count) => report.received.extend_from_slice(&buffer[..count]),
            Err(error) => {
                report.error = Some(error.to_string());
                assert!(stream.read(&mut buffer).await.is_err(), "a read after an error succeeded");
                return report;
            }
        }
    }
}

/// A hundred thousand faults in all, over five kinds of connection.
#[test]
fn no_changed_byte_does_harm() {
    let client_authentication = |version| {
        Scenario::new(
            |client| client.protocol_versions([version]).named_groups(GROUPS).resumption(false),
            |server| {
                let server = server.protocol_versions([version]).resumption(false);
                server
                    .client_authentication(ClientAuthentication::Required)
                    .client_verifier(Arc::new(polytls_api::DangerAcceptAnyCertificate))
            },
        )
    };
    let scenarios = [
        ("TLS 1.3 with client authentication", client_authentication(ProtocolVersion::Tls13)),
        ("TLS 1.2 with client authentication", client_authentication(ProtocolVersion::Tls12)),
        ("TLS 1.3, hybrid", Scenario::full(ProtocolVersion::Tls13, HYBRID)),
        ("TLS 1.2, full", Scenario::full(ProtocolVersion::Tls12, GROUPS)),
        ("TLS 1.3, resumed with early data", Scenario::resumed(ProtocolVersion::Tls13, true)),
        ("TLS 1.2, resumed", Scenario::resumed(ProtocolVersion::Tls12, false)),
    ];
    let mut all = 0;
    for (name, scenario) in &scenarios {
        let faults = scenario.sweep();
        println!("{name}: {faults} faults");
        all += faults;
    }
    println!("{all} faults in all: no panic, no hang, no byte of data after a corrupt record");
    assert!(all >= 100_000, "{all} faults");
}
