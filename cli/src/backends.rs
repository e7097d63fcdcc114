//! `polytls backends`: the capability table, from code.

use std::{fmt::Display, sync::Arc};

use polytls::{Backend, Capabilities, ClientAuthentication, RoleCapabilities, VerifierHook};

use crate::{failure::Failure, settings};

/// What to print.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// As a Markdown table, without the libraries' versions
    #[arg(long)]
    markdown: bool,
}

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
    if options.markdown {
        markdown(&backends)
    } else {
        plain(&backends)
    }
    Ok(())
}

fn plain(backends: &[Arc<dyn Backend>]) {
    for backend in backends {
        let info = backend.info();
        println!("{}: {}, cryptography by {}", info.name, info.library, info.crypto);
    }
    println!();
    let header = backends.iter().map(|backend| backend.info().name.to_owned()).collect();
    let mut table = vec![("", header)];
    table.extend(ROWS.iter().map(|(name, read)| (*name, cells(backends, *read))));
    let widths: Vec<usize> = (0..backends.len())
        .map(|column| table.iter().map(|(_, cells)| cells[column].chars().count()).max().unwrap_or(0))
        .collect();
    for (name, cells) in table {
        let cells: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{name:34}{}", cells.join("  ").trim_end());
    }
}

fn markdown(backends: &[Arc<dyn Backend>]) {
    let names: Vec<&str> = backends.iter().map(|backend| backend.info().name).collect();
    println!("| | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(names.len()));
    for (name, read) in ROWS {
        println!("| {name} | {} |", cells(backends, *read).join(" | "));
    }
}

fn cells(backends: &[Arc<dyn Backend>], read: fn(&Capabilities) -> String) -> Vec<String> {
    backends.iter().map(|backend| read(backend.capabilities())).collect()
}

fn yes(supported: bool) -> String {
    if supported { "yes" } else { "–" }.into()
}

fn list<T: Display>(values: &[T]) -> String {
    if values.is_empty() {
        return "–".into();
    }
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn choice(count: usize, choice: bool) -> String {
    match (count, choice) {
        (0, _) => "–".into(),
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

fn hook(hook: VerifierHook) -> String {
    match hook {
        VerifierHook::HeldBack => "yes, bytes held back",
        VerifierHook::Suspends => "yes, suspends",
        _ => "–",
    }
    .into()
}

fn on_off(role: &RoleCapabilities) -> String {
    format!("{} / {}", yes(role.resumption), yes(role.resumption_off))
}
