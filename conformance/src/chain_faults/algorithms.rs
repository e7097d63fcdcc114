//! Signatures that are wrong, and algorithms that are too weak.

use polytls_api::{CertificateDer, CertificateError};
use rcgen::KeyPair;

use super::{
    Asked,
    chains::{Authority, Role, ShortRsaKey, key, rsa_key},
    unsupported,
};
use crate::{Pair, behaviour::Stop};

/// The last octets of sha256WithRSAEncryption and of sha1WithRSAEncryption (RFC 8017 §A.2.4).
const SHA256: &[u8] = &[0xf7, 0x0d, 1, 1, 11];
const SHA1: &[u8] = &[0xf7, 0x0d, 1, 1, 5];

/// secp384r1 and secp224r1 (RFC 5480 §2.1.1.1).
const P384: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 34];
const P224: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 33];

pub(crate) async fn a_changed_signature_is_refused(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let changed = |certificate: &CertificateDer<'_>| -> CertificateDer<'static> {
        let mut der = certificate.to_vec();
        // The signature is the last field of a certificate (RFC 5280 §4.1).
        if let Some(last) = der.last_mut() {
            *last ^= 1;
        }
        der.into()
    };
    let fault = || Some(CertificateError::BadSignature);
    for role in Role::BOTH {
        let issuer = root.below("intermediate", |_| ());
        let own = issuer.issue(role, |_| ());
        let good = (own.clone(), vec![issuer.der.clone()]);
        asked.finds(role, &good, None, "nothing changed").await?;
        let chain = (changed(&own), vec![issuer.der.clone()]);
        asked.finds(role, &chain, fault(), "the peer's").await?;
        asked.finds(role, &(own, vec![changed(&issuer.der)]), fault(), "the issuer's").await?;
    }
    Ok(())
}

pub(crate) async fn weak_algorithms_are_refused(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    for role in Role::BOTH {
        let of_rsa = root.below_with_key("rsa", rsa_key(), |_| ());
        let own = of_rsa.issue(role, |_| ());
        let chain = (own.clone(), vec![of_rsa.der.clone()]);
        asked.finds(role, &chain, None, "RSA of 2048 bits").await?;
        let chain = (of_rsa.replaced(&own, SHA256, SHA1), vec![of_rsa.der.clone()]);
        asked.finds(role, &chain, unsupported(), "SHA-1 under the peer's").await?;

        let below = of_rsa.below("below", |_| ());
        let by_sha1 = of_rsa.replaced(&below.der, SHA256, SHA1);
        let chain = (below.issue(role, |_| ()), vec![by_sha1, of_rsa.der.clone()]);
        asked.finds(role, &chain, unsupported(), "SHA-1 under an issuer's").await?;

        let short = root.issue_for(&ShortRsaKey::new(), role, |_| ());
        asked.finds(role, &(short, vec![]), unsupported(), "RSA of 1024 bits").await?;
        let issuer = root.below_with_key("short", ShortRsaKey::new(), |_| ());
        let chain = (issuer.issue(role, |_| ()), vec![issuer.der]);
        asked.finds(role, &chain, unsupported(), "an issuer's RSA of 1024 bits").await?;
        let short = Authority::root_with_key("short", ShortRsaKey::new());
        let trusting = Asked::new(&pair, short.roots())?;
        let chain = (short.issue(role, |_| ()), vec![]);
        trusting.finds(role, &chain, unsupported(), "a root's RSA of 1024 bits").await?;

        let on_p384 = root.issue_for(&p384(), role, |_| ());
        asked.finds(role, &(on_p384.clone(), vec![]), None, "P-384").await?;
        let on_p224 = root.replaced(&on_p384, P384, P224);
        asked.finds(role, &(on_p224, vec![]), unsupported(), "P-224").await?;
        let issuer = root.below_with_key("on a curve", p384(), |_| ());
        let on_p224 = root.replaced(&issuer.der, P384, P224);
        let chain = (issuer.issue(role, |_| ()), vec![on_p224]);
        asked.finds(role, &chain, unsupported(), "an issuer's P-224").await?;
        let by_p256 = root.below_with_key("on P-256", key(), |_| ());
        asked.finds(role, &(by_p256.issue(role, |_| ()), vec![by_p256.der]), None, "P-256").await?;
    }
    Ok(())
}

fn p384() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("rcgen knows the curve")
}
