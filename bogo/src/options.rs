//! What the runner asks for, in the shim's terms: how to reach it, what to configure, what to do, what to expect.

use polytls::ProtocolVersion;

use crate::policy::Policy;

/// All that one connection is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) runner: Runner,
    pub(crate) settings: Settings,
    pub(crate) verdicts: Verdicts,
    pub(crate) exchange: Exchange,
    pub(crate) expected: Expected,
}

/// Where the runner listens, and how often to connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runner {
    pub(crate) port: u16,
    pub(crate) ipv6: bool,
    /// What a connection begins with, so that the runner knows whose it is.
    pub(crate) shim_id: u64,
    pub(crate) resume_count: usize,
    pub(crate) backend: Option<String>,
    /// The runner asks whether there is a second process for its tests of handshake hints.
    pub(crate) asks_for_handshaker: bool,
}

/// What makes a configuration: connections with equal settings share one, and so its sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) server: bool,
    /// Hooks suspend, and the byte stream gives and takes one byte at a time.
    pub(crate) suspends: bool,
    /// The certificate of BoringSSL's older functions, used after [`Settings::credentials`].
    pub(crate) default_credential: Credential,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) min_version: Option<u16>,
    pub(crate) max_version: Option<u16>,
    pub(crate) excluded_versions: Vec<ProtocolVersion>,
    pub(crate) curves: Vec<u16>,
    pub(crate) verify_prefs: Vec<u16>,
    pub(crate) cipher: Option<String>,
    pub(crate) policy: Option<Policy>,
    pub(crate) host_name: Option<String>,
    /// A client's protocols in the encoding of RFC 7301 §3.1, without the length of the whole.
    pub(crate) advertise_alpn: Vec<u8>,
    /// A server's one protocol; empty for none.
    pub(crate) select_alpn: Vec<u8>,
    pub(crate) reject_alpn: bool,
    pub(crate) verify_peer: bool,
    pub(crate) fail_resolver: bool,
    pub(crate) require_client_certificate: bool,
    pub(crate) grease: bool,
    pub(crate) no_ticket: bool,
    pub(crate) server_sessions: ServerSessions,
    pub(crate) early_data: bool,
    pub(crate) max_send_fragment: Option<usize>,
}

/// Where a server keeps sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum ServerSessions {
    /// In a store where hooks are to suspend, else in tickets.
    #[default]
    AsHooks,
    /// In tickets.
    Tickets,
    /// In a store, under ids.
    Store,
}

/// A chain with its key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Credential {
    pub(crate) cert_file: Option<String>,
    pub(crate) key_file: Option<String>,
    pub(crate) ocsp_response: Option<Vec<u8>>,
    pub(crate) ocsp_declined: bool,
    pub(crate) signing_prefs: Vec<u16>,
}

/// What hooks decide, connection by connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts {
    pub(crate) refuse_peer: bool,
    /// The server looks at the ClientHello before it has a configuration.
    pub(crate) early_callback: bool,
    pub(crate) reject_hello: bool,
    pub(crate) reject_hello_late: bool,
}

/// What is done once the handshake is complete.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) shim_writes_first: bool,
    pub(crate) initial_write: Vec<u8>,
    pub(crate) initial_writes: usize,
    pub(crate) unfinished_write: bool,
    pub(crate) shim_shuts_down: bool,
    pub(crate) check_close_notify: bool,
    pub(crate) different_record_sizes: bool,
    pub(crate) read_size: usize,
    pub(crate) key_update: bool,
    pub(crate) key_update_before_read: bool,
    pub(crate) export_between_reads: bool,
    pub(crate) export: Export,
    pub(crate) export_traffic_secrets: bool,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            shim_writes_first: false,
            initial_write: b"hello".to_vec(),
            initial_writes: 1,
            unfinished_write: false,
            shim_shuts_down: false,
            check_close_notify: false,
            different_record_sizes: false,
            // Less than a record, so that one record takes several reads.
            read_size: 512,
            key_update: false,
            key_update_before_read: false,
            export_between_reads: false,
            export: Export::default(),
            export_traffic_secrets: false,
        }
    }
}

/// Key material that the runner wants to see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Export {
    pub(crate) length: usize,
    pub(crate) label: Vec<u8>,
    pub(crate) context: Vec<u8>,
    pub(crate) with_context: bool,
}

/// What the handshake must have come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) version: Option<u16>,
    pub(crate) cipher: Option<u16>,
    pub(crate) curve: Option<u16>,
    pub(crate) peer_signature_scheme: Option<u16>,
    pub(crate) alpn: Vec<u8>,
    pub(crate) advertised_alpn: Option<Vec<u8>>,
    pub(crate) peer_verify_prefs: Vec<u16>,
    pub(crate) server_name: Option<String>,
    pub(crate) no_server_name: bool,
    pub(crate) session_miss: bool,
    pub(crate) no_session: bool,
    /// A server's store has the session.
    pub(crate) stored_session: bool,
    pub(crate) ocsp_response: Option<Vec<u8>>,
    pub(crate) peer_cert_file: Option<String>,
    pub(crate) no_peer_cert: bool,
    pub(crate) verify_result: bool,
    pub(crate) hello_retry: Option<bool>,
    pub(crate) extended_master_secret: bool,
    pub(crate) secure_renegotiation: Option<bool>,
    pub(crate) early_data: Option<bool>,
    pub(crate) early_data_reason: Option<String>,
    pub(crate) no_early_data_offer: bool,
    pub(crate) selected_credential: Option<i32>,
    pub(crate) no_handshake: bool,
}
