//! What goes to standard output and standard error: a reader that has gone away is a failure, never a panic.

use std::io::{self, Write};

use crate::failure::Failure;

/// Writes to standard output at once, so that scripts can wait for it.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| unwritable(&error))
}

/// Writes a line to standard error. If that is gone, there is nobody left to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Standard output takes no more.
pub(crate) fn unwritable(error: &io::Error) -> Failure {
    Failure::connection(format!("cannot write to standard output: {error}"))
}
