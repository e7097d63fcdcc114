//! The worker with tokio-boring: rounds of the benchmarks' scenarios that standard input asks for, a line of JSON each.
//!
//! BoringSSL's symbols are OpenSSL's, so that no other worker can have both. `polytls-benches compare` starts this one, if
//! `benches/boring/build` has made it.

mod ffi;
mod stack;

use std::io;

use polytls_benches::worker::{self, Entry};

use crate::stack::TokioBoring;

fn main() -> io::Result<()> {
    worker::serve(&[Entry::of::<TokioBoring>()], io::stdin().lock(), io::stdout().lock())
}
