//! What connections cost that wait: memory of the process, without the kernel's sockets.
//!
//! Allocated is what malloc has given out and not got back, to Rust and to C alike, with what malloc itself keeps beside each
//! block. Resident is what the kernel counts for the process, in pages. Both are read on Linux with glibc alone.

use std::{fs, slice, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Sample, one_thread};
use crate::{
    Certificates, Io, Refusal, Settings, Stack,
    connection::{handshake, listener, tcp_pair},
};

/// What brings code and tables into memory, before anything is measured.
const WARM_UP: usize = 8;
/// Bytes that each side sends before the second look.
const EACH_WAY: usize = 16 * 1024;
const PAGE: f64 = 4096.0;

/// Bytes for a pair of connections, client and server, or for one end where it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a report reads it")]
pub struct Memory {
    /// A pair, after its handshake.
    pub fresh: Footprint,
    /// A pair, after 16 KiB each way.
    pub used: Footprint,
    /// Allocated for the client's end of such a pair: what dropping it gives back.
    pub client: f64,
    /// The same of the server's end.
    pub server: f64,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a report reads it")]
pub struct Footprint {
    /// Given out by malloc.
    pub allocated: f64,
    /// Counted by the kernel.
    pub resident: f64,
}

impl Footprint {
    fn now() -> Result<Self, Refusal> {
        Ok(Self { allocated: allocated()?, resident: resident()? })
    }

    fn since(self, before: Self, pairs: usize) -> Self {
        let each = |now: f64, before: f64| (now - before) / pairs as f64;
        Self {
            allocated: each(self.allocated, before.allocated),
            resident: each(self.resident, before.resident),
        }
    }
}

/// A round makes its connections, whatever time it is given: one is enough, in a process that has done nothing else.
pub(super) fn rounds<S: Stack>(
    stack: S,
    settings: Settings,
    pairs: usize,
    servers: usize,
) -> Result<impl FnMut(Duration) -> Sample, Refusal> {
    Footprint::now()?;
    let mut stacks = vec![stack];
    while stacks.len() < servers {
        stacks.push(S::new(&settings, &Certificates::new(settings.certificate))?);
    }
    Ok(move |_| {
        let memory = measure(&stacks, pairs).expect("it was readable before");
        Sample { count: pairs as f64, memory: Some(memory), ..Sample::default() }
    })
}

type Ends<S> = (Vec<Box<<S as Stack>::Client<TcpStream>>>, Vec<Box<<S as Stack>::Server<TcpStream>>>);

fn measure<S: Stack>(stacks: &[S], pairs: usize) -> Result<Memory, Refusal> {
    one_thread().block_on(async {
        // Each has met its peer once: what that leaves is no connection's.
        for stack in stacks {
            let mut warm = connect(slice::from_ref(stack), WARM_UP.div_ceil(stacks.len())).await;
            exchange::<S>(&mut warm).await;
        }
        let before = Footprint::now()?;
        let mut ends = connect(stacks, pairs).await;
        let fresh = Footprint::now()?.since(before, pairs);
        exchange::<S>(&mut ends).await;
        let after = Footprint::now()?;
        let (clients, servers) = ends;
        let spare = clients.capacity() * size_of::<Box<()>>();
        drop(servers);
        let without_servers = Footprint::now()?;
        drop(clients);
        let without_clients = Footprint::now()?;
        let freed = |before: Footprint, after: Footprint| {
            (before.allocated - after.allocated - spare as f64) / pairs as f64
        };
        Ok(Memory {
            fresh,
            used: after.since(before, pairs),
            client: freed(without_servers, without_clients),
            server: freed(after, without_servers),
        })
    })
}

/// Pairs that wait for data. What a stream is itself is on the heap too, so that it counts.
async fn connect<S: Stack>(stacks: &[S], pairs: usize) -> Ends<S> {
    let listener = listener().await;
    let (mut clients, mut servers) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
    for stack in stacks.iter().cycle().take(pairs) {
        let (client, server) = handshake(stack, tcp_pair(&listener).await).await;
        let (mut client, mut server) = (Box::new(client), Box::new(server));
        wait(&mut client).await;
        wait(&mut server).await;
        clients.push(client);
        servers.push(server);
    }
    (clients, servers)
}

async fn exchange<S: Stack>((clients, servers): &mut Ends<S>) {
    let (payload, mut buffer) = (vec![1; EACH_WAY], vec![0; EACH_WAY]);
    for (client, server) in clients.iter_mut().zip(servers) {
        pass(client, server, &payload, &mut buffer).await;
        pass(server, client, &payload, &mut buffer).await;
        wait(client).await;
        wait(server).await;
    }
}

async fn pass(from: &mut impl Io, to: &mut impl Io, payload: &[u8], buffer: &mut [u8]) {
    let write = async {
        from.write_all(payload).await.expect("written");
        from.flush().await.expect("flushed");
    };
    tokio::join!(write, async { to.read_exact(buffer).await.expect("read") });
}

/// A read that finds nothing: what an idle connection does.
async fn wait(stream: &mut impl Io) {
    let mut byte = [0];
    let read = stream.read(&mut byte);
    tokio::select! {
        biased;
        _ = read => panic!("nothing was sent"),
        () = tokio::task::yield_now() => {}
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn allocated() -> Result<f64, Refusal> {
    use malloc_info::info::{SystemType, TotalType};

    let info = malloc_info::malloc_info().map_err(|error| Refusal(error.to_string()))?;
    let system = info.system.iter().filter(|system| matches!(system.r#type, SystemType::Current));
    let from_system: usize = system.map(|system| system.size).sum();
    let total = |mapped: bool| -> usize {
        let of_kind = info.total.iter().filter(|total| matches!(total.r#type, TotalType::Mmap) == mapped);
        of_kind.map(|total| total.size).sum()
    };
    Ok((from_system + total(true)) as f64 - total(false) as f64)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn allocated() -> Result<f64, Refusal> {
    Err(Refusal::new("what is allocated is told by glibc alone"))
}

/// The second number of `statm`, in pages (proc(5)).
fn resident() -> Result<f64, Refusal> {
    let statm = fs::read_to_string("/proc/self/statm").map_err(|error| Refusal(error.to_string()))?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.map(|pages| pages * PAGE).ok_or_else(|| Refusal::new("statm has no second number"))
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Much is held: other tests of this process allocate meanwhile.
    #[test]
    fn what_is_allocated_grows_and_shrinks_with_what_is_held() {
        let before = allocated().unwrap();
        let held: Vec<Vec<u8>> = (0..50_000).map(|_| vec![1; 2000]).collect();
        let grown = allocated().unwrap() - before;
        assert!((90_000_000.0..115_000_000.0).contains(&grown), "{grown}");
        drop(held);
        let left = allocated().unwrap() - before;
        assert!(left < 10_000_000.0, "{left}");
    }

    #[test]
    fn what_is_resident_is_there() {
        assert!(resident().unwrap() > PAGE);
    }
}
