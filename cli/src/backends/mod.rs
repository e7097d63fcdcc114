//! `polytls backends`: the capability table, from code.

mod cell;

use std::{fmt::Display, sync::Arc};

use polytls::{Backend, Capabilities, CipherSuite, ClientAuthentication, Hook, RoleCapabilities};

use serde_json::{Map, Value, json};

use self::cell::Cell;
use crate::{
    failure::Failure,
    output::{self, STRONG, styled},
    settings,
};

/// What `--help` says of `--json`.
pub(crate) const JSON: &str = "\
With --json, one line of JSON: {\"backends\": [...]}. The keys of each stay:
  name, library, crypto
  client, server, engine: the rows of the table, `client: SNI off` as `sni_off` of client; those of neither side
    are engine's
  cipher_suites: for each suite the roles in which it can be negotiated
A value is true, false, null, a list of names, or an object of names and chosen: whether the application may
choose among them.";

/// What to print.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// As a Markdown table, without the libraries' versions
    #[arg(long)]
    markdown: bool,
    /// As one line of JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
}

/// A row: what it says, and how it reads that off a backend's capabilities.
type Row = (&'static str, fn(&Capabilities) -> Cell);

const ROWS: &[Row] = &[
    ("client: protocol versions", |c| list(&c.client.role.versions)),
    ("server: protocol versions", |c| list(&c.server.role.versions)),
    ("client: cipher suites", |c| counted(&c.client.role.cipher_suites, c.client.role.cipher_suite_choice)),
    ("server: cipher suites", |c| counted(&c.server.role.cipher_suites, c.server.role.cipher_suite_choice)),
    ("client: named groups", |c| groups(&c.client.role)),
    ("server: named groups", |c| groups(&c.server.role)),
    ("client: signature schemes", |c| {
        counted(&c.client.role.signature_schemes, c.client.role.signature_scheme_choice)
    }),
    ("server: signature schemes", |c| {
        counted(&c.server.role.signature_schemes, c.server.role.signature_scheme_choice)
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
    ("client: revocation", |c| yes(c.client.role.revocation)),
    ("server: revocation", |c| yes(c.server.role.revocation)),
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
    ("record ciphers alone", |c| counted(&c.record_ciphers, false)),
    ("hands out record keys", |c| yes(c.record_keys)),
];

pub(crate) fn run(backend: Option<&str>, options: &Options) -> Result<(), Failure> {
    let backends = settings::backends(backend)?;
    output::print(&if options.json {
        format!("{}\n", output::json(&json(&backends)))
    } else if options.markdown {
        markdown(&backends)
    } else {
        plain(&backends)
    })
}

/// The whole table: in each row its name, then a cell for each backend.
fn table(backends: &[Arc<dyn Backend>]) -> Vec<(String, Vec<Cell>)> {
    let row = |name: String, read: &dyn Fn(&Capabilities) -> Cell| {
        (name, backends.iter().map(|backend| read(backend.capabilities())).collect())
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
fn roles(capabilities: &Capabilities, suite: CipherSuite) -> Cell {
    Cell::Roles {
        client: capabilities.client.role.cipher_suites.contains(&suite),
        server: capabilities.server.role.cipher_suites.contains(&suite),
    }
}

fn plain(backends: &[Arc<dyn Backend>]) -> String {
    let mut text = String::new();
    for backend in backends {
        let info = backend.info();
        let name = styled(STRONG, info.name);
        text += &format!("{name}: {}, cryptography by {}\n", info.library, info.crypto);
    }
    let names = backends.iter().map(|backend| backend.info().name.to_owned());
    let mut rows = vec![std::iter::once(String::new()).chain(names).collect::<Vec<_>>()];
    rows.extend(table(backends).into_iter().map(text_row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..=backends.len()).map(width).collect();
    for (line, row) in rows.iter().enumerate() {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let cells = cells.join("  ");
        let cells = cells.trim_end();
        text += &format!("\n{}", if line == 0 { styled(STRONG, cells) } else { cells.to_owned() });
    }
    text + "\n"
}

fn markdown(backends: &[Arc<dyn Backend>]) -> String {
    let names: Vec<_> = backends.iter().map(|backend| backend.info().name).collect();
    let mut text = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for row in table(backends) {
        text += &format!("| {} |\n", text_row(row).join(" | "));
    }
    text
}

fn text_row((name, cells): (String, Vec<Cell>)) -> Vec<String> {
    std::iter::once(name).chain(cells.iter().map(ToString::to_string)).collect()
}

fn json(backends: &[Arc<dyn Backend>]) -> Value {
    let table = table(backends);
    let described = backends.iter().enumerate().map(|(column, backend)| {
        let info = backend.info();
        let mut object = Map::new();
        object.insert("name".into(), info.name.into());
        object.insert("library".into(), info.library.into());
        object.insert("crypto".into(), info.crypto.into());
        for (row, cells) in &table {
            let (part, key) = json_place(row, &cells[column]);
            let part = object.entry(part).or_insert_with(|| json!({}));
            part[key] = cells[column].json();
        }
        Value::Object(object)
    });
    json!({ "backends": described.collect::<Vec<_>>() })
}

/// Where a row stands in a backend's object: `client: SNI off` is `sni_off` of `client`.
fn json_place(row: &str, cell: &Cell) -> (&'static str, String) {
    if matches!(cell, Cell::Roles { .. }) {
        return ("cipher_suites", row.into());
    }
    let (part, name) = match row.split_once(": ") {
        Some(("client", name)) => ("client", name),
        Some(("server", name)) => ("server", name),
        _ => ("engine", row),
    };
    let name = name.replace('\'', "").to_lowercase();
    let words = name.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    (part, words.collect::<Vec<_>>().join("_"))
}

fn yes(supported: bool) -> Cell {
    Cell::Flag(supported)
}

fn list<T: Display>(values: &[T]) -> Cell {
    Cell::List(values.iter().map(ToString::to_string).collect())
}

fn counted<T: Display>(values: &[T], chosen: bool) -> Cell {
    Cell::Choice { names: values.iter().map(ToString::to_string).collect(), chosen, counted: true }
}

fn groups(role: &RoleCapabilities) -> Cell {
    let names = role.named_groups.iter().map(ToString::to_string).collect();
    Cell::Choice { names, chosen: role.named_group_choice, counted: false }
}

fn modes(modes: &[ClientAuthentication]) -> Cell {
    list(modes)
}

fn hook(hook: Hook) -> Cell {
    Cell::Hook(match hook {
        Hook::HeldBack => Some("bytes held back"),
        Hook::OnThread => Some("on a thread"),
        Hook::Suspends => Some("suspends"),
        _ => None,
    })
}

fn on_off(role: &RoleCapabilities) -> Cell {
    Cell::OnOff { on: role.resumption, off: role.resumption_off }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_the_rows_names() {
        let flag = Cell::Flag(true);
        assert_eq!(json_place("client: SNI off", &flag), ("client", "sni_off".into()));
        assert_eq!(json_place("server: resumption on / off", &flag), ("server", "resumption_on_off".into()));
        assert_eq!(
            json_place("client: application's verifier", &flag),
            ("client", "applications_verifier".into())
        );
        assert_eq!(json_place("hands out record keys", &flag), ("engine", "hands_out_record_keys".into()));
    }

    #[test]
    fn no_two_rows_have_one_key() {
        let keys: std::collections::HashSet<_> =
            ROWS.iter().map(|(name, _)| json_place(name, &Cell::Flag(true))).collect();
        assert_eq!(keys.len(), ROWS.len());
    }
}
