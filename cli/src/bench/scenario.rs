//! What is measured, a number of times at once.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use polytls::TlsStream;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task::JoinHandle,
};

use super::{
    cpu,
    engine::{Engine, Negotiated, Streams},
    link::Link,
};
use crate::failure::Failure;

/// How much a receiver of bulk data takes at once.
const READ: usize = 64 << 10;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    /// Full handshakes, one after the other
    Handshakes,
    /// Handshakes that resume the session before, each with a byte from the server, behind which the next ticket is
    Resumed,
    /// Data from the server to the client, for each size of a write
    Bulk,
    /// A small request and an answer of the same size, one after the other
    Echo,
}

/// A scenario with the size of its writes, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) scenario: Scenario,
    /// In bytes; 0 for handshakes.
    pub(super) size: usize,
}

/// What one round came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) elapsed: Duration,
    /// The processors' time on both ends; `None` where the system does not tell.
    pub(super) cpu: Option<Duration>,
    /// How many handshakes, writes or requests.
    pub(super) count: u64,
    /// Of requests the median time to the answer, and the 99th percentile.
    pub(super) latency: Option<[Duration; 2]>,
}

/// An engine at its work.
pub(super) struct Contestant<'a, L: Link> {
    pub(super) name: &'static str,
    engine: Engine,
    link: &'a L,
    work: Work,
    negotiated: Negotiated,
    /// For data: the connection that all rounds use.
    streams: Option<Streams<L::Io>>,
    latencies: Vec<Duration>,
}

impl Scenario {
    /// Whether sessions are resumed.
    pub(super) fn resumes(self) -> bool {
        self == Self::Resumed
    }

    /// The name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Handshakes => "handshakes",
            Self::Resumed => "resumed",
            Self::Bulk => "bulk",
            Self::Echo => "echo",
        }
    }
}

impl<'a, L: Link> Contestant<'a, L> {
    pub(super) fn new(
        name: &'static str,
        engine: Engine,
        link: &'a L,
        work: Work,
        negotiated: Negotiated,
    ) -> Self {
        Self { name, engine, link, work, negotiated, streams: None, latencies: Vec::new() }
    }

    /// Does the work so many times; connections that data needs are made before time is taken.
    pub(super) async fn run(&mut self, count: u64) -> Result<Sample, Failure> {
        match self.work.scenario {
            Scenario::Handshakes | Scenario::Resumed => self.handshakes(count).await,
            Scenario::Bulk => self.bulk(count).await,
            Scenario::Echo => self.echo(count).await,
        }
    }

    async fn handshakes(&mut self, count: u64) -> Result<Sample, Failure> {
        let clock = Clock::start();
        for _ in 0..count {
            let (near, _far) = self.connect().await?;
            drop(near);
        }
        Ok(clock.stop(count))
    }

    /// A connection that is like all others.
    async fn connect(&self) -> Result<Streams<L::Io>, Failure> {
        let streams = self.engine.connect(self.link).await?;
        self.engine.check(streams.0.info())?;
        let negotiated = Negotiated::of(streams.0.info());
        if negotiated != self.negotiated {
            let all = self.negotiated;
            return Err(Failure::connection(format!("negotiated {negotiated} after {all}")));
        }
        Ok(streams)
    }

    /// The connection of the round before, or a new one.
    async fn streams(&mut self) -> Result<Streams<L::Io>, Failure> {
        match self.streams.take() {
            Some(streams) => Ok(streams),
            None => self.connect().await,
        }
    }

    async fn bulk(&mut self, count: u64) -> Result<Sample, Failure> {
        let (mut near, far) = self.streams().await?;
        let mut left = count.saturating_mul(self.work.size as u64);
        let data = vec![0x5a; self.work.size];
        let mut buffer = vec![0; READ];
        let clock = Clock::start();
        let sending = self.link.server().spawn(send(far, data, count));
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(READ).min(READ);
            match near.read(&mut buffer[..most]).await? {
                0 => return Err(Failure::connection("the server closed before all had arrived")),
                read => left -= read as u64,
            }
        }
        let far = joined(sending).await?;
        let sample = clock.stop(count);
        self.streams = Some((near, far));
        Ok(sample)
    }

    async fn echo(&mut self, count: u64) -> Result<Sample, Failure> {
        let (mut near, far) = self.streams().await?;
        let request = vec![0x5a; self.work.size];
        let mut answer = vec![0; self.work.size];
        self.latencies.clear();
        self.latencies.reserve(usize::try_from(count).unwrap_or_default());
        let clock = Clock::start();
        let answering = self.link.server().spawn(answer_all(far, self.work.size, count));
        let mut asked = Instant::now();
        for _ in 0..count {
            near.write_all(&request).await?;
            near.flush().await?;
            near.read_exact(&mut answer).await?;
            let answered = Instant::now();
            self.latencies.push(answered - asked);
            asked = answered;
        }
        let far = joined(answering).await?;
        let sample = clock.stop(count);
        if answer != request {
            return Err(Failure::connection("the answer is not what was asked"));
        }
        self.streams = Some((near, far));
        Ok(Sample { latency: percentiles(&mut self.latencies), ..sample })
    }
}

async fn send<Io>(mut stream: TlsStream<Io>, data: Vec<u8>, count: u64) -> Result<TlsStream<Io>, Failure>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
{
    for _ in 0..count {
        stream.write_all(&data).await?;
    }
    stream.flush().await?;
    Ok(stream)
}

async fn answer_all<Io>(mut stream: TlsStream<Io>, size: usize, count: u64) -> Result<TlsStream<Io>, Failure>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut request = vec![0; size];
    for _ in 0..count {
        stream.read_exact(&mut request).await?;
        stream.write_all(&request).await?;
        stream.flush().await?;
    }
    Ok(stream)
}

async fn joined<T>(task: JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    task.await.map_err(|error| Failure::connection(error.to_string()))?
}

/// The median and the 99th percentile: the least time that so many of all do not exceed.
fn percentiles(latencies: &mut [Duration]) -> Option<[Duration; 2]> {
    latencies.sort_unstable();
    let at =
        |percent: usize| latencies.get((latencies.len() * percent).div_ceil(100).checked_sub(1)?).copied();
    Some([at(50)?, at(99)?])
}

/// Time on the wall and on the processors, from its start.
struct Clock {
    started: Instant,
    cpu: Option<Duration>,
}

impl Clock {
    fn start() -> Self {
        Self { cpu: cpu::time(), started: Instant::now() }
    }

    fn stop(self, count: u64) -> Sample {
        let elapsed = self.started.elapsed();
        let cpu = self.cpu.and_then(|before| Some(cpu::time()?.saturating_sub(before)));
        Sample { elapsed, cpu, count, latency: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_seen() {
        let mut hundred: Vec<_> = (1..=100).rev().map(Duration::from_micros).collect();
        let of =
            |latencies: &mut [Duration]| percentiles(latencies).map(|all| all.map(|one| one.as_micros()));
        assert_eq!(of(&mut hundred), Some([50, 99]));
        assert_eq!(of(&mut hundred[..1]), Some([1, 1]));
        assert_eq!(of(&mut hundred[..3]), Some([2, 3]));
        assert_eq!(of(&mut []), None);
    }
}
