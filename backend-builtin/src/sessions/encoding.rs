//! How sessions are written down: in a ticket, or in a store that may outlive the process.
//!
//! One way to write each, and nothing else is read: a number for the format, fixed fields, lengths before what varies.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use polytls_api::{CertificateChain, CertificateDer, CipherSuite, ProtocolVersion};

use super::{client::ClientSession, server::ServerSession};
use crate::{
    crypto::Secret,
    error::Fault,
    key_schedule::MASTER_SECRET_LEN,
    wire::codec::{Put, Reader},
};

/// Changed whenever what follows is.
const FORMAT: u8 = 2;

/// Room for what is not of variable length, so that secrets are not left behind when the buffer grows.
const FIXED: usize = 512;

pub(super) fn encode_client(session: &ClientSession) -> Vec<u8> {
    let varies = session.ticket.len() + session.session_id.len();
    let mut out = Vec::with_capacity(FIXED + varies + chain_len(&session.peer_chain));
    out.put_u8(FORMAT);
    out.put_u16(session.version.code());
    out.put_u16(session.suite.code());
    out.vec8(|out| out.put_slice(session.secret.as_bytes()));
    out.put_slice(&millis(session.obtained).to_be_bytes());
    out.put_slice(&millis(session.verified).to_be_bytes());
    out.put_u32(seconds(session.lifetime));
    out.put_u32(session.age_add);
    out.put_u32(session.max_early_data);
    out.put_u8(session.extended_master_secret.into());
    out.vec8(|out| out.put_slice(session.alpn.as_deref().unwrap_or_default()));
    out.vec8(|out| out.put_slice(&session.session_id));
    out.vec16(|out| out.put_slice(&session.ticket));
    put_chain(&mut out, &session.peer_chain);
    out
}

pub(super) fn decode_client(bytes: &[u8]) -> Option<ClientSession> {
    read_client(Reader::new(bytes)).ok()
}

fn read_client(mut reader: Reader<'_>) -> Result<ClientSession, Fault> {
    let reader = &mut reader;
    let version = read_version(reader)?;
    let session = ClientSession {
        version,
        suite: CipherSuite::from_code(reader.u16()?),
        secret: read_secret(reader, version)?,
        obtained: read_time(reader)?,
        verified: read_time(reader)?,
        lifetime: Duration::from_secs(reader.u32()?.into()),
        age_add: reader.u32()?,
        max_early_data: reader.u32()?,
        extended_master_secret: read_bool(reader)?,
        alpn: some(reader.vec8()?).map(Arc::from),
        session_id: reader.vec8()?.to_vec(),
        ticket: reader.vec16()?.to_vec(),
        peer_chain: read_chain(reader)?,
    };
    reader.finish()?;
    Ok(session)
}

/// The session, bound to the identity that is presented.
pub(super) fn encode_server(session: &ServerSession, presented: &[u8; 32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(FIXED + 256 + chain_len(&session.peer_chain));
    out.put_u8(FORMAT);
    out.put_u16(session.version.code());
    out.put_u16(session.suite.code());
    out.vec8(|out| out.put_slice(presented));
    out.vec8(|out| out.put_slice(session.secret.as_bytes()));
    out.put_slice(&millis(session.created).to_be_bytes());
    out.put_u32(seconds(session.lifetime));
    out.put_u32(session.age_add);
    out.put_u32(session.max_early_data);
    out.put_u8(session.extended_master_secret.into());
    out.vec8(|out| out.put_slice(session.alpn.as_deref().unwrap_or_default()));
    out.vec8(|out| out.put_slice(session.server_name.as_deref().unwrap_or_default().as_bytes()));
    put_chain(&mut out, &session.peer_chain);
    out
}

/// The session, if it began under the identity that is presented now, or another of its lineage.
pub(super) fn decode_server(bytes: &[u8], presented: &[u8; 32]) -> Option<ServerSession> {
    read_server(Reader::new(bytes), presented).ok()
}

fn read_server(mut reader: Reader<'_>, presented: &[u8; 32]) -> Result<ServerSession, Fault> {
    let reader = &mut reader;
    let version = read_version(reader)?;
    let suite = CipherSuite::from_code(reader.u16()?);
    if reader.vec8()? != presented {
        return Err(Fault::Decode("a session under another identity"));
    }
    let session = ServerSession {
        version,
        suite,
        secret: read_secret(reader, version)?,
        created: read_time(reader)?,
        lifetime: Duration::from_secs(reader.u32()?.into()),
        age_add: reader.u32()?,
        max_early_data: reader.u32()?,
        extended_master_secret: read_bool(reader)?,
        alpn: some(reader.vec8()?).map(Arc::from),
        server_name: read_name(reader)?,
        peer_chain: read_chain(reader)?,
    };
    reader.finish()?;
    Ok(session)
}

fn read_version(reader: &mut Reader<'_>) -> Result<ProtocolVersion, Fault> {
    if reader.u8()? != FORMAT {
        return Err(Fault::Decode("a session of another format"));
    }
    ProtocolVersion::from_code(reader.u16()?).ok_or(Fault::Decode("a session of another version"))
}

/// A master secret (RFC 5246 §8.1), or a pre-shared key as long as one of the hashes.
fn read_secret(reader: &mut Reader<'_>, version: ProtocolVersion) -> Result<Secret, Fault> {
    let bytes = reader.vec8()?;
    let has_its_length = match version {
        ProtocolVersion::Tls12 => bytes.len() == MASTER_SECRET_LEN,
        _ => [32, 48].contains(&bytes.len()),
    };
    Secret::from_slice(bytes).filter(|_| has_its_length).ok_or(Fault::Decode("a secret of another length"))
}

fn read_time(reader: &mut Reader<'_>) -> Result<SystemTime, Fault> {
    let since_1970 = Duration::from_millis(u64::from_be_bytes(reader.array()?));
    SystemTime::UNIX_EPOCH.checked_add(since_1970).ok_or(Fault::Decode("a time that no clock has"))
}

fn read_bool(reader: &mut Reader<'_>) -> Result<bool, Fault> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fault::Decode("a flag that is neither set nor unset")),
    }
}

