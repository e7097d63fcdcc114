//! The runner's command line: a table of flags, and the prefixes that say for which connection one is.

use std::str::FromStr;

use base64ct::{Base64, Encoding};
use polytls::ProtocolVersion;

use crate::{
    options::{Credential, Options, ServerSessions},
    policy::Policy,
};

/// What each connection is told: the first, those that resume it, and what follows refused early data.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) initial: Options,
    pub(crate) resume: Options,
    pub(crate) retry: Options,
}

/// Why a command line cannot be honoured.
#[derive(Debug, PartialEq)]
pub(crate) enum FlagError {
    /// A flag that is none of the shim's: what it asks for, the shim cannot do.
    Unimplemented(String),
    /// A flag whose value is missing or none of its own.
    Value(String),
}

enum Flag {
    Switch(fn(&mut Options)),
    /// Takes the next argument; `None` where that cannot be meant.
    Value(fn(&mut Options, &[u8]) -> Option<()>),
}

use Flag::{Switch, Value};

impl Flag {
    /// `None` where the value cannot be meant.
    fn set(&self, options: &mut Options, value: &[u8]) -> Option<()> {
        match self {
            Switch(set) => set(options),
            Value(set) => return set(options, value),
        }
        Some(())
    }
}

impl Plan {
    /// Reads a command line, without the program's name.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, FlagError> {
        let mut plan =
            Self { initial: Options::default(), resume: Options::default(), retry: Options::default() };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let argument = String::from_utf8_lossy(&argument).into_owned();
            let (scope, name) = Scope::of(&argument);
            let Some((_, flag)) = FLAGS.iter().find(|(known, _)| *known == name) else {
                return Err(FlagError::Unimplemented(argument));
            };
            let value = match flag {
                Switch(_) => Vec::new(),
                Value(_) => arguments.next().ok_or_else(|| FlagError::Value(argument.clone()))?,
            };
            for options in plan.in_scope(scope) {
                flag.set(options, &value).ok_or_else(|| FlagError::Value(argument.clone()))?;
            }
        }
        Ok(plan)
    }

    fn in_scope(&mut self, scope: Scope) -> Vec<&mut Options> {
        match scope {
            Scope::All => vec![&mut self.initial, &mut self.resume, &mut self.retry],
            Scope::Initial => vec![&mut self.initial],
            Scope::Resume => vec![&mut self.resume],
            Scope::Retry => vec![&mut self.retry],
            Scope::Handshaker => vec![],
        }
    }
}

/// For which connection a flag is.
#[derive(Clone, Copy)]
enum Scope {
    All,
    Initial,
    Resume,
    Retry,
    /// For the second process of the tests of handshake hints.
    Handshaker,
}

impl Scope {
    fn of(argument: &str) -> (Self, &str) {
        let argument = argument.strip_prefix("-on-shim").unwrap_or(argument);
        let scopes = [
            ("-on-initial", Self::Initial),
            ("-on-resume", Self::Resume),
            ("-on-retry", Self::Retry),
            ("-on-handshaker", Self::Handshaker),
        ];
        for (prefix, scope) in scopes {
            if let Some(name) = argument.strip_prefix(prefix) {
                return (scope, name);
            }
        }
        (Self::All, argument)
    }
}

fn number<T: FromStr>(value: &[u8]) -> Option<T> {
    text(value)?.parse().ok()
}

fn text(value: &[u8]) -> Option<String> {
    String::from_utf8(value.to_vec()).ok()
}

fn base64(value: &[u8]) -> Option<Vec<u8>> {
    Base64::decode_vec(std::str::from_utf8(value).ok()?).ok()
}

fn set<T>(slot: &mut T, value: Option<T>) -> Option<()> {
    *slot = value?;
    Some(())
}

fn push<T>(list: &mut Vec<T>, value: Option<T>) -> Option<()> {
    list.push(value?);
    Some(())
}

/// What the flags of a credential are about: the one begun last.
fn credential(options: &mut Options) -> &mut Credential {
    let settings = &mut options.settings;
    settings.credentials.last_mut().unwrap_or(&mut settings.default_credential)
}

