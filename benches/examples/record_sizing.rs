//! When a client sees the first and the last byte of an answer, by the lengths of the records that carry it: what
//! the default of [`RecordSizing`] was chosen by. `record_sizing [ANSWERS]`
//!
//! The path is computed, and time stands still meanwhile, so that every run says the same. The server's TCP is in slow
//! start with a window of 10 segments (RFC 6928), which doubles in every round trip that fills it (RFC 7661) and is halved by
//! a loss; a segment that
//! is lost comes a round trip later, and what follows it waits for it. What the client sends takes half a round trip.

use std::{
    collections::VecDeque,
    env,
    future::{Future, poll_fn},
    io::Error,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use polytls::{Identity, RecordSizing, Roots, ServerName, TlsAcceptor, TlsConnector, backends::Builtin};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

const ROUND_TRIP: Duration = Duration::from_millis(50);
const SEGMENT: usize = 1428;
const INITIAL_WINDOW: usize = 10;
const ANSWERS: u32 = 100;

fn main() {
    let answers =
        env::args().nth(1).map_or(ANSWERS, |count| count.parse().expect("a number of answers")).max(1);
    println!(
        "Milliseconds from the request to the first byte and to the last, means of {answers} answers; a round trip takes {}.\n",
        ROUND_TRIP.as_millis()
    );
    println!(
        "| answer | segments lost | records | first byte | last byte | bytes sent |\n|---|---|---|---|---|---|"
    );
    for (answer, name) in
        [(8 << 10, "8 KiB"), (32 << 10, "32 KiB"), (100 << 10, "100 KiB"), (1 << 20, "1 MiB")]
    {
        for lost_per_mille in [0, 10] {
            for sizing in [RecordSizing::SmallFirst, RecordSizing::Full] {
                let runs: Vec<_> =
                    (0..answers).map(|seed| ask(answer, sizing, lost_per_mille, seed)).collect();
                let first = runs.iter().map(|run| run.first).sum::<Duration>() / answers;
                let last = runs.iter().map(|run| run.last).sum::<Duration>() / answers;
                let sent = runs.iter().map(|run| run.sent).sum::<usize>() / runs.len();
                println!(
                    "| {name} | {} % | {sizing:?} | {} | {} | {} |",
                    f64::from(lost_per_mille) / 10.0,
                    first.as_millis(),
                    last.as_millis(),
                    sent,
                );
            }
        }
    }
}

/// What became of one answer.
struct Answer {
    first: Duration,
    last: Duration,
    /// By the server, with its handshake and all that TLS adds.
    sent: usize,
}

/// One connection, one request of one byte, one answer of this many.
fn ask(answer: usize, sizing: RecordSizing, lost_per_mille: u32, seed: u32) -> Answer {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let identity =
        Identity::from_der([certificate.clone()], made.signing_key.serialize_der()).expect("an identity");
    let backend = Arc::new(Builtin::new());
    let client = polytls::ClientConfig::builder(backend.clone()).roots(Roots::from_der([certificate]));
    let client = TlsConnector::new(&client.build().expect("a configuration")).expect("a connector");
    let server = polytls::ServerConfig::builder(backend, identity).record_sizing(sizing);
    let server = TlsAcceptor::new(&server.build().expect("a configuration")).expect("an acceptor");

    let path = SharedPath(Arc::new(Mutex::new(Path::new(lost_per_mille, seed))));
    let (near, far) =
        (End { path: path.clone(), side: Side::Client }, End { path: path.clone(), side: Side::Server });
    let server = async {
        let mut stream = server.accept(far).await.expect("a handshake");
        let request = stream.read_u8().await.expect("a request");
        stream.write_all(&vec![request; answer]).await.expect("written");
        stream.flush().await.expect("flushed");
        stream
    };
    let client = async {
        let name: ServerName = "localhost".parse().expect("a name");
        let mut stream = client.connect(&name, near).await.expect("a handshake");
        let asked = path.lock().now;
        stream.write_u8(7).await.expect("written");
        stream.flush().await.expect("flushed");
        let mut buffer = vec![0; answer];
        let count = stream.read(&mut buffer).await.expect("an answer");
        let first = path.lock().now - asked;
        stream.read_exact(&mut buffer[count..]).await.expect("the rest");
        (first, path.lock().now - asked, stream)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let ((first, last, _near), _far) =
        runtime.block_on(path.clone().run(async { tokio::join!(client, server) }));
    Answer { first, last, sent: path.lock().down.sent }
}

/// Both directions between a client and a server, and what time it is.
struct Path {
    now: Duration,
    up: Direction,
    down: Direction,
    /// Segments that the server may have under way.
    window: usize,
    /// When those are acknowledged that are.
    acknowledged: Duration,
    lost_per_mille: u32,
    random: u64,
}

/// What one side has sent and the other has not read.
#[derive(Default)]
struct Direction {
    waiting: usize,
    bytes: VecDeque<u8>,
    /// When how many of the bytes come, in order.
    arrivals: VecDeque<(Duration, usize)>,
    come: usize,
    sent: usize,
}

impl Path {
    fn new(lost_per_mille: u32, seed: u32) -> Self {
        Self {
            now: Duration::ZERO,
            up: Direction::default(),
            down: Direction::default(),
            window: INITIAL_WINDOW,
            acknowledged: Duration::ZERO,
            lost_per_mille,
            random: u64::from(seed) * 2 + 1,
        }
    }

    /// Sends what waits, and goes on to when something comes or may be sent.
    fn go_on(&mut self) {
        if self.up.waiting > 0 {
            self.up.arrive_at(self.now + ROUND_TRIP / 2, self.up.waiting);
        }
        if self.down.waiting > 0 && self.now >= self.acknowledged {
            self.send_window();
        }
        let arrivals = [&self.up, &self.down].into_iter().filter_map(|way| way.arrivals.front());
        let next =
            arrivals.map(|(when, _)| *when).chain((self.down.waiting > 0).then_some(self.acknowledged)).min();
        self.now = next.expect("one of the two has sent something");
        self.up.come_until(self.now);
        self.down.come_until(self.now);
    }

    /// What of it is not lost comes half a round trip later.
    fn send_window(&mut self) {
        let segments = self.down.waiting.div_ceil(SEGMENT).min(self.window);
        let lost = (0..segments).find(|_| self.is_lost());
        self.down.arrive_at(self.now + ROUND_TRIP / 2, lost.unwrap_or(segments) * SEGMENT);
        self.acknowledged = self.now + ROUND_TRIP;
        match lost {
            Some(lost) => {
                // Sent again, and with it comes what waited behind it.
                self.down.arrive_at(self.now + ROUND_TRIP + ROUND_TRIP / 2, (segments - lost) * SEGMENT);
                self.acknowledged += ROUND_TRIP;
                self.window = (self.window / 2).max(2);
            }
            None if segments == self.window => self.window *= 2,
            None => {}
        }
    }

    fn is_lost(&mut self) -> bool {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % 1000 < u64::from(self.lost_per_mille)
    }
}

impl Direction {
    fn arrive_at(&mut self, when: Duration, count: usize) {
        let count = count.min(self.waiting);
        self.waiting -= count;
        self.arrivals.push_back((when, count));
    }

    fn come_until(&mut self, now: Duration) {
        while let Some(&(when, count)) = self.arrivals.front()
            && when <= now
        {
            self.come += count;
            self.arrivals.pop_front();
        }
    }
}

#[derive(Clone)]
struct SharedPath(Arc<Mutex<Path>>);

impl SharedPath {
    fn lock(&self) -> MutexGuard<'_, Path> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with the path whenever both sides wait for it.
    async fn run<T>(self, both: impl Future<Output = T>) -> T {
        let mut both = pin!(both);
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(output) = both.as_mut().poll(cx) {
                    return Poll::Ready(output);
                }
                self.lock().go_on();
            }
        })
        .await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// One end of a path.
struct End {
    path: SharedPath,
    side: Side,
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let mut path = self.path.lock();
        let direction = if self.side == Side::Client { &mut path.down } else { &mut path.up };
        let count = buffer.remaining().min(direction.come);
        if count == 0 {
            return Poll::Pending;
        }
        direction.come -= count;
        let bytes: Vec<u8> = direction.bytes.drain(..count).collect();
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        let mut path = self.path.lock();
        let direction = if self.side == Side::Client { &mut path.up } else { &mut path.down };
        direction.bytes.extend(bytes);
        direction.waiting += bytes.len();
        direction.sent += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }
}
