//! `polytls verify`: what each verifier says of a chain in files, side by side.

mod answers;
mod question;
mod report;
mod verifiers;

use std::path::PathBuf;

use time::{Date, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description};

use self::{
    answers::{Answer, Answers},
    question::Question,
};
use crate::{failure::Failure, output, trust::TrustOptions};

/// What `--help` says of `--json`, with [`certificate::JSON`](crate::certificate::JSON) below it.
pub(crate) const JSON: &str = "\
With --json, one line of JSON on standard output. Its keys stay:
  role, name: `server` and its name, or `client` and null
  at: the time that validation used
  files: the files' names, as they were given
  chain: the certificates of the files, the end entity's first
  ocsp_response_bytes: how long the OCSP response is; null where none was given
  verdicts: of each verifier its answer
  accepted: whether all accept that can be asked and count
  agree: whether they all say the same
  differences: where they do not, who says what: verdict, fault, and verifiers, a list of names; else empty
Of each verdict, null where it does not apply:
  verifier: `rustls`, `openssl`, `native`, `builtin`, `builtin-strict`
  counts: whether it counts; builtin-strict does with --strict alone
  backend, library: the engine that it is of
  verdict: `accepted`, `refused`, or `unsupported` where this verifier cannot be asked
  path: the certificates from the end entity towards the root, as far as the verifier tells
  fault, reason: what is wrong with the chain, for programs and for people";

/// What to verify, for whom.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The chain, in PEM or DER: the first certificate of the first file is the end entity's, all the others, in any
    /// order, may lead from it to a root
    #[arg(value_name = "FILE", required = true)]
    chain: Vec<PathBuf>,
    /// The name or the IP address that a server's certificate must hold
    #[arg(long, required_unless_present = "client", conflicts_with = "client")]
    name: Option<String>,
    /// The chain is a client's, and no name is expected in it
    #[arg(long)]
    client: bool,
    #[command(flatten)]
    trust: TrustOptions,
    /// The OCSP response that the server staples to its certificate, in DER or PEM
    #[arg(long, value_name = "FILE", conflicts_with = "client")]
    ocsp: Option<PathBuf>,
    /// The time at which it must be valid, such as 2026-01-01T00:00:00Z or 2026-01-01 [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<OffsetDateTime>,
    /// Have builtin-strict count like the others: it also holds a chain to what authorities owe, which no connection
    /// asks unless it is told to
    #[arg(long)]
    strict: bool,
    /// As one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(backend: Option<&str>, options: Options) -> Result<(), Failure> {
    let question = Question::read(&options)?;
    let trust = options.trust.read()?;
    let trust = if options.ocsp.is_some() { trust.with_staple()? } else { trust };
    let mut answers = Vec::new();
    for verifier in verifiers::all(backend)? {
        let verdict = question.ask(&verifier, &trust).await?;
        let counts = verifier.usual || options.strict;
        answers.push(Answer { verifier: verifier.name, backend: verifier.backend.info(), counts, verdict });
    }
    let answers = Answers::new(answers)?;
    output::print(&if options.json {
        report::json(&question, &answers)
    } else {
        report::table(&question, &answers)
    })?;
    answers.outcome()
}

/// RFC 3339, or a date alone, which begins at midnight UTC.
fn time(text: &str) -> Result<OffsetDateTime, String> {
    let date = || Date::parse(text, format_description!("[year]-[month]-[day]"));
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| date().map(|date| date.with_time(Time::MIDNIGHT).assume_utc()))
        .map_err(|_| "write it as 2026-01-01T00:00:00Z or 2026-01-01".into())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_read_with_and_without_an_hour() {
        assert_eq!(time("2026-01-01"), Ok(datetime!(2026-01-01 0:00 UTC)));
        assert_eq!(time("2026-01-01T02:00:00+01:00"), Ok(datetime!(2026-01-01 1:00 UTC)));
        for wrong in ["", "2026", "2026-13-01", "yesterday", "2026-01-01T00:00:00"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
