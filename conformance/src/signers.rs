//! Private keys that are elsewhere: whoever has them signs, in its own time.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        RsaKeyPair,
    },
};
use polytls_api::{
    AlertDescription, ClientAuthentication, ConfigOption, ErrorKind, HookError, Identity, ProtocolVersion,
    ServerConfig, SignatureScheme, Signer, TlsAcceptor, async_trait,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    gate::{Gate, Outcomes, Standstill, at_the_gate, dropped_at_the_gate},
    pair::Side,
    pki::{self, Key, Leaf},
    resumption::visit,
    scene::{Ends, Scene, ensure_kind, exchange},
};

/// A signer that notes for which schemes it is asked, and signs once its gate is open.
pub(crate) struct KeyHolder {
    key: HeldKey,
    schemes: &'static [SignatureScheme],
    fails: bool,
    gate: Gate,
    asked_for: Mutex<Vec<SignatureScheme>>,
}

enum HeldKey {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl KeyHolder {
    /// Takes the key out of an identity; the identity is then the signer's.
    pub(crate) fn take_key(identity: &Identity, key: Key, open: bool) -> (Arc<Self>, Identity) {
        Self::make(identity, key, open, false)
    }

    fn failing(identity: &Identity) -> Identity {
        Self::make(identity, Key::P256, true, true).1
    }

    fn make(identity: &Identity, key: Key, open: bool, fails: bool) -> (Arc<Self>, Identity) {
        let signer = Arc::new(Self {
            key: HeldKey::new(key, &pki::secret(identity)),
            schemes: key.schemes(),
            fails,
            gate: Gate::new(open),
            asked_for: Mutex::default(),
        });
        (signer.clone(), pki::signed_elsewhere(identity, signer))
    }

    fn asked_for(&self) -> Vec<SignatureScheme> {
        self.asked_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HeldKey {
    fn new(key: Key, pkcs8: &[u8]) -> Self {
        const OURS: &str = "the suite made this key";
        let ecdsa = |algorithm| Self::Ecdsa(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).expect(OURS));
        match key {
            Key::P256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Key::P384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            Key::Ed25519 => Self::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).expect(OURS)),
            Key::Rsa2048 => Self::Rsa(RsaKeyPair::from_pkcs8(pkcs8).expect(OURS)),
        }
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        let random = SystemRandom::new();
        let signed = match self {
            Self::Ecdsa(key) => key.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Rsa(key) => {
                let padding: &dyn signature::RsaEncoding = match scheme {
                    SignatureScheme::RSA_PSS_RSAE_SHA256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, message, &mut signature).map(|()| signature)
            }
        };
        signed.map_err(|_| HookError::new("the key does not sign"))
    }
}

#[async_trait]
impl Signer for KeyHolder {
    fn schemes(&self) -> &[SignatureScheme] {
        self.schemes
    }

    async fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        self.asked_for.lock().unwrap_or_else(PoisonError::into_inner).push(scheme);
        self.gate.pass().await;
        if self.fails || !self.schemes.contains(&scheme) {
            return Err(HookError::new("the vault is locked"));
        }
        self.key.sign(scheme, message)
    }
}

impl fmt::Debug for KeyHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyHolder").field("schemes", &self.schemes).finish_non_exhaustive()
    }
}

/// A server with this identity.
fn serving(scene: &Scene, identity: &Identity) -> Result<Ends, Stop> {
    let builder = ServerConfig::builder(scene.pair.server.clone(), identity.clone());
    let acceptor = scene.acceptor_of(&[ConfigOption::Signer], builder, |server| server)?;
    Ok(Ends::new(scene.connector(&[], |client| client)?, acceptor))
}

/// A client with this identity, and a server that requires one.
fn presenting(scene: &Scene, identity: &Identity) -> Result<Ends, Stop> {
    let needs = [ConfigOption::ClientIdentity, ConfigOption::Signer];
    let connector = scene.connector(&needs, |client| client.identity(identity.clone()))?;
    Ok(Ends::new(connector, requiring(scene)?))
}

fn requiring(scene: &Scene) -> Result<TlsAcceptor, Stop> {
    let mode = ClientAuthentication::Required;
    let roots = scene.root.roots();
    scene.acceptor(&[ConfigOption::ClientAuthentication(mode)], |server| {
        server.client_authentication(mode).client_roots(roots)
    })
}

/// An identity of this side's, whose key is of this kind.
fn issue(scene: &Scene, side: Side, key: Key) -> Identity {
    match side {
        Side::Client => scene.root.issue(Leaf::client().key(key)),
        Side::Server => scene.root.issue(Leaf::server().key(key)),
    }
}

/// A client and a server, of which this side has this identity.
fn with(scene: &Scene, side: Side, identity: &Identity) -> Result<Ends, Stop> {
    match side {
        Side::Client => presenting(scene, identity),
        Side::Server => serving(scene, identity),
    }
}

pub(crate) async fn a_server_has_a_key_of_any_kind_elsewhere(pair: Pair) -> Result<(), Stop> {
    any_kind(&pair, Side::Server).await
}

pub(crate) async fn a_client_has_a_key_of_any_kind_elsewhere(pair: Pair) -> Result<(), Stop> {
    any_kind(&pair, Side::Client).await
}

