//! x509-limbo against every verifier: one test for a verifier and a case.
//!
//! `rustls::rfc5280::nc::permitted-dns-match` asks as the suite does, `rustls::client::pathlen::…` asks a server's chain
//! as a client's. Where a verifier answers otherwise, `conformance/limbo/exceptions/` must say so and why; an entry
//! that no longer applies fails too. `POLYTLS_LIMBO=FILE` runs another file of cases; entries for cases that it does not
//! have are then passed over.

#![allow(missing_docs, reason = "libtest-mimic wants a main of its own")]

mod page;
mod verifiers;

use std::{fs, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use polytls_conformance::limbo::{Case, Exceptions, Judgement, ReadError, Report, Suite, Verifier, run};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, ReadError> {
    let suite = Suite::read(verifiers::suite())?;
    let suites = Arc::new([suite.as_clients(), suite]);
    let mut trials = Vec::new();
    if verifiers::another_suite().is_none() {
        trials.push(Trial::test("the_page_of_the_docs_is_in_step", page_in_step));
    }
    for (verifier, exceptions) in verifiers::with_exceptions()? {
        let exceptions = Arc::new(exceptions);
        for case in suites.iter().flat_map(|suite| &suite.cases) {
            trials.push(trial(case.clone(), verifier.clone(), exceptions.clone()));
        }
        if verifiers::another_suite().is_none() {
            let suites = suites.clone();
            let name = format!("{}::no_entry_without_a_case", verifier.name());
            trials.push(Trial::test(name, move || no_strays(&exceptions, suites.as_slice())));
        }
    }
    Ok(trials)
}

fn trial(case: Case, verifier: Verifier, exceptions: Arc<Exceptions>) -> Trial {
    let name = match case.id.strip_suffix("#client") {
        Some(id) => format!("{}::client::{id}", verifier.name()),
        None => format!("{}::{}", verifier.name(), case.id),
    };
    Trial::test(name, move || check(&case, &verifier, &exceptions))
}

fn check(case: &Case, verifier: &Verifier, exceptions: &Exceptions) -> Result<(), Failed> {
    let answer = run(case, verifier).answer;
    match exceptions.judge(case, &answer) {
        Judgement::Agrees | Judgement::Explained(_) => Ok(()),
        Judgement::Unexplained => {
            Err(format!("must be {}, is {answer}\n\n{}", case.expected, case.description).into())
        }
        Judgement::Stale(entry) => Err(format!(
            "must be {}, is {answer}; the entry says that {} was expected and {} was said: mend it, or take it out",
            case.expected, entry.expected, entry.actual
        )
        .into()),
    }
}

fn no_strays(exceptions: &Exceptions, suites: &[Suite]) -> Result<(), Failed> {
    let strays: Vec<&str> = exceptions.strays(suites).map(|entry| entry.id.as_str()).collect();
    match strays.is_empty() {
        true => Ok(()),
        false => Err(format!("no case is called {}: take the entries out", strays.join(", ")).into()),
    }
}

fn page_in_step() -> Result<(), Failed> {
    let servers = Suite::read(verifiers::suite())?;
    let clients = servers.as_clients();
    let verifiers = verifiers::with_exceptions()?;
    let now = page::page(&Report::new(&servers, &verifiers), &Report::new(&clients, &verifiers));
    match fs::read_to_string(page::PATH)? == now {
        true => Ok(()),
        false => {
            Err("make docs/limbo.md anew: cargo run -p polytls-conformance --example limbo -- --markdown"
                .into())
        }
    }
}
