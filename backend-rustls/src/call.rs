//! One call into rustls: what its callbacks find, and what they leave behind.
//!
//! rustls asks its verifier, resolver and key log in the middle of calls that cannot suspend, and they know of no
//! connection of ours. So each connection has a [`Desk`], which lies there for the length of a call on whichever
//! thread makes it. Nothing is awaited meanwhile, so no other connection comes between.

use std::{cell::RefCell, mem, sync::Arc, time::SystemTime};

use polytls_api::{HeldVerdict, HookError, Identity};
use rustls::sign::CertifiedKey;

use crate::{
    exporter::LoggedSecret, handshake_keys::HandshakeSecrets, sessions::ClientSession, tickets::KeptSession,
};

thread_local! {
    static PLACE: RefCell<Place> = RefCell::default();
}

/// Where a desk lies for the length of a call; an empty one between calls.
#[derive(Default)]
struct Place {
    desk: Box<Desk>,
    in_call: bool,
}

impl Place {
    /// Exchanges the desk with the one that lies there.
    fn exchange(desk: &mut Box<Desk>, in_call: bool) {
        PLACE.with_borrow_mut(|place| {
            mem::swap(&mut place.desk, desk);
            place.in_call = in_call;
        });
    }
}

/// What a connection has for rustls's callbacks, and what they have noted for it.
#[derive(Default)]
pub(crate) struct Desk {
    /// What is presented: on a server chosen beforehand, on a client noted when the server asks for it.
    pub(crate) identity: Option<Identity>,
    /// The same in rustls's terms, on a server.
    pub(crate) certified: Option<Arc<CertifiedKey>>,
    /// The name in the client's hello.
    pub(crate) server_name: Option<String>,
    /// The verdict that the last call asked for.
    pub(crate) verdict: Option<HeldVerdict>,
    /// What the server presented with its certificate.
    pub(crate) ocsp_response: Option<Vec<u8>>,
    /// What key material is exported from.
    pub(crate) exporter_secret: Option<LoggedSecret>,
    /// On a client: a session to offer.
    pub(crate) offered: Option<ClientSession>,
    /// On a client: a session for the application's store.
    pub(crate) received: Option<ClientSession>,
    /// On a server: sessions that the client would resume, out of the application's store.
    pub(crate) taken: Vec<KeptSession>,
    /// On a server: the one of them that goes back there if the handshake goes well.
    pub(crate) resumed: Option<KeptSession>,
    /// On a server: when the session ends that the client would resume.
    pub(crate) session_end: Option<SystemTime>,
    /// On a server: sessions for the application's store.
    pub(crate) kept: Vec<KeptSession>,
    /// Secrets of the handshake, if they are wanted.
    pub(crate) handshake_secrets: HandshakeSecrets,
    /// The application's signer has been asked.
    pub(crate) signed: bool,
    /// It could not answer.
    pub(crate) hook_failure: Option<HookError>,
}

impl Desk {
    /// What a server's sessions are bound to: the identity that is presented.
    pub(crate) fn session_binding(&self) -> [u8; 32] {
        self.identity.as_ref().map(|identity| *identity.session_binding()).unwrap_or_default()
    }
}

/// Makes a call with the desk in place.
pub(crate) fn with_desk<T>(desk: &mut Box<Desk>, call: impl FnOnce() -> T) -> T {
    Place::exchange(desk, true);
    let _back = GoesBack(desk);
    call()
}

/// Takes the desk away again, however the call ends.
struct GoesBack<'a>(&'a mut Box<Desk>);

impl Drop for GoesBack<'_> {
    fn drop(&mut self) {
        Place::exchange(self.0, false);
    }
}

/// Looks at the desk from within a call; what is done there must not call rustls. `None` outside one.
pub(crate) fn at_desk<T>(look: impl FnOnce(&mut Desk) -> T) -> Option<T> {
    PLACE.with_borrow_mut(|place| place.in_call.then(|| look(&mut place.desk)))
}
