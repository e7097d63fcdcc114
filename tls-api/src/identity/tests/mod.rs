//! What the loaders take, what they refuse and in which words. The files are in `fixtures`, with how each was made.

mod chains;
mod formats;
#[cfg(feature = "encrypted-keys")]
mod hostile;
mod refusals;

use std::path::PathBuf;

use rustls_pki_types::CertificateDer;

use super::{Identity, pem};

const PASSWORD: &str = "pass phrase";

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "src/identity/fixtures", name].iter().collect()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

/// The DER of the one section in a PEM fixture.
fn der(name: &str) -> Vec<u8> {
    pem::sections(&fixture(name)).unwrap().pop().unwrap().body.to_vec()
}

fn certificate(name: &str) -> CertificateDer<'static> {
    der(name).into()
}

fn key_of(identity: &Identity) -> &[u8] {
    identity.private_key().unwrap().secret_der()
}
