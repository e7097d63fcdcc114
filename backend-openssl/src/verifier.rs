//! Certificate validation: OpenSSL's, alone or in a handshake; and any verifier in OpenSSL's handshake.

use std::{
    ffi::c_int,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslRef, SslVersion},
    stack::{Stack, StackRef},
    x509::{
        X509, X509PurposeId, X509StoreContext, X509StoreContextRef,
        store::{X509Store, X509StoreRef},
        verify::{X509CheckFlags, X509VerifyParamRef},
    },
};
use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ExpectedPeer, HeldVerdict, PresentedChain,
    RevocationChecker, ServerName, VerifiedChain, VerifyRequest, async_trait, inspected,
};

use crate::{connection::Connection, drive::forget_errors, error, ffi};

/// What OpenSSL calls level 2: 112 bits of security, so no RSA under 2048 bits and no SHA-1.
pub(crate) const SECURITY_LEVEL: u8 = 2;

/// The most intermediates of a path.
pub(crate) const MOST_INTERMEDIATES: u8 = 8;

/// OpenSSL's path validation with its name checks.
pub(crate) struct OpenSslVerifier(X509Store);

impl OpenSslVerifier {
    pub(crate) fn new(trusted: X509Store) -> Self {
        Self(trusted)
    }
}

/// Roots and what is asked beside them.
struct Trusted<'a>(&'a X509StoreRef);

impl Trusted<'_> {
    fn verify_chain(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let end_entity = parse(chain.end_entity)?;
        let mut intermediates = Stack::new().map_err(failed)?;
        // One that OpenSSL cannot read is none that a path needs.
        for certificate in chain.intermediates.iter().filter_map(|der| parse(der).ok()) {
            intermediates.push(certificate).map_err(failed)?;
        }
        let (purpose, name) = match *peer {
            ExpectedPeer::Server(name) => (X509PurposeId::SSL_SERVER, Some(name)),
            ExpectedPeer::Client => (X509PurposeId::SSL_CLIENT, None),
        };
        let mut context = X509StoreContext::new().map_err(failed)?;
        let verified = context.init(self.0, &end_entity, &intermediates, |context| {
            let parameters = ffi::parameters(context).ok_or_else(ErrorStack::get)?;
            parameters.set_purpose(purpose)?;
            parameters.set_auth_level(SECURITY_LEVEL.into());
            parameters.set_depth(MOST_INTERMEDIATES.into());
            parameters.set_time(unix_seconds(now));
            expect_name(parameters, name)?;
            Ok(verify(context, name, now))
        });
        verified.unwrap_or_else(|error| Err(failed(error)))
    }
}

#[async_trait]
impl CertificateVerifier for OpenSslVerifier {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        inspected(chain, peer, |chain| Trusted(&self.0).verify_chain(chain, peer, now))
    }

    /// Its roots never change.
    fn revision(&self) -> Option<u64> {
        Some(0)
    }
}

impl fmt::Debug for OpenSslVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSslVerifier").finish_non_exhaustive()
    }
}

/// Has a verification ask for this name in the certificate's subjectAltName, and nowhere else (RFC 9525 §6.3).
pub(crate) fn expect_name(
    parameters: &mut X509VerifyParamRef,
    name: Option<&ServerName>,
) -> Result<(), ErrorStack> {
    parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT);
    match name {
        Some(ServerName::Dns(name)) => parameters.set_host(name),
        Some(ServerName::Ip(ip)) => parameters.set_ip(*ip),
        None => Ok(()),
    }
}

/// Has OpenSSL verify what the verification was prepared for.
fn verify(
    context: &mut X509StoreContextRef,
    name: Option<&ServerName>,
    now: SystemTime,
) -> Result<VerifiedChain, CertificateError> {
    match context.verify_cert() {
        Ok(true) => {
            let mut path = context.chain().map_or(Ok(Vec::new()), encode).map_err(failed)?;
            // OpenSSL goes on above a root that has an issuer.
            path.truncate(ffi::below_root(context) + 1);
            Ok(VerifiedChain::new(path))
        }
        Ok(false) | Err(_) => Err(error::certificate(context, name, now)),
    }
}

/// Who decides on the chains of a configuration's peers.
#[derive(Clone)]
pub(crate) enum Decider {
    /// The application's verifier.
    Application(Arc<dyn CertificateVerifier>),
    /// OpenSSL, with the roots of the context; this asks about revocation of what it finds valid.
    OpenSsl(Arc<RevocationChecker>),
}

