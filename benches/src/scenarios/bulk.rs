//! Bytes through one connection, which lives as long as its rounds.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt, duplex},
    runtime::{Builder, Runtime},
};

use super::{Directions, Over, Sample, one_thread, timed};
use crate::{
    Io, Stack,
    connection::{PIPE, handshake, listener, tcp_pair},
    stacks::{Reader, Writer},
};

/// How many bytes a batch moves in a direction; a round is whole batches.
const BATCH: usize = 1 << 20;
/// The same between threads, which wait for each other at its end.
const BATCH_OF_HALVES: usize = 8 << 20;
/// Room for what is read at once, in bytes.
const READ: usize = 64 << 10;

type Rounds = Box<dyn FnMut(Duration) -> Sample>;

pub(super) fn rounds<S: Stack>(stack: &S, over: Over, write: usize, directions: Directions) -> Rounds {
    match directions {
        Directions::Halves => Box::new(on_two_threads(stack, write)),
        _ => {
            let runtime = one_thread();
            match over {
                Over::Memory => {
                    let ends = runtime.block_on(handshake(stack, duplex(PIPE)));
                    on_one_thread(runtime, ends, write, directions)
                }
                Over::Tcp => {
                    let ends = runtime.block_on(async {
                        let ends = tcp_pair(&listener().await).await;
                        handshake(stack, ends).await
                    });
                    on_one_thread(runtime, ends, write, directions)
                }
            }
        }
    }
}

fn on_one_thread(
    runtime: Runtime,
    (mut client, mut server): (impl Io, impl Io),
    write: usize,
    directions: Directions,
) -> Rounds {
    let (payload, mut there, mut back) = (vec![0x5a; write], vec![0; READ], vec![0; READ]);
    if directions == Directions::One {
        return Box::new(move |at_least| {
            timed(at_least, || {
                runtime.block_on(async {
                    tokio::join!(send(&mut client, &payload, BATCH), receive(&mut server, &mut there, BATCH))
                });
                BATCH
            })
        });
    }
    let ((mut client_reads, mut client_writes), (mut server_reads, mut server_writes)) =
        (io::split(client), io::split(server));
    Box::new(move |at_least| {
        timed(at_least, || {
            runtime.block_on(async {
                tokio::join!(
                    send(&mut client_writes, &payload, BATCH),
                    send(&mut server_writes, &payload, BATCH),
                    receive(&mut server_reads, &mut there, BATCH),
                    receive(&mut client_reads, &mut back, BATCH)
                )
            });
            2 * BATCH
        })
    })
}

/// Both directions over TCP, each half in a task of its own; two threads run the four tasks.
fn on_two_threads<S: Stack>(stack: &S, write: usize) -> impl FnMut(Duration) -> Sample + use<S> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (client, server) = runtime.block_on(async {
        let ends = tcp_pair(&listener().await).await;
        handshake(stack, ends).await
    });
    let payload = Arc::new(vec![0x5a; write]);
    let ((client_reads, client_writes), (server_reads, server_writes)) =
        (S::split_client(client), S::split_server(server));
    let mut writers = Some((client_writes, server_writes));
    let mut readers = Some((server_reads, client_reads));
    move |at_least| {
        timed(at_least, || {
            let ((there, back), (far, near)) =
                (writers.take().expect("given back"), readers.take().expect("given back"));
            runtime.block_on(async {
                let there = tokio::spawn(sent(there, payload.clone()));
                let back = tokio::spawn(sent(back, payload.clone()));
                let far = tokio::spawn(received(far));
                let near = tokio::spawn(received(near));
                let (there, back, far, near) = tokio::join!(there, back, far, near);
                let whole = "no task ends early";
                writers = Some((there.expect(whole), back.expect(whole)));
                readers = Some((far.expect(whole), near.expect(whole)));
            });
            2 * BATCH_OF_HALVES
        })
    }
}

async fn sent<W: Writer>(mut writer: W, payload: Arc<Vec<u8>>) -> W {
    send(&mut writer, &payload, BATCH_OF_HALVES).await;
    writer
}

async fn received<R: Reader>(mut reader: R) -> R {
    receive(&mut reader, &mut vec![0; READ], BATCH_OF_HALVES).await;
    reader
}

/// Writes of the payload's size until so many bytes are through.
async fn send(writer: &mut impl Writer, payload: &[u8], bytes: usize) {
    for _ in 0..bytes / payload.len() {
        writer.write_all(payload).await.expect("written");
    }
    writer.flush().await.expect("flushed");
}

/// Reads what comes as it comes.
async fn receive(reader: &mut impl Reader, buffer: &mut [u8], bytes: usize) {
    let mut left = bytes;
    while left > 0 {
        let count = reader.read(buffer).await.expect("read");
        assert!(count > 0, "the stream ended early");
        left -= count;
    }
}
