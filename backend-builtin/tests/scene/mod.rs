//! Two endpoints of this engine, each with options of its own, over a stream in memory.

use std::sync::Arc;

use polytls_api::{
    CertificateDer, ClientConfig, Error, Identity, ProtocolVersion, Roots, ServerConfig, ServerConfigBuilder,
    ServerName, TlsAcceptor, TlsConnector, TlsStream,
};
use polytls_builtin::BuiltinBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

pub(crate) type Stream = TlsStream<DuplexStream>;

/// The content type of what is protected in TLS 1.3, and of data in TLS 1.2.
const APPLICATION_DATA: u8 = 23;
const CHANGE_CIPHER_SPEC: u8 = 20;

/// A client, a server, and what they are to each other.
pub(crate) struct Scene {
    client: BuiltinBuilder,
    server: BuiltinBuilder,
    names: usize,
    version: Option<ProtocolVersion>,
    trusted: Option<Roots>,
    more: fn(ServerConfigBuilder, &Roots) -> ServerConfigBuilder,
}

impl Scene {
    /// A client that trusts the server's certificate.
    pub(crate) fn new(client: BuiltinBuilder, server: BuiltinBuilder) -> Self {
        Self { client, server, names: 1, version: None, trusted: None, more: |server, _| server }
    }

    /// With a client that trusts these alone.
    pub(crate) fn trusting(self, roots: Roots) -> Self {
        Self { trusted: Some(roots), ..self }
    }

    pub(crate) fn version(self, version: ProtocolVersion) -> Self {
        Self { version: Some(version), ..self }
    }

    /// With a certificate that is long, and short when it is compressed.
    pub(crate) fn with_many_names(self) -> Self {
        Self { names: 200, ..self }
    }

    /// With more to say to the server, which is given the root of both.
    pub(crate) fn server(self, more: fn(ServerConfigBuilder, &Roots) -> ServerConfigBuilder) -> Self {
        Self { more, ..self }
    }

    pub(crate) fn name(&self) -> ServerName {
        "0.example".parse().unwrap()
    }

    pub(crate) fn connector(&self) -> TlsConnector {
        self.endpoints().0
    }

    fn endpoints(&self) -> (TlsConnector, TlsAcceptor) {
        let names = (0..self.names).map(|number| format!("{number}.example")).collect::<Vec<_>>();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate: CertificateDer<'static> = made.cert.der().clone();
        let identity = Identity::from_der([certificate.clone()], made.signing_key.serialize_der()).unwrap();
        let root = Roots::from_der([certificate]);
        let client = Arc::new(self.client.clone().build().unwrap());
        let server = Arc::new(self.server.clone().build().unwrap());
        let versions = self.version.map_or(ProtocolVersion::ALL.to_vec(), |version| vec![version]);
        let trusted = self.trusted.clone().unwrap_or(root.clone());
        let client = ClientConfig::builder(client).roots(trusted).protocol_versions(versions);
        let server = (self.more)(ServerConfig::builder(server, identity), &root);
        (
            TlsConnector::new(&client.build().unwrap()).unwrap(),
            TlsAcceptor::new(&server.build().unwrap()).unwrap(),
        )
    }
}

/// One connection. A server that refuses its client does so when the client may be done: so a byte goes each way.
pub(crate) async fn connection(scene: &Scene) -> Result<(Stream, Stream), (Option<Error>, Option<Error>)> {
    let (near, far) = duplex(1 << 20);
    let (connector, acceptor) = scene.endpoints();
    let name = scene.name();
    let client = async {
        let mut stream = connector.connect(&name, near).await.map_err(Error::from)?;
        stream.write_all(b"x").await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    let server = async {
        let mut stream = acceptor.accept(far).await.map_err(Error::from)?;
        stream.write_all(b"x").await?;
        stream.read_u8().await?;
        Ok(stream)
    };
    let (client, server): (Result<_, Error>, Result<_, Error>) = tokio::join!(client, server);
    match (client, server) {
        (Ok(client), Ok(server)) => Ok((client, server)),
        (client, server) => Err((client.err(), server.err())),
    }
}

/// The errors of a connection that neither side can have, the client's first.
pub(crate) async fn failures(scene: &Scene) -> (Error, Error) {
    match connection(scene).await {
        Err((Some(client), Some(server))) => (client, server),
        other => panic!("they connect: {other:?}"),
    }
}

/// The lengths of the protected records of a connection on which each side sends `data`, the client's first.
pub(crate) async fn bytes_each_way(scene: &Scene, data: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let (up, down) = written_each_way(scene, data).await;
    (records(&up, APPLICATION_DATA), records(&down, APPLICATION_DATA))
}

/// How many change_cipher_spec records each side sends, the client first.
pub(crate) async fn change_cipher_specs(scene: &Scene) -> (usize, usize) {
    let (up, down) = written_each_way(scene, b"x").await;
    (records(&up, CHANGE_CIPHER_SPEC).len(), records(&down, CHANGE_CIPHER_SPEC).len())
}

async fn written_each_way(scene: &Scene, data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let ((near, mut to_server), (mut to_client, far)) = (duplex(1 << 20), duplex(1 << 20));
    let relay = tokio::spawn(async move {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        relay(&mut to_server, &mut to_client, &mut up, &mut down).await;
        (up, down)
    });
    let (connector, acceptor) = scene.endpoints();
    let name = scene.name();
    let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    let mut received = vec![0; data.len()];
    client.write_all(data).await.unwrap();
    server.read_exact(&mut received).await.unwrap();
    assert_eq!(received, data);
    server.write_all(data).await.unwrap();
    client.read_exact(&mut received).await.unwrap();
    assert_eq!(received, data);
    drop((client, server));
    relay.await.unwrap()
}

/// Carries bytes both ways until a side has gone, and keeps a copy.
async fn relay(client: &mut DuplexStream, server: &mut DuplexStream, up: &mut Vec<u8>, down: &mut Vec<u8>) {
    let (mut from_client, mut from_server) = ([0; 4096], [0; 4096]);
    loop {
        let (count, from, to, kept) = tokio::select! {
            count = client.read(&mut from_client) => (count.unwrap(), &from_client, &mut *server, &mut *up),
            count = server.read(&mut from_server) => (count.unwrap(), &from_server, &mut *client, &mut *down),
        };
        if count == 0 {
            return;
        }
        kept.extend_from_slice(&from[..count]);
        // The other may have gone already.
        let _ = to.write_all(&from[..count]).await;
    }
}

/// The lengths of the records of a type.
fn records(mut bytes: &[u8], wanted: u8) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some((&[content_type, _, _, high, low], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if content_type == wanted {
            lengths.push(length);
        }
        bytes = rest.get(length..).unwrap_or_default();
    }
    lengths
}
