//! `polytls serve`: a folder over HTTPS, for h2 and http/1.1.

mod bounded;
mod connections;
mod files;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use polytls::{
    Backend, ClientAuthentication, Identity, ServerConfig, TlsAcceptor,
    reload::{Outcome, ReloadableIdentity},
};
use tokio::net::TcpListener;

use crate::{
    chain::Authority,
    failure::Failure,
    identity::IdentityFiles,
    output,
    serve::{connections::Connections, files::Folder},
    settings::{self, Version},
};

/// What to serve, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The certificate chain: PEM, or PKCS#12 with the key [default: one made for localhost]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, in PEM [default: the one in the file of the certificate]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A file with the password of the key or of the PKCS#12 file, and nothing else
    #[arg(long, value_name = "FILE")]
    key_password_file: Option<PathBuf>,
    /// Follow the files: present a new certificate as soon as it is there with its key, to those who connect from then on
    #[arg(long, requires = "cert")]
    reload: bool,
    /// Write the root of the certificate that is made to this file, for clients to trust
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    write_root: Option<PathBuf>,
    /// Whether to ask clients for a certificate; needs --client-roots
    #[arg(long, value_enum, default_value = "none", requires_ifs = [("optional", "client_roots"), ("required", "client_roots")])]
    client_auth: Mode,
    /// The roots that a client's chain must lead to: os, bundled, none, a PEM file, or a directory of such files
    #[arg(long, value_name = "ROOTS")]
    client_roots: Option<String>,
    /// Protocol versions to accept
    #[arg(long, value_delimiter = ',', value_enum)]
    tls: Vec<Version>,
}

/// Whether to ask clients for a certificate.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Mode {
    None,
    Optional,
    Required,
}

impl From<Mode> for ClientAuthentication {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::None => Self::None,
            Mode::Optional => Self::Optional,
            Mode::Required => Self::Required,
        }
    }
}

pub(crate) async fn run(backend: Option<&str>, options: Options) -> Result<(), Failure> {
    let folder = Arc::new(Folder::open(&options.folder)?);
    let backend = settings::backend(backend)?;
    let (identity, root) = identity(&options)?;
    let followed = if options.reload { followed(&options, backend.clone())? } else { None };
    let config = config(backend, &options, identity, followed)?;
    let acceptor = TlsAcceptor::new(&config)?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| Failure::usage(format!("cannot listen on {}: {error}", options.listen)))?;
    // The file is written only when nothing else is wrong.
    if let (Some(file), Some(root)) = (&options.write_root, root) {
        std::fs::write(file, root)
            .map_err(|error| Failure::usage(format!("cannot write {}: {error}", file.display())))?;
    }
    let name = config.backend().info().name;
    output::print(&format!("listening on https://{} (backend {name})\n", listener.local_addr()?))?;
    Connections::new(acceptor, folder).serve(listener).await
}

fn config(
    backend: Arc<dyn Backend>,
    options: &Options,
    identity: Identity,
    followed: Option<ReloadableIdentity>,
) -> Result<ServerConfig, Failure> {
    let config = match followed {
        Some(followed) => ServerConfig::builder_with_resolver(backend, Arc::new(followed)),
        None => ServerConfig::builder(backend, identity),
    };
    let mut config = config.alpn(["h2", "http/1.1"]).client_authentication(options.client_auth.into());
    if let Some(roots) = &options.client_roots {
        config = config.client_roots(settings::roots(roots)?);
    }
    if !options.tls.is_empty() {
        config = config.protocol_versions(options.tls.iter().map(|&version| version.into()));
    }
    Ok(config.build()?)
}

/// The identity given; else one made for this machine, and in PEM the root, whose key is gone when this returns.
fn identity(options: &Options) -> Result<(Identity, Option<String>), Failure> {
    if let Some(given) = files(options).read()? {
        return Ok((given, None));
    }
    let authority = Authority::new()?;
    Ok((authority.server(&["localhost", "127.0.0.1", "::1"])?, Some(authority.pem())))
}

/// The identity given, which follows its files; what becomes of each change is said on standard error.
fn followed(options: &Options, backend: Arc<dyn Backend>) -> Result<Option<ReloadableIdentity>, Failure> {
    let Some(files) = files(options).to_follow()? else { return Ok(None) };
    let identity = ReloadableIdentity::builder(backend, files).build();
    let identity = identity.map_err(|error| Failure::usage(error.to_string()))?;
    identity.on_reload(|outcome| {
        // Of what was refused the log has told.
        if let Outcome::Swapped { generation } = outcome {
            output::note(&format!("the new certificate is in force: generation {generation}"));
        }
    });
    Ok(Some(identity))
}

fn files(options: &Options) -> IdentityFiles<'_> {
    IdentityFiles {
        cert: ("--cert", options.cert.as_ref()),
        key: ("--key", options.key.as_ref()),
        password: options.key_password_file.as_ref(),
    }
}