/// The question that one handshake asks about its peer, and the answer.
pub(crate) struct PeerCheck {
    /// `None` where no peer is asked for a chain: whoever shows one is refused.
    decider: Option<Decider>,
    /// The server's name; `None` asks about a client.
    server_name: Option<ServerName>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is asked as soon as it is known whether an OCSP response comes.
    question: Option<Question>,
    verdict: Verdict,
}

/// What is asked about a chain when the OCSP response that goes with it is known.
enum Question {
    /// The application's verifier is asked about what was presented.
    Presented(Vec<CertificateDer<'static>>),
    /// OpenSSL has found it valid on this path, in this time.
    Verified(VerifiedChain, Duration),
}

/// What was said of the peer's chain.
#[derive(Default)]
pub(crate) enum Verdict {
    /// Nothing, or nothing new since the verdict was last taken.
    #[default]
    None,
    /// It was found valid on this path, in this time.
    Accepted(VerifiedChain, Duration),
    /// It was refused, and OpenSSL was told so and sends the alert.
    Refused(CertificateError),
    /// It was refused where OpenSSL sends an alert that says something else. No keys protect the connection yet.
    RefusedLate(CertificateError),
    /// The application's verifier has not refused it so far.
    Held(HeldVerdict),
}

impl PeerCheck {
    pub(crate) fn new(decider: Option<Decider>, server_name: Option<ServerName>) -> Self {
        Self { decider, server_name, state: Mutex::default() }
    }

    /// What the last call into OpenSSL brought.
    pub(crate) fn take_verdict(&self) -> Verdict {
        mem::take(&mut self.state().verdict)
    }

    /// Whether a chain was presented and no verdict asked for, so that no connection may come of the handshake.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.state().question.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What OpenSSL itself can say of the chain.
    fn question(&self, context: &mut X509StoreContextRef) -> Result<Question, CertificateError> {
        let presented = ffi::presented(context).map_or(Ok(Vec::new()), encode).map_err(failed)?;
        if let Some(Decider::Application(_)) = &self.decider {
            return Ok(Question::Presented(presented));
        }
        let (end_entity, intermediates) = presented.split_first().ok_or(CertificateError::Missing)?;
        let chain = PresentedChain::new(end_entity, intermediates);
        let peer = self.server_name.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
        let (started, now) = (Instant::now(), SystemTime::now());
        let roots = ffi::roots(context).ok_or(CertificateError::UnknownIssuer)?;
        // What OpenSSL has prepared is good for one verification.
        let (mut prepared, name) = (Some(context), self.server_name.as_ref());
        let path = inspected(&chain, &peer, |chain| match prepared.take() {
            Some(context) => verify(context, name, now),
            None => Trusted(&roots).verify_chain(chain, &peer, now),
        })?;
        Ok(Question::Verified(path, started.elapsed()))
    }

    /// `ocsp_response` is what came with the chain.
    fn answer(&self, question: Question, ocsp_response: Option<Vec<u8>>) -> Verdict {
        let (verifier, chain) = match (question, &self.decider) {
            (Question::Presented(chain), Some(Decider::Application(verifier))) => (verifier.clone(), chain),
            (Question::Verified(chain, took), Some(Decider::OpenSsl(revocation))) => {
                return self.ask_revocation(revocation, chain, took, ocsp_response);
            }
            _ => return Verdict::None,
        };
        let server_name = self.server_name.clone();
        let held = VerifyRequest { verifier, chain, server_name, ocsp_response }.ask();
        match held.refusal() {
            Some(reason) => Verdict::Refused(reason.clone()),
            None => Verdict::Held(held),
        }
    }

