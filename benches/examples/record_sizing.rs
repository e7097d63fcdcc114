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
    io::Error,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use polytls::{Identity, RecordSizing, Roots, ServerName, TlsAcceptor, TlsConnector, backends::Builtin};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::{Instant, sleep},
};

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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let certificate = made.cert.der().clone();
        let identity =
            Identity::from_der([certificate.clone()], made.signing_key.serialize_der()).expect("an identity");
        let backend = Arc::new(Builtin::new());
        let client = polytls::ClientConfig::builder(backend.clone()).roots(Roots::from_der([certificate]));
        let client = TlsConnector::new(&client.build().expect("a configuration")).expect("a connector");
        let server = polytls::ServerConfig::builder(backend, identity).record_sizing(sizing);
        let server = TlsAcceptor::new(&server.build().expect("a configuration")).expect("an acceptor");

        let path = Path::new(lost_per_mille, seed);
        let (near, far) = path.ends();
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
            let asked = Instant::now();
            stream.write_u8(7).await.expect("written");
            stream.flush().await.expect("flushed");
            let mut buffer = vec![0; answer];
            let mut count = stream.read(&mut buffer).await.expect("an answer");
            let first = asked.elapsed();
            count += stream.read_exact(&mut buffer[count..]).await.expect("the rest");
            assert_eq!(count, answer);
            (first, asked.elapsed(), stream)
        };
        let ((first, last, _near), _far) = tokio::select! {
            both = async { tokio::join!(client, server) } => both,
            () = path.run() => unreachable!("the path goes on"),
        };
        Answer { first, last, sent: path.down().sent }
    })
}

/// Both directions between a client and a server.
#[derive(Clone)]
struct Path {
    up: Arc<Mutex<Direction>>,
    down: Arc<Mutex<Direction>>,
    lost_per_mille: u32,
    seed: u32,
}

/// What one side has sent and the other has not read.
#[derive(Default)]
struct Direction {
    under_way: VecDeque<u8>,
    come: VecDeque<u8>,
    sent: usize,
    reader: Option<Waker>,
}

impl Path {
    fn new(lost_per_mille: u32, seed: u32) -> Self {
        Self { up: Arc::default(), down: Arc::default(), lost_per_mille, seed }
    }

    fn ends(&self) -> (End, End) {
        let near = End { reads: self.down.clone(), writes: self.up.clone() };
        (near, End { reads: self.up.clone(), writes: self.down.clone() })
    }

    fn down(&self) -> MutexGuard<'_, Direction> {
        lock(&self.down)
    }

    /// Moves what is sent, for ever.
    async fn run(&self) {
        tokio::join!(self.run_up(), self.run_down());
    }

    async fn run_up(&self) {
        loop {
            let count = lock(&self.up).under_way.len();
            sleep(if count == 0 { ROUND_TRIP / 100 } else { ROUND_TRIP / 2 }).await;
            lock(&self.up).arrive(count);
        }
    }

    /// A window a round trip: what of it is not lost comes half a round trip after it was sent.
    async fn run_down(&self) {
        let mut window = INITIAL_WINDOW;
        let mut random = u64::from(self.seed) * 2 + 1;
        loop {
            let waiting = lock(&self.down).under_way.len();
            if waiting == 0 {
                sleep(ROUND_TRIP / 100).await;
                continue;
            }
            let segments = waiting.div_ceil(SEGMENT).min(window);
            let lost = (0..segments).find(|_| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % 1000 < u64::from(self.lost_per_mille)
            });
            sleep(ROUND_TRIP / 2).await;
            lock(&self.down).arrive(lost.unwrap_or(segments) * SEGMENT);
            sleep(ROUND_TRIP / 2).await;
            window = match lost {
                Some(_) => (window / 2).max(2),
                None if segments == window => window * 2,
                None => window,
            };
            if let Some(lost) = lost {
                // Sent again, and with it comes what waited behind it.
                sleep(ROUND_TRIP / 2).await;
                lock(&self.down).arrive((segments - lost) * SEGMENT);
                sleep(ROUND_TRIP / 2).await;
            }
        }
    }
}

impl Direction {
    fn arrive(&mut self, count: usize) {
        let count = count.min(self.under_way.len());
        self.come.extend(self.under_way.drain(..count));
        if count > 0
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }
}

fn lock(direction: &Mutex<Direction>) -> MutexGuard<'_, Direction> {
    direction.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One end of a [`Path`].
struct End {
    reads: Arc<Mutex<Direction>>,
    writes: Arc<Mutex<Direction>>,
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        let mut direction = lock(&self.reads);
        if direction.come.is_empty() {
            direction.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = buffer.remaining().min(direction.come.len());
        for byte in direction.come.drain(..count) {
            buffer.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        let mut direction = lock(&self.writes);
        direction.under_way.extend(bytes);
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
