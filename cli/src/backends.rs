//! `polytls backends`: the capability table, from code.

use std::{fmt::Display, sync::Arc};

use polytls::{Backend, Capabilities, CipherSuite, ClientAuthentication, Hook, RoleCapabilities};

use crate::{failure::Failure, output, settings};

/// What to print.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// As a Markdown table, without the libraries' versions
    #[arg(long)]
    markdown: bool,
}

/// The cell of what is not there.
const NO: &str = "–";

/// A row: what it says, and how it reads that off a backend's capabilities.
type Row = (&'static str, fn(&Capabilities) -> String);

const ROWS: &[Row] = &[
    ("client: protocol versions", |c| list(&c.client.role.versions)),
    ("server: protocol versions", |c| list(&c.server.role.versions)),
    ("client: cipher suites", |c| {
        choice(c.client.role.cipher_suites.len(), c.client.role.cipher_suite_choice)
    }),
    ("server: cipher suites", |c| {
        choice(c.server.role.cipher_suites.len(), c.server.role.cipher_suite_choice)
    }),
    ("client: named groups", |c| groups(&c.client.role)),
    ("server: named groups", |c| groups(&c.server.role)),
    ("client: signature schemes", |c| {
        choice(c.client.role.signature_schemes.len(), c.client.role.signature_scheme_choice)
    }),
    ("server: signature schemes", |c| {
        choice(c.server.role.signature_schemes.len(), c.server.role.signature_scheme_choice)
    }),
    ("client: ALPN", |c| yes(c.client.role.alpn)),
    ("server: ALPN", |c| yes(c.server.role.alpn)),
    ("client: SNI off", |c| yes(c.client.sni_off)),
    ("client: explicit roots", |c| yes(c.client.explicit_roots)),
    ("client: identity", |c| yes(c.client.identity)),
    ("server: client authentication", |c| modes(&c.server.client_authentication)),
    ("client: application's verifier", |c| hook(c.client.role.verifier)),
    ("server: application's verifier", |c| hook(c.server.role.verifier)),
    ("client: resumption on / off", |c| on_off(&c.client.role)),
    ("server: resumption on / off", |c| on_off(&c.server.role)),
    ("client: session store", |c| hook(c.client.role.session_store)),
    ("server: session store", |c| hook(c.server.role.session_store)),
    ("client: size of the session cache", |c| yes(c.client.session_cache_size)),
    ("server: number of tickets", |c| yes(c.server.tickets_per_connection)),
    ("server: lifetime of sessions", |c| yes(c.server.session_lifetime)),
    ("client: early data", |c| yes(c.client.role.early_data)),
    ("server: early data", |c| yes(c.server.role.early_data)),
    ("server: certificate resolver", |c| hook(c.server.resolver)),
    ("client: signer", |c| hook(c.client.role.signer)),
    ("server: signer", |c| hook(c.server.role.signer)),
    ("client: OCSP response", |c| yes(c.client.role.ocsp_staple)),
    ("server: OCSP response", |c| yes(c.server.role.ocsp_staple)),
    ("client: revocation lists", |c| yes(c.client.role.crls)),
    ("server: revocation lists", |c| yes(c.server.role.crls)),
    ("client: limit on the size of records", |c| yes(c.client.role.max_record_plaintext)),
    ("server: limit on the size of records", |c| yes(c.server.role.max_record_plaintext)),
    ("client: exporter", |c| yes(c.client.role.exporter)),
    ("server: exporter", |c| yes(c.server.role.exporter)),
    ("client: key update", |c| yes(c.client.role.key_update)),
    ("server: key update", |c| yes(c.server.role.key_update)),
    ("client: key log", |c| yes(c.client.role.key_log)),
    ("server: key log", |c| yes(c.server.role.key_log)),
    ("client: exact certificate alerts", |c| yes(c.client.role.exact_alerts)),
    ("server: exact certificate alerts", |c| yes(c.server.role.exact_alerts)),
    ("verifier alone", |c| yes(c.verifier_alone)),
    ("record ciphers alone", |c| choice(c.record_ciphers.len(), false)),
    ("hands out record keys", |c| yes(c.record_keys)),
];

pub(crate) fn run(backend: Option<&str>, options: &Options) -> Result<(), Failure> {
    let backends = match backend {
        Some(name) => vec![polytls::backend(name)?],
        None => polytls::backends::all(),
    };
    if backends.is_empty() {
        settings::backend(None)?;
    }
    output::print(&if options.markdown { markdown(&backends) } else { plain(&backends) })
}

/// The whole table: in each row its name, then a cell for each backend.
fn table(backends: &[Arc<dyn Backend>]) -> Vec<Vec<String>> {
    let row = |name: String, read: &dyn Fn(&Capabilities) -> String| {
        let cells = backends.iter().map(|backend| read(backend.capabilities()));
        std::iter::once(name).chain(cells).collect()
    };
    let mut table: Vec<_> = ROWS.iter().map(|(name, read)| row((*name).into(), read)).collect();
    table.extend(suites(backends).into_iter().map(|suite| row(suite.to_string(), &|all| roles(all, suite))));
    table
}

/// Every suite that one of them has, in the order in which they name them.
fn suites(backends: &[Arc<dyn Backend>]) -> Vec<CipherSuite> {
    let mut suites = Vec::new();
    for backend in backends {
        let Capabilities { client, server, .. } = backend.capabilities();
        for &suite in client.role.cipher_suites.iter().chain(&server.role.cipher_suites) {
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
    }
    suites
}

/// In which roles a suite can be negotiated.
fn roles(capabilities: &Capabilities, suite: CipherSuite) -> String {
    let client = capabilities.client.role.cipher_suites.contains(&suite);
    let server = capabilities.server.role.cipher_suites.contains(&suite);
    match (client, server) {
        (true, true) => "yes",
        (true, false) => "client",
        (false, true) => "server",
        (false, false) => NO,
    }
    .into()
}

fn plain(backends: &[Arc<dyn Backend>]) -> String {
    let mut text = String::new();
    for backend in backends {
        let info = backend.info();
        text += &format!("{}: {}, cryptography by {}\n", info.name, info.library, info.crypto);
    }
    let header =
        std::iter::once(String::new()).chain(backends.iter().map(|backend| backend.info().name.into()));
    let mut table = table(backends);
    table.insert(0, header.collect());
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..=backends.len()).map(width).collect();
    for row in &table {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text += &format!("\n{}", cells.join("  ").trim_end());
    }
    text + "\n"
}

fn markdown(backends: &[Arc<dyn Backend>]) -> String {
    let names: Vec<_> = backends.iter().map(|backend| backend.info().name).collect();
    let mut text = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for row in table(backends) {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

fn yes(supported: bool) -> String {
    if supported { "yes" } else { NO }.into()
}

fn list<T: Display>(values: &[T]) -> String {
    if values.is_empty() {
        return NO.into();
    }
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn choice(count: usize, choice: bool) -> String {
    match (count, choice) {
        (0, _) => NO.into(),
        (count, true) => format!("{count}, chosen"),
        (count, false) => count.to_string(),
    }
}

fn groups(role: &RoleCapabilities) -> String {
    let chosen = if role.named_group_choice { ", chosen" } else { "" };
    format!("{}{chosen}", list(&role.named_groups))
}

fn modes(modes: &[ClientAuthentication]) -> String {
    list(modes)
}

fn hook(hook: Hook) -> String {
    match hook {
        Hook::HeldBack => "yes, bytes held back",
        Hook::OnThread => "yes, on a thread",
        Hook::Suspends => "yes, suspends",
        _ => NO,
    }
    .into()
}

fn on_off(role: &RoleCapabilities) -> String {
    format!("{} / {}", yes(role.resumption), yes(role.resumption_off))
}
