//! A verifier that answers as it is told, certificates for it to speak of, and what is logged meanwhile.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls_pki_types::CertificateDer;

use super::{CertificateVerifier, ExpectedPeer, PresentedChain, VerifiedChain};
use crate::{CertificateError, ServerName};

/// Gives one answer every time, until it is told another.
#[derive(Debug)]
pub(super) struct Scripted {
    answer: Mutex<Result<VerifiedChain, CertificateError>>,
    revision: Mutex<Option<u64>>,
    asked: AtomicUsize,
    /// Whether the answer is there only at the second poll.
    slow: bool,
    /// The revision that it has from the middle of a verification on.
    changes_to: Mutex<Option<u64>>,
}

impl Scripted {
    /// Accepts, with this path up to its root.
    pub(super) fn accepting(path: &[CertificateDer<'static>]) -> Self {
        Self::answering(Ok(VerifiedChain::new(path.to_vec())))
    }

    pub(super) fn refusing(reason: CertificateError) -> Self {
        Self::answering(Err(reason))
    }

    pub(super) fn answering(answer: Result<VerifiedChain, CertificateError>) -> Self {
        Self {
            answer: Mutex::new(answer),
            revision: Mutex::new(Some(0)),
            asked: AtomicUsize::new(0),
            slow: false,
            changes_to: Mutex::default(),
        }
    }

    pub(super) fn slow(self, slow: bool) -> Self {
        Self { slow, ..self }
    }

    pub(super) fn of_revision(self, revision: Option<u64>) -> Self {
        self.set_revision(revision);
        self
    }

    pub(super) fn set_revision(&self, revision: Option<u64>) {
        *self.revision.lock().unwrap() = revision;
    }

    pub(super) fn change_revision_while_asked(&self, to: u64) {
        *self.changes_to.lock().unwrap() = Some(to);
    }

    pub(super) fn answer(&self, answer: Result<VerifiedChain, CertificateError>) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl CertificateVerifier for Scripted {
    async fn verify(
        &self,
        _chain: &PresentedChain<'_>,
        _peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.slow {
            yield_once().await;
        }
        if let Some(revision) = self.changes_to.lock().unwrap().take() {
            self.set_revision(Some(revision));
        }
        self.answer.lock().unwrap().clone()
    }

    fn revision(&self) -> Option<u64> {
        *self.revision.lock().unwrap()
    }
}

async fn yield_once() {
    let mut polled = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// What the verifier says of a chain, for a server of this name.
pub(super) fn verdict(
    verifier: &dyn CertificateVerifier,
    path: &[CertificateDer<'static>],
    name: &str,
    now: SystemTime,
) -> Result<VerifiedChain, CertificateError> {
    let name: ServerName = name.parse().unwrap();
    verdict_for(verifier, path, None, &ExpectedPeer::Server(&name), now)
}

/// What the verifier says of a chain with this OCSP response, for this peer.
pub(super) fn verdict_for(
    verifier: &dyn CertificateVerifier,
    path: &[CertificateDer<'static>],
    ocsp_response: Option<&[u8]>,
    peer: &ExpectedPeer<'_>,
    now: SystemTime,
) -> Result<VerifiedChain, CertificateError> {
    let (end_entity, intermediates) = path.split_first().unwrap();
    let chain = PresentedChain { ocsp_response, ..PresentedChain::new(end_entity, intermediates) };
    let mut answer = verifier.verify(&chain, peer, now);
    let waker = std::task::Waker::noop();
    for _ in 0..8 {
        match answer.poll_unpin(&mut std::task::Context::from_waker(waker)) {
            std::task::Poll::Ready(answer) => return answer,
            std::task::Poll::Pending => {}
        }
    }
    panic!("no answer comes")
}

/// An end entity's certificate, an intermediate's and a root's, each of another validity, in days before and after now.
pub(super) fn path_valid(days: [(i64, i64); 3]) -> [CertificateDer<'static>; 3] {
    let params = |name: &str, (from, to)| {
        let mut params = CertificateParams::new(vec!["a.example".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (in_days(from).into(), in_days(to).into());
        params
    };
    let authority = |name, days| {
        let mut params = params(name, days);
        params.subject_alt_names.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let key = || KeyPair::generate().unwrap();
    let root = CertifiedIssuer::self_signed(authority("the root", days[2]), key()).unwrap();
    let intermediate =
        CertifiedIssuer::signed_by(authority("the intermediate", days[1]), key(), &root).unwrap();
    let mut leaf = params("the end entity", days[0]);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = leaf.signed_by(&key(), &intermediate).unwrap();
    [leaf.der().clone(), intermediate.der().clone(), root.der().clone()]
}

fn in_days(days: i64) -> SystemTime {
    let distance = Duration::from_secs(days.unsigned_abs() * 86_400);
    if days < 0 { SystemTime::now() - distance } else { SystemTime::now() + distance }
}

/// A path that is valid for a month.
pub(super) fn path() -> [CertificateDer<'static>; 3] {
    path_valid([(-30, 30); 3])
}

/// What the closure returns, and what it logs.
pub(super) fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let result = tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (result, text)
}
