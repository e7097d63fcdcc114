//! The key log: session secrets in the NSS format, for a protocol analyser (RFC 9850).

use std::{
    fmt::{self, Write as _},
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::ConfigError;

/// Receives the secrets of every handshake. Whoever has them can read the connection.
pub trait KeyLog: fmt::Debug + Send + Sync {
    /// One secret: its label (`CLIENT_TRAFFIC_SECRET_0`, ...), the ClientHello's random, the secret.
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]);
}

/// A key log in a file, one line a secret, as Wireshark reads it.
#[derive(Debug)]
pub struct KeyLogFile(Mutex<File>);

impl KeyLogFile {
    /// Appends to the file at `path`, which is made if it is not there, readable by its owner alone.
    ///
    /// # Errors
    /// [`ConfigError::File`] when it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(file) => Ok(Self(Mutex::new(file))),
            Err(source) => Err(ConfigError::File { path: path.into(), source: Arc::new(source) }),
        }
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        push_hex(&mut line, client_random);
        line.push(' ');
        push_hex(&mut line, secret);
        line.push('\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::warn!(%error, "cannot write the key log");
        }
        zeroize::Zeroize::zeroize(&mut line);
    }
}

fn push_hex(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(line, "{byte:02x}");
    }
}
