//! A verifier under the test's hand, and the ends of a connection that ask it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ClientAuthentication, ConfigOption, ExpectedPeer,
    PresentedChain, ServerName, VerifiedChain, async_trait,
};

use crate::{
    behaviour::Stop,
    gate::Gate,
    pki::Leaf,
    scene::{Ends, Scene},
};

/// A verifier that notes what it is asked, waits while its gate is shut, and gives the answer it was told to.
#[derive(Debug)]
pub(crate) struct Probe {
    answer: Result<(), CertificateError>,
    gate: Gate,
    seen: Mutex<Seen>,
}

/// What a verifier was asked about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) name: Option<ServerName>,
    pub(crate) ocsp_response: Option<Vec<u8>>,
}

impl Probe {
    pub(crate) fn new(answer: Result<(), CertificateError>, open: bool) -> Arc<Self> {
        Arc::new(Self { answer, gate: Gate::new(open), seen: Mutex::default() })
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn asked(&self) -> usize {
        self.gate.asked()
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl CertificateVerifier for Probe {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let certificates: Vec<_> = std::iter::once(chain.end_entity)
            .chain(chain.intermediates)
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        let name = match *peer {
            ExpectedPeer::Server(name) => Some(name.clone()),
            ExpectedPeer::Client => None,
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen {
            chain: certificates.clone(),
            name,
            ocsp_response: chain.ocsp_response.map(<[u8]>::to_vec),
        };
        self.gate.pass().await;
        self.answer.clone().map(|()| VerifiedChain::new(certificates))
    }
}

/// A reason that no library has.
pub(crate) fn refusal() -> CertificateError {
    CertificateError::Other { detail: "not on a Monday".into() }
}

/// A client whose verifier is this one.
pub(crate) fn with_verifier(scene: &Scene, verifier: Arc<dyn CertificateVerifier>) -> Result<Ends, Stop> {
    let connector = scene.connector(&[ConfigOption::Verifier], |client| client.verifier(verifier))?;
    Ok(Ends::new(connector, scene.acceptor(&[], |server| server)?))
}

/// A server that requires a client's certificate, and whose verifier is this one.
pub(crate) fn with_client_verifier(
    scene: &Scene,
    verifier: Arc<dyn CertificateVerifier>,
) -> Result<Ends, Stop> {
    let mode = ClientAuthentication::Required;
    let needs = [ConfigOption::ClientAuthentication(mode), ConfigOption::Verifier];
    let acceptor =
        scene.acceptor(&needs, |server| server.client_authentication(mode).client_verifier(verifier))?;
    let identity = scene.root.issue(Leaf::client());
    let needs = [ConfigOption::ClientIdentity];
    Ok(Ends::new(scene.connector(&needs, |client| client.identity(identity))?, acceptor))
}