    fn ask_revocation(
        &self,
        revocation: &RevocationChecker,
        chain: VerifiedChain,
        took: Duration,
        ocsp_response: Option<Vec<u8>>,
    ) -> Verdict {
        let started = Instant::now();
        let peer = self.server_name.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
        match revocation.check(&chain, &peer, ocsp_response.as_deref(), SystemTime::now()) {
            Ok(()) => Verdict::Accepted(chain, took + started.elapsed()),
            Err(reason) => Verdict::Refused(reason),
        }
    }
}

/// Whether a handshake goes on with the chain that it was presented with, for the moment or for good.
pub(crate) fn decide(context: &mut X509StoreContextRef) -> bool {
    let ssl = X509StoreContext::ssl_idx().ok().and_then(|index| context.ex_data(index));
    let Some(ssl) = ssl else { return false };
    let Some(check) = Connection::of(ssl).map(|connection| connection.check.clone()) else { return false };
    let (is_later, ocsp_response) = (response_comes_later(ssl), ocsp_response(ssl));
    let code = match check.question(context) {
        Ok(question) if is_later => {
            check.state().question = Some(question);
            openssl_sys::X509_V_OK
        }
        question => {
            let verdict = match question {
                Ok(question) => check.answer(question, ocsp_response),
                Err(reason) => Verdict::Refused(reason),
            };
            let code = verdict.code();
            check.state().verdict = verdict;
            code
        }
    };
    ffi::set_verify_error(context, code);
    goes_on(code)
}

/// Whether the handshake goes on with this verdict. What a verifier of OpenSSL's has refused on the way there, beneath one that
/// accepts, is no error of the call that asked.
fn goes_on(code: c_int) -> bool {
    let accepted = code == openssl_sys::X509_V_OK;
    if accepted {
        forget_errors();
    }
    accepted
}

impl Verdict {
    /// The code that tells OpenSSL of it.
    fn code(&self) -> c_int {
        match self {
            Self::Accepted(..) | Self::Held(_) => openssl_sys::X509_V_OK,
            Self::Refused(reason) | Self::RefusedLate(reason) => error::verify_code(reason),
            Self::None => openssl_sys::X509_V_ERR_UNSPECIFIED,
        }
    }
}

/// In TLS 1.2 the response comes in a message of its own, after the chain (RFC 6066 §8).
fn response_comes_later(ssl: &SslRef) -> bool {
    !ssl.is_server() && ssl.version2() != Some(SslVersion::TLS1_3)
}

fn ocsp_response(ssl: &SslRef) -> Option<Vec<u8>> {
    let response = ssl.ocsp_status().filter(|response| !ssl.is_server() && !response.is_empty());
    response.map(ToOwned::to_owned)
}

/// Has a client of TLS 1.2 ask its question when the server's first flight is complete, with the response or without:
/// OpenSSL calls this before it answers the flight.
pub(crate) fn decide_with_responses(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    builder.set_status_callback(|ssl| Ok(decide_late(ssl)))
}

/// Whether a client goes on after its server's first flight.
fn decide_late(ssl: &SslRef) -> bool {
    let Some(check) = Connection::of(ssl).map(|connection| connection.check.clone()) else { return false };
    let Some(question) = check.state().question.take() else { return true };
    // A panic must not cross into C; what panicked has not accepted.
    let answer = catch_unwind(AssertUnwindSafe(|| check.answer(question, ocsp_response(ssl))));
    let verdict = match answer {
        Ok(Verdict::Refused(reason)) => Verdict::RefusedLate(reason),
        Ok(Verdict::None) | Err(_) => {
            Verdict::RefusedLate(CertificateError::Other { detail: "the verifier failed".into() })
        }
        Ok(verdict) => verdict,
    };
    let code = verdict.code();
    check.state().verdict = verdict;
    goes_on(code)
}

/// The certificates of a stack in DER; all of them, or an error.
pub(crate) fn encode(certificates: &StackRef<X509>) -> Result<Vec<CertificateDer<'static>>, ErrorStack> {
    certificates.iter().map(|certificate| certificate.to_der().map(Into::into)).collect()
}

fn parse(certificate: &CertificateDer<'_>) -> Result<X509, CertificateError> {
    let malformed = |error: ErrorStack| CertificateError::Malformed { detail: error.to_string() };
    let parsed = X509::from_der(certificate).map_err(malformed)?;
    // OpenSSL reads BER around what is signed, and does not ask what follows it; a certificate is DER (RFC 5280 §4.1).
    match parsed.to_der().map_err(malformed)? == **certificate {
        true => Ok(parsed),
        false => Err(CertificateError::Malformed { detail: "it is not DER, or something follows it".into() }),
    }
}

/// OpenSSL could not even ask the question.
fn failed(error: ErrorStack) -> CertificateError {
    CertificateError::Other { detail: error.to_string() }
}

fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    }
}
