//! `docs/limbo.md`.

use polytls_conformance::limbo::Report;

/// Where it is.
pub(crate) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limbo.md");

const HEAD: &str = "\
# x509-limbo

How each verifier of polytls answers x509-limbo, a public suite of certificate chains; which part of it and how it is
asked: [conformance/limbo](../conformance/limbo/README.md). Made by
`cargo run -p polytls-conformance --example limbo -- --markdown`; do not edit it by hand. Without `--markdown` it prints
the same, and what the chains cost that are made to cost much.
";

/// The page for the suite as it is, and for its servers' chains as clients'.
pub(crate) fn page(servers: &Report<'_>, clients: &Report<'_>) -> String {
    let (cases, derived) = (servers.suite.cases.len(), clients.suite.cases.len());
    format!(
        "{HEAD}\n## The suite: {cases} cases\n\n{}\n{}\n## The servers' chains as clients': {derived} cases\n\n{}\n{}\
         \n## Where the answers differ: the suite\n{}\n## Where the answers differ: as clients'\n{}",
        servers.totals(),
        servers.categories(),
        clients.totals(),
        clients.categories(),
        servers.differences(),
        clients.differences(),
    )
}