async fn any_kind(pair: &Pair, side: Side) -> Result<(), Stop> {
    for key in Key::ALL.into_iter().filter(|key| pair.both_sign(*key)) {
        for scene in Scene::in_each_version(pair)? {
            let (signer, identity) = KeyHolder::take_key(&issue(&scene, side, key), key, true);
            let place = format!("{key:?} in {:?}", scene.versions);
            let (mut client, mut server) = with(&scene, side, &identity)?.connect().await.at(&place)?;
            exchange(&mut client, &mut server).await.at(&place)?;
            let [scheme] = signer.asked_for()[..] else {
                return crate::behaviour::failed(format!("{place}: it signed for {:?}", signer.asked_for()));
            };
            ensure(key.schemes().contains(&scheme), || format!("{place}: it was asked for {scheme}"))?;
        }
    }
    Ok(())
}

pub(crate) async fn a_key_for_one_name_may_be_elsewhere(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let held = scene.root.issue(Leaf::server_for(&["a.example"]));
        let (signer, identity) = KeyHolder::take_key(&held, Key::P256, true);
        let needs = [ConfigOption::SniIdentities, ConfigOption::Signer];
        let acceptor = scene.acceptor(&needs, |server| server.sni_identity("a.example", identity))?;
        let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
        ends.connect().await.at("the name whose key is here")?;
        ensure_eq(signer.asked_for().len(), 0, "signatures for another name")?;
        ends.to("a.example")?.connect().await.at("the name whose key is elsewhere")?;
        ensure_eq(signer.asked_for().len(), 1, "signatures for the name")?;
    }
    Ok(())
}

pub(crate) async fn a_resumed_connection_needs_no_signature(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (signer, identity) = KeyHolder::take_key(&scene.identity, Key::P256, true);
        let ends = serving(&scene, &identity)?;
        visit(&ends).await?;
        let (client, _server) = visit(&ends).await?;
        let expected = if client.info().resumed == Some(true) { 1 } else { 2 };
        ensure_eq(signer.asked_for().len(), expected, "signatures for two connections")?;
    }
    Ok(())
}

pub(crate) async fn a_servers_signer_that_fails_ends_the_handshake(pair: Pair) -> Result<(), Stop> {
    fails(&pair, Side::Server)
}

pub(crate) async fn a_clients_signer_that_fails_ends_the_handshake(pair: Pair) -> Result<(), Stop> {
    fails(&pair, Side::Client)
}

fn fails(pair: &Pair, side: Side) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let identity = KeyHolder::failing(&issue(&scene, side, Key::P256));
        let failures = with(&scene, side, &identity)?.failure_on_threads()?;
        let (own, peers) = match side {
            Side::Client => (failures.client, failures.server),
            Side::Server => (failures.server, failures.client),
        };
        let hook = |kind: &ErrorKind| *kind == ErrorKind::Hook;
        ensure_kind(&format!("{side:?}"), &own, hook, "Hook")?;
        let told = peers.alert_received();
        // Under the keys of TLS 1.3 a library may be unable to say more than the end.
        let cut = side == Side::Client && scene.versions == [ProtocolVersion::Tls13] && told.is_none();
        ensure(cut || told == Some(AlertDescription::INTERNAL_ERROR), || format!("the peer has {peers:?}"))?;
        ensure_eq(own.alert_sent(), told, "the alert that it says it sent, and the one that came")?;
        let reason = std::error::Error::source(&own).map(ToString::to_string).unwrap_or_default();
        ensure(reason.contains("the vault is locked"), || format!("the signer's reason is lost: {own:?}"))?;
    }
    Ok(())
}

pub(crate) async fn a_signature_by_another_key_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        for side in [Side::Server, Side::Client] {
            let (signer, _) = KeyHolder::take_key(&issue(&scene, side, Key::P256), Key::P256, true);
            let identity = pki::signed_elsewhere(&issue(&scene, side, Key::P256), signer);
            let failures = with(&scene, side, &identity)?.failure_on_threads().at(format!("{side:?}"))?;
            let connected = |error: &polytls_api::Error| *error.kind() == ErrorKind::UnexpectedEof;
            ensure(!(connected(&failures.client) && connected(&failures.server)), || {
                format!("no side says why: {failures:?}")
            })?;
        }
    }
    Ok(())
}

pub(crate) async fn nothing_passes_before_a_slow_signature_of_a_server(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (signer, identity) = KeyHolder::take_key(&scene.identity, Key::P256, false);
        let Outcomes { client, server } = at_the_gate(&serving(&scene, &identity)?, &signer.gate, |still| {
            still.client_waits()?;
            still.server_waits()
        })?;
        exchange(&mut client?, &mut server?).await?;
    }
    Ok(())
}

pub(crate) async fn nothing_passes_before_a_slow_signature_of_a_client(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let own = issue(&scene, Side::Client, Key::P256);
        let (signer, identity) = KeyHolder::take_key(&own, Key::P256, false);
        let ends = presenting(&scene, &identity)?;
        let Outcomes { client, server } = at_the_gate(&ends, &signer.gate, |still: &Standstill| {
            still.client_waits()?;
            still.server_waits()
        })?;
        exchange(&mut client?, &mut server?).await?;
    }
    Ok(())
}

pub(crate) async fn a_handshake_dropped_at_its_signer_ends_the_peers(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        for side in [Side::Server, Side::Client] {
            let (signer, identity) = KeyHolder::take_key(&issue(&scene, side, Key::P256), Key::P256, false);
            dropped_at_the_gate(&with(&scene, side, &identity)?, &signer.gate, side).await?;
        }
    }
    Ok(())
}
