//! Certificates, the files that they are in, and two endpoints over a stream in memory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use polytls_api::{
    Backend, CertificateDer, ClientConfig, Error, Roots, ServerConfig, TlsAcceptor, TlsConnector, TlsStream,
};
use polytls_builtin::Builtin;
use polytls_openssl::OpenSsl;
use polytls_reload::{IdentityFiles, Outcome, ReloadableIdentity, Watching};
use polytls_rustls::Rustls;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

pub(crate) const NAME: &str = "localhost";

/// Long enough for any machine; a test that waits for what happens does not wait this long.
pub(crate) const IN_TIME: Duration = Duration::from_secs(30);

pub(crate) type Stream = TlsStream<DuplexStream>;

/// The engines that have the hooks.
pub(crate) fn backends() -> [Arc<dyn Backend>; 3] {
    [Arc::new(Rustls::new()), Arc::new(OpenSsl::new()), Arc::new(Builtin::new())]
}

pub(crate) fn backend() -> Arc<dyn Backend> {
    Arc::new(Rustls::new())
}

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM and in DER.
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key_der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::from_der([self.0.der().clone()])
    }

    /// A revocation list in PEM, in force from yesterday on.
    pub(crate) fn crl(&self, number: u64, revoked: &[u64]) -> String {
        let entries = revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: days_from_now(-1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: days_from_now(-1),
            next_update: days_from_now(1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: entries.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }

    /// A certificate for [`NAME`] that is valid now.
    pub(crate) fn issue(&self) -> Issued {
        self.issue_for(&[NAME])
    }

    pub(crate) fn issue_for(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    pub(crate) fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params =
            CertificateParams::new(names.iter().map(|&name| name.into()).collect::<Vec<_>>()).unwrap();
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued {
            chain: certificate.pem(),
            key: key.serialize_pem(),
            certificate: certificate.der().clone(),
            key_der: key.serialize_der(),
        }
    }
}

pub(crate) fn days_from_now(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + time::Duration::days(days)
}

/// A folder with a certificate and a key.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn with(issued: &Issued) -> Self {
        let folder = Self::new();
        folder.replace(issued);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Puts a whole file in the place of another.
    pub(crate) fn rename_into_place(&self, name: &str, content: impl AsRef<[u8]>) {
        self.write("whole.tmp", content);
        fs::rename(self.path("whole.tmp"), self.path(name)).unwrap();
    }

    /// Both files, each renamed into place.
    pub(crate) fn replace(&self, issued: &Issued) {
        self.rename_into_place("cert.pem", &issued.chain);
        self.rename_into_place("key.pem", &issued.key);
    }

    pub(crate) fn files(&self) -> IdentityFiles {
        IdentityFiles::new(self.path("cert.pem"), self.path("key.pem"))
    }

    /// What is in the two files, looked at when the test says so.
    pub(crate) fn identity(&self) -> ReloadableIdentity {
        self.identity_of(backend())
    }

    pub(crate) fn identity_of(&self, backend: Arc<dyn Backend>) -> ReloadableIdentity {
        ReloadableIdentity::builder(backend, self.files()).watching(Watching::off()).build().unwrap()
    }
}

/// Points a link elsewhere, at once.
#[cfg(unix)]
pub(crate) fn swap_link(target: impl AsRef<Path>, link: &Path) {
    let temporary = link.with_file_name("link.tmp");
    std::os::unix::fs::symlink(target, &temporary).unwrap();
    fs::rename(temporary, link).unwrap();
}

/// What becomes of every change from now on.
pub(crate) fn outcomes(identity: &ReloadableIdentity) -> Receiver<Outcome> {
    let (sender, receiver) = channel();
    identity.on_reload(move |outcome| drop(sender.send(outcome.clone())));
    receiver
}

/// Waits until a generation is in force; what is refused on the way may be half of a change.
pub(crate) fn await_swap(outcomes: &Receiver<Outcome>) -> u64 {
    loop {
        if let Outcome::Swapped { generation } = outcomes.recv_timeout(IN_TIME).unwrap() {
            return generation;
        }
    }
}

pub(crate) fn server(
    identity: &ReloadableIdentity,
    backend: &Arc<dyn Backend>,
    change: impl FnOnce(polytls_api::ServerConfigBuilder) -> polytls_api::ServerConfigBuilder,
) -> TlsAcceptor {
    let builder = ServerConfig::builder_with_resolver(backend.clone(), Arc::new(identity.clone()));
    TlsAcceptor::new(&change(builder).build().unwrap()).unwrap()
}

pub(crate) fn client(
    backend: &Arc<dyn Backend>,
    change: impl FnOnce(polytls_api::ClientConfigBuilder) -> polytls_api::ClientConfigBuilder,
) -> TlsConnector {
    TlsConnector::new(&change(ClientConfig::builder(backend.clone())).build().unwrap()).unwrap()
}

pub(crate) async fn handshake(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
) -> (Result<Stream, Error>, Result<Stream, Error>) {
    let (near, far) = duplex(1 << 20);
    let name = NAME.parse().unwrap();
    let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
    (client.map_err(Error::from), server.map_err(Error::from))
}

/// Connects, and passes a byte each way, so that tickets arrive.
pub(crate) async fn visit(connector: &TlsConnector, acceptor: &TlsAcceptor) -> (Stream, Stream) {
    let (client, server) = handshake(connector, acceptor).await;
    let mut streams = (client.unwrap(), server.unwrap());
    exchange(&mut streams).await;
    streams
}

pub(crate) async fn exchange((client, server): &mut (Stream, Stream)) {
    client.write_all(b"?").await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), b'?');
    server.write_all(b"!").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'!');
}

/// What the log says meanwhile.
pub(crate) fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    let log: Arc<Mutex<Vec<u8>>> = Arc::default();
    struct Writer(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || Writer(writer.clone())).finish();
    let result = tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    (result, text)
}