fn read_name(reader: &mut Reader<'_>) -> Result<Option<Arc<str>>, Fault> {
    let name = some(reader.vec8()?).map(str::from_utf8).transpose();
    name.map(|name| name.map(Arc::from)).map_err(|_| Fault::Decode("a name that is no text"))
}

fn read_chain(reader: &mut Reader<'_>) -> Result<CertificateChain, Fault> {
    let certificates = Reader::new(reader.vec24()?);
    let chain = certificates.items(|certificate| Ok(CertificateDer::from(certificate.vec24()?.to_vec())))?;
    Ok(chain.into())
}

fn put_chain(out: &mut Vec<u8>, chain: &[CertificateDer<'_>]) {
    out.vec24(|out| {
        for certificate in chain {
            out.vec24(|out| out.put_slice(certificate));
        }
    });
}

fn chain_len(chain: &[CertificateDer<'_>]) -> usize {
    chain.iter().map(|certificate| 3 + certificate.len()).sum()
}

/// What is empty where there is none: neither a protocol (RFC 7301 §3.1) nor a name (RFC 6066 §3) can be.
fn some(bytes: &[u8]) -> Option<&[u8]> {
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

fn millis(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::sessions) fn client_session() -> ClientSession {
        ClientSession {
            version: ProtocolVersion::Tls13,
            suite: CipherSuite::TLS_AES_128_GCM_SHA256,
            secret: Secret::from_slice(&[7; 32]).unwrap(),
            ticket: b"ticket".to_vec(),
            session_id: b"id".to_vec(),
            obtained: SystemTime::UNIX_EPOCH + Duration::from_millis(1_234_567),
            verified: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_001),
            lifetime: Duration::from_secs(7200),
            age_add: 0x8000_0001,
            max_early_data: 14_336,
            alpn: Some(b"h2"[..].into()),
            peer_chain: vec![CertificateDer::from(b"one".to_vec()), CertificateDer::from(b"two".to_vec())]
                .into(),
            extended_master_secret: true,
        }
    }

    #[test]
    fn a_secret_of_a_length_that_none_has_is_refused() {
        for (version, length, is_read) in [
            (ProtocolVersion::Tls13, 32, true),
            (ProtocolVersion::Tls13, 48, true),
            (ProtocolVersion::Tls13, 31, false),
            (ProtocolVersion::Tls13, 64, false),
            (ProtocolVersion::Tls12, 48, true),
            (ProtocolVersion::Tls12, 32, false),
            (ProtocolVersion::Tls12, 64, false),
        ] {
            let secret = Secret::from_slice(&vec![7; length]).unwrap();
            let bytes = encode_client(&ClientSession { version, secret, ..client_session() });
            assert_eq!(decode_client(&bytes).is_some(), is_read, "{version} {length}");
        }
    }

    pub(in crate::sessions) fn server_session() -> ServerSession {
        let session = client_session();
        ServerSession {
            version: session.version,
            suite: session.suite,
            secret: session.secret,
            created: session.obtained,
            lifetime: session.lifetime,
            age_add: session.age_add,
            max_early_data: session.max_early_data,
            alpn: None,
            server_name: Some("example.com".into()),
            peer_chain: session.peer_chain,
            extended_master_secret: false,
        }
    }

    /// All but the secret, which is not printed.
    fn printed(session: &impl std::fmt::Debug, secret: &Secret) -> String {
        format!("{session:?} {:?}", secret.as_bytes())
    }

    #[test]
    fn what_is_written_is_read_and_nothing_shorter_or_longer_is() {
        let (client, server) = (client_session(), server_session());
        let presented = [1; 32];
        let (client_bytes, server_bytes) = (encode_client(&client), encode_server(&server, &presented));
        let read = decode_client(&client_bytes).unwrap();
        assert_eq!(printed(&read, &read.secret), printed(&client, &client.secret));
        let read = decode_server(&server_bytes, &presented).unwrap();
        assert_eq!(printed(&read, &read.secret), printed(&server, &server.secret));
        for length in 0..client_bytes.len() {
            assert!(decode_client(&client_bytes[..length]).is_none(), "the first {length} bytes");
        }
        for length in 0..server_bytes.len() {
            assert!(decode_server(&server_bytes[..length], &presented).is_none(), "the first {length} bytes");
        }
        assert!(decode_client(&[&*client_bytes, &[0]].concat()).is_none());
        assert!(decode_server(&[&*server_bytes, &[0]].concat(), &presented).is_none());
    }

    #[test]
    fn a_session_under_another_identity_or_of_another_format_is_not_read() {
        let presented = [1; 32];
        let mut bytes = encode_server(&server_session(), &presented);
        assert!(decode_server(&bytes, &[2; 32]).is_none());
        bytes[0] = FORMAT + 1;
        assert!(decode_server(&bytes, &presented).is_none());
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = FORMAT;
            }
            if let Some(session) = decode_client(&bytes) {
                prop_assert_eq!(encode_client(&session), bytes);
            }
        }
    }
}
