//! Certificate validation: OpenSSL's, alone or under any handshake; and any verifier under OpenSSL's handshake.

use std::{
    fmt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::Ssl,
    stack::Stack,
    x509::{
        X509, X509PurposeId, X509StoreContext, X509StoreContextRef,
        store::{X509Store, X509StoreBuilder},
        verify::{X509CheckFlags, X509VerifyFlags, X509VerifyParamRef},
    },
};
use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ConfigError, ExpectedPeer, HeldVerdict,
    PresentedChain, Roots, ServerName, VerifiedChain, VerifyRequest, async_trait,
};

use crate::{error, ffi};

/// `X509_verify_cert` with the roots in a store.
pub(crate) struct StoreVerifier {
    store: X509Store,
}

impl StoreVerifier {
    pub(crate) fn new(roots: &Roots) -> Result<Self, ConfigError> {
        Ok(Self { store: store(roots)? })
    }

    fn verify_chain(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let end_entity = parse(chain.end_entity)?;
        let mut intermediates = Stack::new().map_err(library)?;
        for certificate in chain.intermediates {
            intermediates.push(parse(certificate)?).map_err(library)?;
        }
        let name = match *peer {
            ExpectedPeer::Server(name) => Some(name),
            ExpectedPeer::Client => None,
        };
        let mut context = X509StoreContext::new().map_err(library)?;
        let verdict = context.init(&self.store, &end_entity, &intermediates, |context| {
            let prepared = ffi::with_param(context, |param| {
                let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                param.set_time(seconds as _);
                expect_peer(param, name)
            });
            prepared.transpose()?;
            Ok(if context.verify_cert()? {
                Ok(path(context))
            } else {
                Err(error::certificate(context, name, now))
            })
        });
        verdict.map_err(library)?
    }
}

#[async_trait]
impl CertificateVerifier for StoreVerifier {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.verify_chain(chain, peer, now)
    }
}

impl fmt::Debug for StoreVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreVerifier").finish_non_exhaustive()
    }
}

/// The roots as OpenSSL keeps them: each is an anchor, self-signed or not, and no other is.
pub(crate) fn store(roots: &Roots) -> Result<X509Store, ConfigError> {
    let mut builder = X509StoreBuilder::new().map_err(error::configuration)?;
    builder.set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(error::configuration)?;
    for certificate in roots.certificates()?.iter() {
        match (X509::from_der(certificate), roots) {
            (Ok(certificate), _) => builder.add_cert(certificate).map_err(error::configuration)?,
            (Err(error), Roots::Explicit(_)) => {
                let reason = format!("a root is malformed: {error}");
                return Err(ConfigError::Certificates { reason });
            }
            // A root in the system's store that OpenSSL cannot read takes nothing from the others.
            (Err(_), _) => {}
        }
    }
    Ok(builder.build())
}

/// Whom a chain must speak for: a server of this name, else a client.
pub(crate) fn expect_peer(
    param: &mut X509VerifyParamRef,
    name: Option<&ServerName>,
) -> Result<(), ErrorStack> {
    // RFC 9525 §6: the subject's common name is no name of a server, and a wildcard is a whole label.
    param.set_hostflags(X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match name {
        Some(ServerName::Dns(name)) => param.set_host(name)?,
        Some(ServerName::Ip(ip)) => param.set_ip(*ip)?,
        None => return param.set_purpose(X509PurposeId::SSL_CLIENT),
    }
    param.set_purpose(X509PurposeId::SSL_SERVER)
}

/// What one connection needs when OpenSSL asks about a chain, and what came of it.
pub(crate) struct Verification {
    /// The application's verifier; OpenSSL's own decides where there is none.
    pub(crate) verifier: Option<Arc<dyn CertificateVerifier>>,
    /// The server's name; `None` on a server.
    pub(crate) server_name: Option<ServerName>,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
pub(crate) struct Outcome {
    /// The application's verdict, accepted for the moment if it is still to come.
    pub(crate) verdict: Option<HeldVerdict>,
    /// Why the chain was refused.
    pub(crate) refused: Option<CertificateError>,
    /// How long OpenSSL's own verification took.
    pub(crate) took: Option<Duration>,
}

impl Verification {
    pub(crate) fn new(
        verifier: Option<Arc<dyn CertificateVerifier>>,
        server_name: Option<ServerName>,
    ) -> Self {
        Self { verifier, server_name, outcome: Mutex::default() }
    }

    pub(crate) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a connection carries its [`Verification`].
pub(crate) fn verification_index() -> Result<Index<Ssl, Arc<Verification>>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, Arc<Verification>>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}

/// Decides on a chain in the middle of a handshake. Whatever is missing, nobody is let in.
pub(crate) fn decide(context: &mut X509StoreContextRef) -> bool {
    let verification = || {
        let ssl = context.ex_data(X509StoreContext::ssl_idx().ok()?)?;
        ssl.ex_data(verification_index().ok()?).cloned()
    };
    let Some(verification) = verification() else { return false };
    let refused = match &verification.verifier {
        Some(verifier) => ask(verifier.clone(), &verification, context),
        None => verify(&verification, context),
    };
    context.set_error(match &refused {
        Some(reason) => error::refusal(reason),
        None => openssl::x509::X509VerifyResult::OK,
    });
    let accepted = refused.is_none();
    verification.outcome().refused = refused;
    accepted
}

/// The application's verdict; accepted for the moment if it is still to come.
fn ask(
    verifier: Arc<dyn CertificateVerifier>,
    verification: &Verification,
    context: &X509StoreContextRef,
) -> Option<CertificateError> {
    let chain: Result<Vec<_>, _> = ffi::presented(context)
        .iter()
        .map(|certificate| certificate.to_der().map(CertificateDer::from))
        .collect();
    let chain = match chain {
        Ok(chain) => chain,
        Err(error) => return Some(library(error)),
    };
    let verdict = VerifyRequest { verifier, chain, server_name: verification.server_name.clone() }.ask();
    let refused = verdict.refusal().cloned();
    verification.outcome().verdict = Some(verdict);
    refused
}

/// OpenSSL's own verdict.
fn verify(verification: &Verification, context: &mut X509StoreContextRef) -> Option<CertificateError> {
    let started = Instant::now();
    let verified = context.verify_cert();
    verification.outcome().took = Some(started.elapsed());
    match verified {
        Ok(true) => None,
        Ok(false) => Some(error::certificate(context, verification.server_name.as_ref(), SystemTime::now())),
        Err(error) => Some(library(error)),
    }
}

fn path(context: &X509StoreContextRef) -> VerifiedChain {
    let chain = context.chain().into_iter().flatten();
    VerifiedChain::new(
        chain.filter_map(|certificate| certificate.to_der().ok()).map(CertificateDer::from).collect(),
    )
}

fn parse(certificate: &CertificateDer<'_>) -> Result<X509, CertificateError> {
    X509::from_der(certificate).map_err(|error| CertificateError::Malformed { detail: error.to_string() })
}

fn library(error: ErrorStack) -> CertificateError {
    CertificateError::Other { detail: format!("OpenSSL failed: {error}") }
}
