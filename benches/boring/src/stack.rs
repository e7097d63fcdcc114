//! tokio-boring over BoringSSL, set up as the other stacks are.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use boring::{
    error::ErrorStack,
    pkey::PKey,
    ssl::{
        SslAcceptor, SslConnector, SslContextBuilder, SslMethod, SslOptions, SslSession, SslSessionCacheMode,
        SslVerifyMode, SslVersion,
    },
    x509::{X509, store::X509StoreBuilder},
};
use polytls_benches::{
    CertificateKind, Certificates, Credentials, NAME, Settings, Suite, Version,
    stacks::{Io, Negotiated, Refusal, Stack},
    versions::version_in,
};
use tokio_boring::SslStream;

use crate::ffi;

/// tokio-boring.
pub struct TokioBoring {
    connector: SslConnector,
    acceptor: SslAcceptor,
    session: Session,
}

/// The last session that the client was given: one connection resumes it.
type Session = Arc<Mutex<Option<SslSession>>>;

impl TokioBoring {
    fn build(settings: &Settings, certificates: &Certificates) -> Result<Self, ErrorStack> {
        let session = Session::default();
        let mut connector = SslConnector::builder(SslMethod::tls())?;
        require(&mut connector, certificates)?;
        restrict(&mut connector, settings)?;
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())?;
        present(&mut acceptor, &certificates.server)?;
        restrict(&mut acceptor, settings)?;
        if settings.mutual {
            present(&mut connector, &certificates.client)?;
            require(&mut acceptor, certificates)?;
        }
        if settings.resumption {
            keep(&mut connector, &session);
            ffi::set_num_tickets(&mut acceptor, 1)?;
            acceptor.set_session_id_context(b"polytls-benches")?;
        }
        Ok(Self { connector: connector.build(), acceptor: acceptor.build(), session })
    }
}

impl Stack for TokioBoring {
    const NAME: &'static str = "tokio-boring";
    type Client<IO: Io> = SslStream<IO>;
    type Server<IO: Io> = SslStream<IO>;

    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal> {
        if settings.version != Version::Tls13 {
            return Err(Refusal::new("tokio-boring is measured over TLS 1.3"));
        }
        if settings.suite != Suite::Aes128Gcm {
            return Err(Refusal::new("BoringSSL takes no list of TLS 1.3's suites"));
        }
        if settings.certificate == CertificateKind::Ed25519 {
            return Err(Refusal::new(
                "BoringSSL offers no Ed25519 unless told, and reads no key of RFC 5958's version 2",
            ));
        }
        Self::build(settings, certificates).map_err(|error| Refusal(error.to_string()))
    }

    fn version() -> String {
        let locked = |package| version_in(include_str!("../Cargo.lock"), package).unwrap_or("?");
        format!("tokio-boring {}, boring-sys {}", locked("tokio-boring"), locked("boring-sys"))
    }

    async fn connect<IO: Io>(&self, io: IO) -> SslStream<IO> {
        let mut configuration = self.connector.configure().expect("BoringSSL has memory");
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(session) = session {
            ffi::set_session(&mut configuration, &session).expect("a session of this connector's");
        }
        let connected = tokio_boring::connect(configuration, NAME, io).await;
        connected.unwrap_or_else(|error| panic!("the handshake succeeds: {error}"))
    }

    async fn accept<IO: Io>(&self, io: IO) -> SslStream<IO> {
        let accepted = tokio_boring::accept(&self.acceptor, io).await;
        accepted.unwrap_or_else(|error| panic!("the handshake succeeds: {error}"))
    }

    fn negotiated<IO: Io>(client: &SslStream<IO>) -> Negotiated {
        let ssl = client.ssl();
        Negotiated {
            version: ssl.version2().map(|version| match version {
                SslVersion::TLS1_3 => Version::Tls13,
                _ => Version::Tls12,
            }),
            cipher_suite: ssl.current_cipher().and_then(|cipher| cipher.standard_name()).map(str::to_owned),
            group: ssl.curve_name().map(str::to_owned),
            resumed: Some(ssl.session_reused()),
        }
    }

    fn client_presented<IO: Io>(server: &SslStream<IO>) -> Option<bool> {
        Some(server.ssl().peer_certificate().is_some())
    }
}

/// Version and group; the suite is AES-128-GCM by itself where the processor has AES.
fn restrict(context: &mut SslContextBuilder, settings: &Settings) -> Result<(), ErrorStack> {
    context.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    context.set_max_proto_version(Some(SslVersion::TLS1_3))?;
    context.set_curves_list(&settings.group.to_string())?;
    if !settings.resumption {
        context.set_options(SslOptions::NO_TICKET);
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
    }
    Ok(())
}

/// A certificate and its key.
fn present(context: &mut SslContextBuilder, credentials: &Credentials) -> Result<(), ErrorStack> {
    context.set_certificate(&*X509::from_der(&credentials.certificate)?)?;
    context.set_private_key(&*PKey::private_key_from_der(&credentials.key)?)
}

/// The root, in a peer that must present a certificate.
fn require(context: &mut SslContextBuilder, certificates: &Certificates) -> Result<(), ErrorStack> {
    let mut roots = X509StoreBuilder::new()?;
    roots.add_cert(&X509::from_der(&certificates.root)?)?;
    context.set_cert_store(roots.build());
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    Ok(())
}

/// Keeps the client's sessions, each to be resumed once (RFC 8446 appendix C.4).
fn keep(connector: &mut SslContextBuilder, session: &Session) {
    connector.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    let session = session.clone();
    connector.set_new_session_callback(move |_, given| {
        *session.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
    });
}

impl fmt::Debug for TokioBoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokioBoring")
    }
}
