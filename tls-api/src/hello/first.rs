//! The ClientHello for the application to look at.

/// What a client asks for in its first message (RFC 8446 §4.1.2).
#[derive(Clone, Debug)]
pub struct ClientHello {
    server_name: Option<String>,
}

impl ClientHello {
    pub(crate) fn new(server_name: Option<&str>) -> Self {
        Self { server_name: server_name.map(ToOwned::to_owned) }
    }

    /// The name in SNI, as the client wrote it.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }
}
