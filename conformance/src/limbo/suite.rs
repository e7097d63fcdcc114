//! The suite's file, read.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use polytls_api::CertificateDer;
use serde::{Deserialize, de::DeserializeOwned};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Case, Expected, Importance, PeerName, Role, client};

/// The cases of one file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Suite {
    /// In the file's order.
    pub cases: Vec<Case>,
}

impl Suite {
    /// Reads a file of the suite's schema, version 1.
    ///
    /// # Errors
    /// [`ReadError`] where it cannot be read or is of another schema. That a certificate in it is malformed is a
    /// case's point, and no error.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let file: File = read_json(path)?;
        if file.version != 1 {
            let reason = format!("its version is {}, and 1 is understood", file.version);
            return Err(ReadError::new(path, reason));
        }
        let case = |written: Written| {
            let id = written.id.clone();
            written.read().map_err(|reason| ReadError::new(path, format!("{id}: {reason}")))
        };
        Ok(Self { cases: file.testcases.into_iter().map(case).collect::<Result<_, _>>()? })
    }

    /// The servers' chains, to be asked as clients': `ID#client`. A case is left out where the rule does not say what
    /// must be said.
    #[must_use]
    pub fn as_clients(&self) -> Self {
        Self { cases: self.cases.iter().filter_map(client::derive).collect() }
    }
}

/// A file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl ReadError {
    pub(crate) fn new(path: &Path, reason: impl fmt::Display) -> Self {
        Self { path: path.into(), reason: reason.to_string() }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for ReadError {}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    let text = fs::read(path).map_err(|error| ReadError::new(path, error))?;
    serde_json::from_slice(&text).map_err(|error| ReadError::new(path, error))
}

#[derive(Deserialize)]
struct File {
    version: u32,
    testcases: Vec<Written>,
}

/// A case as the file has it.
#[derive(Deserialize)]
struct Written {
    id: String,
    description: String,
    #[serde(default)]
    importance: Importance,
    #[serde(default)]
    features: Vec<String>,
    validation_kind: Kind,
    expected_peer_name: Option<PeerName>,
    expected_peer_names: Vec<PeerName>,
    validation_time: Option<String>,
    peer_certificate: String,
    untrusted_intermediates: Vec<String>,
    trusted_certs: Vec<String>,
    #[serde(default)]
    crls: Vec<String>,
    max_chain_depth: Option<usize>,
    expected_result: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Server,
    Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Outcome {
    Success,
    Failure,
}

impl Written {
    fn read(self) -> Result<Case, String> {
        let (role, peers) = match self.validation_kind {
            Kind::Server => (Role::Server, self.expected_peer_name.into_iter().collect()),
            Kind::Client => (Role::Client, self.expected_peer_names),
        };
        Ok(Case {
            time: self.validation_time.as_deref().map(instant).transpose()?,
            end_entity: certificate(&self.peer_certificate)?,
            intermediates: self
                .untrusted_intermediates
                .iter()
                .map(|pem| certificate(pem))
                .collect::<Result<_, _>>()?,
            roots: self.trusted_certs.iter().map(|pem| certificate(pem)).collect::<Result<_, _>>()?,
            crls: self.crls.iter().map(|pem| der(pem).map(Into::into)).collect::<Result<_, _>>()?,
            expected: match self.expected_result {
                Outcome::Success => Expected::Accepted,
                Outcome::Failure => Expected::Refused,
            },
            id: self.id,
            description: self.description,
            importance: self.importance,
            features: self.features,
            max_chain_depth: self.max_chain_depth,
            role,
            peers,
        })
    }
}

fn certificate(text: &str) -> Result<CertificateDer<'static>, String> {
    der(text).map(Into::into)
}

fn der(text: &str) -> Result<Vec<u8>, String> {
    pem::parse(text).map(pem::Pem::into_contents).map_err(|error| error.to_string())
}

fn instant(text: &str) -> Result<SystemTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map(Into::into).map_err(|error| format!("`{text}`: {error}"))
}
