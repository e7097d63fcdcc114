//! Prints how every verifier answers x509-limbo, and why it answers otherwise where it does.
//!
//! `cargo run -p polytls-conformance --example limbo [-- OPTION...]`
//! - `--markdown`: writes `docs/limbo.md` as well
//! - `--json`: prints every answer as JSON instead
//!
//! `POLYTLS_LIMBO=FILE` asks another file of cases. The exit code tells nothing of the answers: the test `limbo` does.

#[path = "../tests/limbo/page.rs"]
mod page;
#[path = "../tests/limbo/verifiers.rs"]
mod verifiers;

use std::{env, error::Error, fs};

use polytls_conformance::limbo::{Report, Suite};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let asked = |option: &str| env::args().skip(1).any(|argument| argument == option);
    let servers = Suite::read(verifiers::suite())?;
    let clients = servers.as_clients();
    let verifiers = verifiers::with_exceptions()?;
    let reports = [Report::new(&servers, &verifiers), Report::new(&clients, &verifiers)];
    if asked("--json") {
        println!("{:#}", json!({ "suite": reports[0].json(), "as_clients": reports[1].json() }));
        return Ok(());
    }
    print!("{}", page::page(&reports[0], &reports[1]));
    println!("\n## Costs, the shortest of three runs\n\n{}", reports[0].costs());
    if asked("--markdown") {
        fs::write(page::PATH, page::page(&reports[0], &reports[1]))?;
    }
    Ok(())
}
