//! `both`: two verifiers never differ on whether to accept without a line in the log, and what one refuses is refused.
//!
//! Asked with chains on which they do differ: the cases of x509-limbo, as a server's and as a client's; and a changed
//! certificate, which one refuses and one that accepts anything does not.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use futures_util::FutureExt;
use polytls::{
    Backend, CertificateVerifier, ConfigError, DangerAcceptAnyCertificate, ExpectedPeer, PresentedChain,
    Roots, TrustPolicy,
    backends::{OpenSsl, Rustls},
    both,
};
use polytls_builtin::{PathVerifier, Profile};
use polytls_conformance::limbo::{Answer, Case, Role, Suite, Verdict, Verifier, run};
use tracing_subscriber::fmt::MakeWriter;

type Make = fn(&TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError>;

#[test]
fn webpki_and_openssl_differ_with_a_line_in_the_log() {
    every_difference_is_logged(webpki, |trust| OpenSsl::new().verifier(trust));
}

#[test]
fn builtin_and_webpki_differ_with_a_line_in_the_log() {
    every_difference_is_logged(|trust| Ok(Arc::new(PathVerifier::new(trust, Profile::Strict)?)), webpki);
}

fn webpki(trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
    Rustls::new().verifier(trust)
}

fn every_difference_is_logged(first: Make, second: Make) {
    let together = Verifier::new("both", move |question| {
        Ok(both(first(&question.trust)?, second(&question.trust)?) as Arc<dyn CertificateVerifier>)
    });
    let first = Verifier::new("first", move |question| Ok(first(&question.trust)?));
    let second = Verifier::new("second", move |question| Ok(second(&question.trust)?));
    let mut differences = 0;
    for case in cases() {
        let (one, other) = (run(&case, &first).answer, run(&case, &second).answer);
        if !asked(&one) || !asked(&other) {
            continue;
        }
        let differ = one.verdict() != other.verdict();
        differences += usize::from(differ);
        let (answer, lines) = logged(|| run(&case, &together).answer);
        let warned = lines.iter().filter(|line| line.contains("two verifiers differ")).count();
        assert_eq!(warned, usize::from(differ), "{}: {one}; {other}: {lines:?}", case.id);
        let accepted = [&one, &other].iter().all(|answer| answer.verdict() == Verdict::Accepted);
        assert_eq!(answer.verdict() == Verdict::Accepted, accepted, "{}: {answer}", case.id);
    }
    assert!(differences >= 5, "the suite has cases on which they differ, not {differences}");
}

#[test]
fn a_changed_certificate_that_one_accepts_is_refused_with_a_line_in_the_log() {
    let case = cases()
        .into_iter()
        .find(|case| case.id == "rfc5280::nc::permitted-dns-match")
        .expect("the suite has it");
    let trust = TrustPolicy::new(Roots::from_der(case.roots.iter().cloned()));
    let strict = Rustls::new().verifier(&trust).expect("the root is good");
    let together = both(Arc::new(DangerAcceptAnyCertificate), strict);
    let name = "example.com".parse().expect("a name");
    for at in 0..case.end_entity.len() {
        let mut changed = case.end_entity.to_vec();
        changed[at] ^= 1;
        let changed = changed.into();
        let verdict = || {
            let chain = PresentedChain::new(&changed, &[]);
            let peer = ExpectedPeer::Server(&name);
            let verdict = together.verify(&chain, &peer, SystemTime::now()).now_or_never();
            verdict.expect("they answer at once")
        };
        let (verdict, lines) = logged(verdict);
        assert!(verdict.is_err(), "changed at {at}");
        assert_eq!(lines.len(), 1, "changed at {at}: {lines:?}");
    }
}

/// The cases whose answer is the verifier's alone, without what the application looks for.
fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/limbo/limbo.json");
    let suite = Suite::read(path).expect("the suite can be read");
    let clients = suite.as_clients().cases;
    let servers = suite.cases.into_iter().filter(|case| case.role == Role::Server && !case.peers.is_empty());
    // What not every verifier is asked alike.
    servers.chain(clients).filter(|case| case.crls.is_empty()).collect()
}

/// Whether the verifier looked at the chain.
fn asked(answer: &Answer) -> bool {
    matches!(answer, Answer::Accepted | Answer::Refused(_))
}

/// What was logged as a warning meanwhile, on this thread.
fn logged<T>(f: impl FnOnce() -> T) -> (T, Vec<String>) {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(log.clone()).finish();
    let result = tracing::subscriber::with_default(subscriber, f);
    let text = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    (result, String::from_utf8_lossy(&text).lines().map(ToOwned::to_owned).collect())
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