fn session_in_store(options: &mut Options) {
    options.settings.server_sessions = ServerSessions::Store;
    options.expected.stored_session = true;
}

/// A flag that asks for what is so anyway, or what says only how BoringSSL is to be called.
const NOTHING: Flag = Switch(|_| {});

const FLAGS: &[(&str, Flag)] = &[
    // The runner.
    ("-port", Value(|o, v| set(&mut o.runner.port, number(v)))),
    ("-ipv6", Switch(|o| o.runner.ipv6 = true)),
    ("-shim-id", Value(|o, v| set(&mut o.runner.shim_id, number(v)))),
    ("-resume-count", Value(|o, v| set(&mut o.runner.resume_count, number(v)))),
    ("-is-handshaker-supported", Switch(|o| o.runner.asks_for_handshaker = true)),
    ("--backend", Value(|o, v| set(&mut o.runner.backend, text(v).map(Some)))),
    // The configuration.
    ("-server", Switch(|o| o.settings.server = true)),
    ("-async", Switch(|o| o.settings.suspends = true)),
    ("-new-x509-credential", Switch(|o| o.settings.credentials.push(Credential::default()))),
    ("-cert-file", Value(|o, v| set(&mut credential(o).cert_file, text(v).map(Some)))),
    ("-key-file", Value(|o, v| set(&mut credential(o).key_file, text(v).map(Some)))),
    ("-ocsp-response", Value(|o, v| set(&mut credential(o).ocsp_response, base64(v).map(Some)))),
    ("-signing-prefs", Value(|o, v| push(&mut credential(o).signing_prefs, number(v)))),
    ("-min-version", Value(|o, v| set(&mut o.settings.min_version, number(v).map(Some)))),
    ("-max-version", Value(|o, v| set(&mut o.settings.max_version, number(v).map(Some)))),
    ("-no-tls13", Switch(|o| o.settings.excluded_versions.push(ProtocolVersion::Tls13))),
    ("-no-tls12", Switch(|o| o.settings.excluded_versions.push(ProtocolVersion::Tls12))),
    ("-curves", Value(|o, v| push(&mut o.settings.curves, number(v)))),
    ("-verify-prefs", Value(|o, v| push(&mut o.settings.verify_prefs, number(v)))),
    ("-cipher", Value(|o, v| set(&mut o.settings.cipher, text(v).map(Some)))),
    ("-fips-202205", Switch(|o| o.settings.policy = Some(Policy::Fips202205))),
    ("-fips-202609", Switch(|o| o.settings.policy = Some(Policy::Fips202609))),
    ("-wpa-202304", Switch(|o| o.settings.policy = Some(Policy::Wpa202304))),
    ("-cnsa1-202603", Switch(|o| o.settings.policy = Some(Policy::Cnsa1202603))),
    ("-host-name", Value(|o, v| set(&mut o.settings.host_name, text(v).map(Some)))),
    ("-advertise-alpn", Value(|o, v| set(&mut o.settings.advertise_alpn, Some(v.to_vec())))),
    ("-select-alpn", Value(|o, v| set(&mut o.settings.select_alpn, Some(v.to_vec())))),
    ("-reject-alpn", Switch(|o| o.settings.reject_alpn = true)),
    ("-verify-peer", Switch(|o| o.settings.verify_peer = true)),
    ("-require-any-client-certificate", Switch(|o| o.settings.require_client_certificate = true)),
    ("-enable-grease", Switch(|o| o.settings.grease = true)),
    ("-no-ticket", Switch(|o| o.settings.no_ticket = true)),
    ("-expect-no-session-id", Switch(|o| o.settings.server_sessions = ServerSessions::Tickets)),
    ("-expect-session-id", Switch(session_in_store)),
    ("-decline-ocsp-callback", Switch(|o| credential(o).ocsp_declined = true)),
    ("-enable-early-data", Switch(|o| o.settings.early_data = true)),
    ("-max-send-fragment", Value(|o, v| set(&mut o.settings.max_send_fragment, number(v).map(Some)))),
    // What hooks decide.
    ("-verify-fail", Switch(|o| o.verdicts.refuse_peer = true)),
    ("-fail-cert-callback", Switch(|o| o.settings.fail_resolver = true)),
    ("-use-early-callback", Switch(|o| o.verdicts.early_callback = true)),
    ("-fail-early-callback", Switch(|o| o.verdicts.reject_hello = true)),
    ("-install-ddos-callback", Switch(|o| o.verdicts.early_callback = true)),
    ("-fail-ddos-callback", Switch(|o| o.verdicts.reject_hello_late = true)),
    // What is done.
    ("-shim-writes-first", Switch(|o| o.exchange.shim_writes_first = true)),
    ("-shim-initial-write", Value(|o, v| set(&mut o.exchange.initial_write, Some(v.to_vec())))),
    ("-repeat-shim-initial-write", Value(|o, v| set(&mut o.exchange.initial_writes, number(v)))),
    ("-read-with-unfinished-write", Switch(|o| o.exchange.unfinished_write = true)),
    ("-shim-shuts-down", Switch(|o| o.exchange.shim_shuts_down = true)),
    ("-check-close-notify", Switch(|o| o.exchange.check_close_notify = true)),
    ("-write-different-record-sizes", Switch(|o| o.exchange.different_record_sizes = true)),
    ("-read-size", Value(|o, v| set(&mut o.exchange.read_size, number(v)))),
    ("-key-update", Switch(|o| o.exchange.key_update = true)),
    ("-key-update-before-read", Switch(|o| o.exchange.key_update_before_read = true)),
    ("-use-exporter-between-reads", Switch(|o| o.exchange.export_between_reads = true)),
    ("-export-keying-material", Value(|o, v| set(&mut o.exchange.export.length, number(v)))),
    ("-export-label", Value(|o, v| set(&mut o.exchange.export.label, Some(v.to_vec())))),
    ("-export-context", Value(|o, v| set(&mut o.exchange.export.context, Some(v.to_vec())))),
    ("-use-export-context", Switch(|o| o.exchange.export.with_context = true)),
    ("-export-traffic-secrets", Switch(|o| o.exchange.export_traffic_secrets = true)),
    // What is expected.
    ("-expect-version", Value(|o, v| set(&mut o.expected.version, number(v).map(Some)))),
    ("-expect-cipher", Value(|o, v| set(&mut o.expected.cipher, number(v).map(Some)))),
    ("-expect-curve-id", Value(|o, v| set(&mut o.expected.curve, number(v).map(Some)))),
    (
        "-expect-peer-signature-algorithm",
        Value(|o, v| set(&mut o.expected.peer_signature_scheme, number(v).map(Some))),
    ),
    ("-expect-alpn", Value(|o, v| set(&mut o.expected.alpn, Some(v.to_vec())))),
    ("-expect-advertised-alpn", Value(|o, v| set(&mut o.expected.advertised_alpn, Some(Some(v.to_vec()))))),
    ("-expect-peer-verify-pref", Value(|o, v| push(&mut o.expected.peer_verify_prefs, number(v)))),
    ("-expect-server-name", Value(|o, v| set(&mut o.expected.server_name, text(v).map(Some)))),
    ("-expect-no-server-name", Switch(|o| o.expected.no_server_name = true)),
    ("-expect-session-miss", Switch(|o| o.expected.session_miss = true)),
    ("-expect-no-session", Switch(|o| o.expected.no_session = true)),
    ("-expect-ocsp-response", Value(|o, v| set(&mut o.expected.ocsp_response, base64(v).map(Some)))),
    ("-expect-peer-cert-file", Value(|o, v| set(&mut o.expected.peer_cert_file, text(v).map(Some)))),
    ("-expect-no-peer-cert", Switch(|o| o.expected.no_peer_cert = true)),
    ("-expect-verify-result", Switch(|o| o.expected.verify_result = true)),
    ("-expect-hrr", Switch(|o| o.expected.hello_retry = Some(true))),
    ("-expect-no-hrr", Switch(|o| o.expected.hello_retry = Some(false))),
    ("-expect-extended-master-secret", Switch(|o| o.expected.extended_master_secret = true)),
    ("-expect-secure-renegotiation", Switch(|o| o.expected.secure_renegotiation = Some(true))),
    ("-expect-no-secure-renegotiation", Switch(|o| o.expected.secure_renegotiation = Some(false))),
    ("-expect-accept-early-data", Switch(|o| o.expected.early_data = Some(true))),
    ("-expect-reject-early-data", Switch(|o| o.expected.early_data = Some(false))),
    ("-expect-early-data-reason", Value(|o, v| set(&mut o.expected.early_data_reason, text(v).map(Some)))),
    ("-expect-no-offer-early-data", Switch(|o| o.expected.no_early_data_offer = true)),
    (
        "-expect-selected-credential",
        Value(|o, v| set(&mut o.expected.selected_credential, number(v).map(Some))),
    ),
    ("-handshake-never-done", Switch(|o| o.expected.no_handshake = true)),
    // What is so anyway: the old versions are never spoken, no ALPN is chosen unless one is named, OCSP responses
    // are always asked for, and every hook is called by its own name.
    ("-no-tls1", NOTHING),
    ("-no-tls11", NOTHING),
    ("-decline-alpn", NOTHING),
    ("-enable-ocsp-stapling", NOTHING),
    ("-use-custom-verify-callback", NOTHING),
    ("-use-old-client-cert-callback", NOTHING),
    ("-implicit-handshake", NOTHING),
    ("-handshake-twice", NOTHING),
    ("-no-op-extra-handshake", NOTHING),
    ("-partial-write", NOTHING),
    ("-cbc-record-splitting", NOTHING),
    ("-use-ticket-callback", NOTHING),
    ("-use-ticket-aead-callback", NOTHING),
    ("-use-ocsp-callback", NOTHING),
    ("-set-ocsp-in-callback", NOTHING),
    // There are no hints that could be wrong.
    ("-allow-hint-mismatch", NOTHING),
    // The runner takes no other ticket for the next connection.
    ("-expect-ticket-renewal", NOTHING),
    // Shown by whether early data goes out with the next connection, which the runner checks.
    ("-expect-ticket-supports-early-data", NOTHING),
    // The verifier of the shim trusts by decision, as BoringSSL's does.
    ("-trust-cert", Value(|_, _| Some(()))),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Plan, FlagError> {
        Plan::parse(line.split_whitespace().map(|argument| argument.as_bytes().to_vec()))
    }

    #[test]
    fn a_prefix_says_for_which_connection_a_flag_is() {
        let plan = parse(
            "-server -on-resume-select-alpn foo -on-initial-expect-version 772 -on-handshaker-no-ticket",
        )
        .unwrap();
        assert!(plan.initial.settings.server && plan.resume.settings.server && plan.retry.settings.server);
        assert_eq!(plan.resume.settings.select_alpn, b"foo");
        assert_eq!(plan.initial.settings.select_alpn, b"");
        assert_eq!((plan.initial.expected.version, plan.resume.expected.version), (Some(772), None));
        assert!(!plan.initial.settings.no_ticket);
    }

    #[test]
    fn flags_of_a_credential_are_about_the_one_begun_last() {
        let plan = parse("-cert-file a -new-x509-credential -cert-file b -signing-prefs 2052").unwrap();
        let settings = &plan.initial.settings;
        assert_eq!(settings.default_credential.cert_file.as_deref(), Some("a"));
        assert_eq!(settings.credentials[0].cert_file.as_deref(), Some("b"));
        assert_eq!(settings.credentials[0].signing_prefs, [2052]);
    }

    #[test]
    fn what_is_not_known_is_unimplemented_and_what_is_no_value_is_an_error() {
        assert_eq!(parse("-dtls").unwrap_err(), FlagError::Unimplemented("-dtls".into()));
        for line in ["-port", "-port x", "-ocsp-response !"] {
            assert!(matches!(parse(line), Err(FlagError::Value(_))), "{line}");
        }
    }
}
