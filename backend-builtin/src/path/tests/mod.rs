//! Paths that are valid, and each way not to be.

mod certificates;
mod constraints;
mod costs;
mod mutations;
mod names;
mod pki;
mod policies;
mod search;
mod strict;

use std::time::{Duration, SystemTime};

use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ExpectedPeer, PresentedChain, Roots, ServerName,
    TrustPolicy, VerifiedChain,
};

use self::pki::Authority;
use super::{PathVerifier, Profile};

const SERVER: &str = "server.example";

/// 2026-01-01, within the validity of what the templates make.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

/// What a verifier is asked.
#[derive(Clone)]
struct Question {
    profile: Profile,
    max_depth: Option<usize>,
    roots: Vec<CertificateDer<'static>>,
    chain: Vec<CertificateDer<'static>>,
    /// `None` for a client.
    server: Option<&'static str>,
    now: SystemTime,
}

/// A server that shows this chain to a client that trusts this root.
fn server(root: &Authority, chain: &[&CertificateDer<'static>]) -> Question {
    Question {
        profile: Profile::Interoperable,
        max_depth: None,
        roots: vec![root.der.clone()],
        chain: chain.iter().copied().cloned().collect(),
        server: Some(SERVER),
        now: now(),
    }
}

impl Question {
    fn strict(mut self) -> Self {
        self.profile = Profile::Strict;
        self
    }

    fn client(mut self) -> Self {
        self.server = None;
        self
    }

    fn named(mut self, server: &'static str) -> Self {
        self.server = Some(server);
        self
    }

    fn at(mut self, now: SystemTime) -> Self {
        self.now = now;
        self
    }

    fn trusting(mut self, roots: &[&Authority]) -> Self {
        self.roots = roots.iter().map(|root| root.der.clone()).collect();
        self
    }

    fn max_depth(mut self, intermediates: usize) -> Self {
        self.max_depth = Some(intermediates);
        self
    }

    fn verifier(&self) -> PathVerifier {
        let trust = TrustPolicy::new(Roots::from_der(self.roots.clone()));
        let verifier = PathVerifier::new(&trust, self.profile).unwrap();
        match self.max_depth {
            Some(intermediates) => verifier.with_max_depth(intermediates),
            None => verifier,
        }
    }

    fn verdict(&self) -> Result<VerifiedChain, CertificateError> {
        self.verdict_of(&self.verifier())
    }

    fn verdict_of(&self, verifier: &PathVerifier) -> Result<VerifiedChain, CertificateError> {
        let (end_entity, intermediates) = self.chain.split_first().unwrap();
        let chain = PresentedChain::new(end_entity, intermediates);
        let name = self.server.map(|name| name.parse::<ServerName>().unwrap());
        let peer = name.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(verifier.verify(&chain, &peer, self.now))
    }

    #[track_caller]
    fn accepted(&self) -> VerifiedChain {
        self.verdict().unwrap()
    }

    /// Refused for this fault, its values aside.
    #[track_caller]
    fn refused(&self, fault: &CertificateError) -> CertificateError {
        let error = self.verdict().unwrap_err();
        assert!(error.same_fault(fault), "{error:?}");
        error
    }

    /// Refused for this fault, with these words in its detail.
    #[track_caller]
    fn refused_saying(&self, fault: &CertificateError, words: &str) {
        let error = self.refused(fault);
        assert!(format!("{error:?}").contains(words), "{error:?}");
    }
}

fn malformed() -> CertificateError {
    CertificateError::Malformed { detail: String::new() }
}

fn unsupported() -> CertificateError {
    CertificateError::UnsupportedAlgorithm { detail: String::new() }
}

fn too_long() -> CertificateError {
    CertificateError::PathTooLong { detail: String::new() }
}

fn constrained() -> CertificateError {
    CertificateError::NameConstraintViolated { detail: String::new() }
}

fn no_policy() -> CertificateError {
    CertificateError::PolicyViolated { detail: String::new() }
}

fn mismatch() -> CertificateError {
    CertificateError::NameMismatch { expected: String::new(), presented: Vec::new() }
}

fn expired() -> CertificateError {
    CertificateError::Expired { now: now(), not_after: None }
}

fn not_yet_valid() -> CertificateError {
    CertificateError::NotYetValid { now: now(), not_before: None }
}
