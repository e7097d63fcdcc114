//! polytls's configuration as native-tls's.

use native_tls::{Certificate, Protocol, TlsAcceptor, TlsConnector};
use polytls_api::{ClientConfig, ConfigError, ConfigOption, Identity, ProtocolVersion, Roots, ServerConfig};

use crate::{NAME, error::configuration, pkcs8};

pub(crate) fn connector(config: &ClientConfig) -> Result<TlsConnector, ConfigError> {
    let settings = config.protocol();
    let mut builder = TlsConnector::builder();
    builder
        .min_protocol_version(Some(protocol(settings.lowest_version())))
        .max_protocol_version(Some(protocol(settings.highest_version())))
        .use_sni(config.sni());
    if !matches!(config.roots(), Roots::Os) {
        builder.disable_built_in_roots(true);
        for root in config.roots().certificates()?.iter() {
            let root = Certificate::from_der(root).map_err(|error| ConfigError::Certificates {
                reason: format!("a root is malformed: {error}"),
            })?;
            builder.add_root_certificate(root);
        }
    }
    if let Some(given) = config.identity() {
        builder.identity(identity(given)?);
    }
    let protocols = texts(settings.alpn())?;
    if !protocols.is_empty() {
        builder.request_alpns(&protocols);
    }
    builder.build().map_err(configuration)
}

pub(crate) fn acceptor(config: &ServerConfig) -> Result<TlsAcceptor, ConfigError> {
    let settings = config.protocol();
    let identity = config.identity().ok_or_else(|| unsupported(ConfigOption::Resolver))?;
    let identity = self::identity(identity)?;
    // Over OpenSSL a server drops a key that is not the certificate's, and says nothing; a client says so.
    TlsConnector::builder().identity(identity.clone()).build().map_err(configuration)?;
    let mut builder = TlsAcceptor::builder(identity);
    builder
        .min_protocol_version(Some(protocol(settings.lowest_version())))
        .max_protocol_version(Some(protocol(settings.highest_version())));
    let protocols = texts(settings.alpn())?;
    if !protocols.is_empty() {
        builder.accept_alpn(&protocols);
    }
    builder.build().map_err(configuration)
}

fn protocol(version: ProtocolVersion) -> Protocol {
    match version {
        ProtocolVersion::Tls12 => Protocol::Tlsv12,
        _ => Protocol::Tlsv13,
    }
}

fn unsupported(option: ConfigOption) -> ConfigError {
    ConfigError::Unsupported { backend: NAME, option }
}

fn identity(identity: &Identity) -> Result<native_tls::Identity, ConfigError> {
    let key = identity.private_key().ok_or_else(|| unsupported(ConfigOption::Signer))?;
    let key = pkcs8::from_key(key)?;
    let chain: String = identity
        .chain()
        .iter()
        .map(|certificate| pkcs8::pem("CERTIFICATE", certificate).to_string())
        .collect();
    native_tls::Identity::from_pkcs8(chain.as_bytes(), pkcs8::pem("PRIVATE KEY", &key).as_bytes())
        .map_err(configuration)
}

fn texts(protocols: &[Vec<u8>]) -> Result<Vec<&str>, ConfigError> {
    let text = |protocol| {
        std::str::from_utf8(protocol).map_err(|_| ConfigError::Invalid {
            option: "alpn",
            reason: "the native backend takes protocols that are UTF-8 text only".into(),
        })
    };
    protocols.iter().map(|protocol| text(protocol)).collect()
}
