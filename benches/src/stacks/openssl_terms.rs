//! Settings in the terms of OpenSSL, and of what native-tls makes of it.

use openssl::{
    error::ErrorStack,
    pkey::{Id, PKey},
    ssl::{SslContextBuilder, SslOptions, SslRef, SslSessionCacheMode, SslVerifyMode, SslVersion},
    x509::{
        X509,
        store::{X509Store, X509StoreBuilder},
    },
};

use super::{Negotiated, Refusal};
use crate::{CertificateKind, Certificates, Credentials, Group, Settings, Suite, Version};

/// Version, suite, group, tickets: what both sides of a context have in common.
pub(super) fn restrict(context: &mut SslContextBuilder, settings: &Settings) -> Result<(), ErrorStack> {
    let version = match settings.version {
        Version::Tls12 => SslVersion::TLS1_2,
        Version::Tls13 => SslVersion::TLS1_3,
    };
    context.set_min_proto_version(Some(version))?;
    context.set_max_proto_version(Some(version))?;
    match settings.version {
        Version::Tls12 => context.set_cipher_list(openssl_name(settings))?,
        Version::Tls13 => context.set_ciphersuites(settings.cipher_suite())?,
    }
    context.set_groups_list(&settings.group.to_string())?;
    if settings.resumption {
        context.set_num_tickets(1)?;
    } else {
        context.set_num_tickets(0)?;
        context.set_options(SslOptions::NO_TICKET);
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
    }
    Ok(())
}

/// A certificate and its key.
pub(super) fn present(context: &mut SslContextBuilder, credentials: &Credentials) -> Result<(), ErrorStack> {
    context.set_certificate(&*X509::from_der(&credentials.certificate)?)?;
    context.set_private_key(&*PKey::private_key_from_der(&credentials.key)?)
}

/// The root, in a peer that must present a certificate.
pub(super) fn require(
    context: &mut SslContextBuilder,
    certificates: &Certificates,
) -> Result<(), ErrorStack> {
    context.set_cert_store(store(certificates)?);
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    Ok(())
}

fn store(certificates: &Certificates) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(X509::from_der(&certificates.root)?)?;
    Ok(store.build())
}

/// What OpenSSL tells of a client's connection. Of hybrid groups it has no name.
pub(super) fn negotiated(ssl: &SslRef) -> Negotiated {
    let x25519 = ssl.peer_tmp_key().is_ok_and(|key| key.id() == Id::X25519);
    Negotiated {
        version: ssl.version2().map(|version| match version {
            SslVersion::TLS1_3 => Version::Tls13,
            _ => Version::Tls12,
        }),
        cipher_suite: ssl.current_cipher().and_then(|cipher| cipher.standard_name()).map(str::to_owned),
        group: x25519.then(|| Group::X25519.to_string()),
        resumed: Some(ssl.session_reused()),
    }
}

/// native-tls has no word for a suite or a group, and its servers end at TLS 1.2: it is measured with what it takes by
/// itself.
pub(super) fn refuse_native(settings: &Settings) -> Option<Refusal> {
    let (suite, certificate) = (Suite::ChaCha20Poly1305, CertificateKind::Rsa2048);
    let taken = Settings { version: Version::Tls12, suite, certificate, ..Settings::default() };
    (taken != *settings).then(|| {
        Refusal::new(
            "native-tls cannot be told suite, group or sessions, its servers cannot ask for a certificate, and over OpenSSL \
             they end at TLS 1.2",
        )
    })
}

/// OpenSSL's name of a TLS 1.2 suite.
fn openssl_name(settings: &Settings) -> &'static str {
    match (settings.suite, settings.certificate) {
        (Suite::Aes128Gcm, CertificateKind::Rsa2048) => "ECDHE-RSA-AES128-GCM-SHA256",
        (Suite::Aes256Gcm, CertificateKind::Rsa2048) => "ECDHE-RSA-AES256-GCM-SHA384",
        (Suite::ChaCha20Poly1305, CertificateKind::Rsa2048) => "ECDHE-RSA-CHACHA20-POLY1305",
        (Suite::Aes128Gcm, _) => "ECDHE-ECDSA-AES128-GCM-SHA256",
        (Suite::Aes256Gcm, _) => "ECDHE-ECDSA-AES256-GCM-SHA384",
        (Suite::ChaCha20Poly1305, _) => "ECDHE-ECDSA-CHACHA20-POLY1305",
    }
}
