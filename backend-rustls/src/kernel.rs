//! What of rustls stays after the handshake: secrets and tickets, under polytls's record layer.

use std::{fmt, time::Duration};

use polytls_api::{
    CipherSuite, ConfigError, ConfigOption, Error, ErrorKind,
    record::{KeySchedule, TrafficKeys},
};
use polytls_aws_lc::AeadCipher;
use rustls::{
    ConnectionTrafficSecrets, client::ClientConnectionData, kernel::KernelConnection,
    server::ServerConnectionData,
};

use crate::{
    NAME,
    call::{Desk, with_desk},
    error,
    exporter::Exporter,
    sessions::ClientStore,
};

/// The key schedule of an established connection.
pub(crate) struct Kernel<Data> {
    pub(crate) connection: KernelConnection<Data>,
    pub(crate) suite: CipherSuite,
    pub(crate) exporter: Option<Exporter>,
    /// On a client: where the application keeps sessions.
    pub(crate) store: Option<ClientStore>,
}

impl<Data> Kernel<Data> {
    fn next_sending(&mut self) -> Result<TrafficKeys, Error> {
        traffic_keys(self.suite, self.connection.update_tx_secret().map_err(error::connection)?)
    }

    fn next_receiving(&mut self) -> Result<TrafficKeys, Error> {
        traffic_keys(self.suite, self.connection.update_rx_secret().map_err(error::connection)?)
    }

    fn export(&self, output: &mut [u8], label: &[u8], context: Option<&[u8]>) -> Result<(), Error> {
        match &self.exporter {
            Some(exporter) => exporter.export(output, label, context),
            None => Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::Exporter }.into()),
        }
    }
}

/// rustls's secrets as the record layer's keys.
pub(crate) fn traffic_keys(
    suite: CipherSuite,
    (sequence, secrets): (u64, ConnectionTrafficSecrets),
) -> Result<TrafficKeys, Error> {
    let backend = || Error::new(ErrorKind::Backend).on_backend(NAME);
    let (key, iv) = match &secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => return Err(backend()),
    };
    let cipher = AeadCipher::new(suite, key.as_ref()).ok_or_else(backend)?;
    let iv = iv.as_ref().try_into().map_err(|_| backend())?;
    Ok(TrafficKeys::new(suite, Box::new(cipher), iv, sequence))
}

impl KeySchedule for Kernel<ClientConnectionData> {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_sending()
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_receiving()
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        let mut desk = Box::<Desk>::default();
        with_desk(&mut desk, || self.connection.handle_new_session_ticket(body))
            .map_err(error::connection)?;
        // RFC 8446 §4.6.1: the lifetime in seconds comes first.
        if let (Some(store), Some(session), Some(lifetime)) = (&self.store, desk.received, body.first_chunk())
        {
            store.keep(session, Duration::from_secs(u32::from_be_bytes(*lifetime).into()));
        }
        Ok(())
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.export(output, label, context)
    }
}

impl KeySchedule for Kernel<ServerConnectionData> {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_sending()
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.next_receiving()
    }

    fn new_session_ticket(&mut self, _body: &[u8]) -> Result<(), Error> {
        // RFC 8446 §4.6.1: only servers send tickets.
        Err(ErrorKind::PeerMisbehaved.into())
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.export(output, label, context)
    }
}

impl<Data> fmt::Debug for Kernel<Data> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("suite", &self.suite).finish_non_exhaustive()
    }
}
