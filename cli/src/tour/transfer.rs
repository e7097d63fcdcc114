//! Data in one direction, every byte checked.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Stream;
use crate::failure::Failure;

const MIB: u64 = 1 << 20;

/// One write, and the unit of the pattern that the other side checks.
const BLOCK: usize = 64 * 1024;

/// Sends this much from `near` to `far`, each on its own task, and says how long it took.
pub(super) async fn run(
    near: Stream,
    far: Stream,
    mib: u64,
    pair: &str,
) -> Result<(Stream, Stream, Duration), Failure> {
    let total = mib * MIB;
    let bar = progress(total, pair);
    let started = Instant::now();
    let sending = tokio::spawn(send(near, total));
    let receiving = tokio::spawn(receive(far, total, bar.clone()));
    let joined = tokio::try_join!(
        async { sending.await.map_err(|error| Failure::connection(error.to_string()))? },
        async { receiving.await.map_err(|error| Failure::connection(error.to_string()))? },
    );
    let elapsed = started.elapsed();
    bar.finish_and_clear();
    let (near, far) = joined?;
    Ok((near, far, elapsed))
}

async fn send(mut stream: Stream, total: u64) -> Result<Stream, Failure> {
    let pattern = pattern();
    for _ in 0..total / BLOCK as u64 {
        stream.write_all(&pattern).await?;
    }
    stream.flush().await?;
    Ok(stream)
}

async fn receive(mut stream: Stream, total: u64, bar: ProgressBar) -> Result<Stream, Failure> {
    let pattern = pattern();
    let mut buffer = vec![0; 4 * BLOCK];
    let mut received = 0;
    while received < total {
        let count = stream.read(&mut buffer).await?;
        let position = (received % BLOCK as u64) as usize;
        if count == 0 || !matches(&buffer[..count], &pattern, position) {
            return Err(Failure::connection("the data that arrived is not the data that was sent"));
        }
        received += count as u64;
        bar.set_position(received);
    }
    Ok(stream)
}

fn pattern() -> Vec<u8> {
    (0..BLOCK).map(|i| (i * 131 % 251) as u8).collect()
}

/// Whether `bytes` are what the repeated pattern holds from `offset` on.
fn matches(mut bytes: &[u8], pattern: &[u8], mut offset: usize) -> bool {
    while !bytes.is_empty() {
        let count = bytes.len().min(pattern.len() - offset);
        if bytes[..count] != pattern[offset..offset + count] {
            return false;
        }
        bytes = &bytes[count..];
        offset = 0;
    }
    true
}

/// Shown on standard error, and only if that is a terminal.
fn progress(total: u64, pair: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if let Ok(style) =
        ProgressStyle::with_template("     {msg} [{bar:40}] {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    bar.set_message(pair.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_displaced_byte_is_found() {
        let pattern = pattern();
        let mut bytes = [&pattern[100..], &pattern, &pattern[..7]].concat();
        assert!(matches(&bytes, &pattern, 100));
        assert!(!matches(&bytes, &pattern, 101));
        *bytes.last_mut().unwrap() ^= 1;
        assert!(!matches(&bytes, &pattern, 100));
    }
}
