//! The report for programs: what was measured, each round as it was.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Report, verdict::Target};
use crate::compare::{machine::Machine, outcome::Outcome};

#[derive(Serialize)]
struct Document<'a> {
    machine: &'a Machine,
    quick: bool,
    versions: &'a BTreeMap<String, String>,
    targets: Vec<Target>,
    scenarios: &'a [Outcome],
}

pub(super) fn document(report: &Report) -> Result<String, String> {
    let Report { machine, versions, outcomes, quick } = report;
    let targets = super::targets::evaluate(report);
    let document = Document { machine, quick: *quick, versions, targets, scenarios: outcomes };
    serde_json::to_string_pretty(&document).map(|json| json + "\n").map_err(|error| error.to_string())
}
