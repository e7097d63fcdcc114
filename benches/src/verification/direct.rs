//! rustls-webpki and OpenSSL as an application calls them that has no polytls.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use openssl::{
    stack::Stack,
    x509::{
        X509, X509PurposeId, X509StoreContext,
        store::{X509Store, X509StoreBuilder},
        verify::{X509CheckFlags, X509VerifyFlags, X509VerifyParam},
    },
};
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::{Chain, Verification};
use crate::NAME;

/// rustls-webpki with rustls's signature algorithms.
pub struct WebPkiDirectly<'a> {
    chain: &'a Chain,
    anchors: Vec<TrustAnchor<'static>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    name: ServerName<'static>,
    now: UnixTime,
}

impl<'a> WebPkiDirectly<'a> {
    /// Trusts the chain's root.
    pub fn new(chain: &'a Chain) -> Self {
        let anchor = webpki::anchor_from_trusted_cert(&chain.root).expect("a good root").to_owned();
        Self {
            chain,
            anchors: vec![anchor],
            algorithms: aws_lc_rs::default_provider().signature_verification_algorithms.all,
            name: ServerName::try_from(NAME).expect("a DNS name"),
            now: UnixTime::since_unix_epoch(since_1970()),
        }
    }
}

impl Verification for WebPkiDirectly<'_> {
    fn verify(&self) {
        let end_entity = EndEntityCert::try_from(&self.chain.end_entity).expect("a good certificate");
        end_entity
            .verify_for_usage(
                self.algorithms,
                &self.anchors,
                &self.chain.intermediates,
                self.now,
                KeyUsage::server_auth(),
                None,
                None,
            )
            .expect("a good chain");
        end_entity.verify_is_valid_for_subject_name(&self.name).expect("the name");
    }
}

impl fmt::Debug for WebPkiDirectly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPkiDirectly").field("chain", &self.chain.name).finish_non_exhaustive()
    }
}

/// OpenSSL's `X509_verify_cert`.
pub struct OpenSslDirectly<'a> {
    chain: &'a Chain,
    store: X509Store,
}

impl<'a> OpenSslDirectly<'a> {
    /// Trusts the chain's root, and asks for what polytls asks for; all of it is set beforehand.
    pub fn new(chain: &'a Chain) -> Self {
        let mut store = X509StoreBuilder::new().expect("OpenSSL has memory");
        store.add_cert(X509::from_der(&chain.root).expect("a good root")).expect("a good root");
        let mut parameters = X509VerifyParam::new().expect("OpenSSL has memory");
        parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN).expect("a flag");
        parameters.set_purpose(X509PurposeId::SSL_SERVER).expect("a purpose");
        parameters.set_auth_level(2);
        parameters.set_time(since_1970().as_secs().try_into().expect("a time"));
        parameters.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT);
        parameters.set_host(NAME).expect("a DNS name");
        store.set_param(&parameters).expect("parameters");
        Self { chain, store: store.build() }
    }
}

impl Verification for OpenSslDirectly<'_> {
    fn verify(&self) {
        let end_entity = X509::from_der(&self.chain.end_entity).expect("a good certificate");
        let mut intermediates = Stack::new().expect("OpenSSL has memory");
        for certificate in &self.chain.intermediates {
            intermediates.push(X509::from_der(certificate).expect("a good certificate")).expect("memory");
        }
        let mut context = X509StoreContext::new().expect("OpenSSL has memory");
        let verified =
            context.init(&self.store, &end_entity, &intermediates, |context| context.verify_cert());
        assert!(verified.expect("OpenSSL has memory"), "a good chain");
    }
}

impl fmt::Debug for OpenSslDirectly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSslDirectly").field("chain", &self.chain.name).finish_non_exhaustive()
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock that is not before 1970")
}
