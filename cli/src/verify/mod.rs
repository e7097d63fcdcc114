//! `polytls verify`: what each engine's verifier says of a chain in a file, side by side.

mod report;

use std::{path::PathBuf, time::SystemTime};

use polytls::{
    Backend, BackendInfo, CertificateDer, CertificateError, ConfigError, ExpectedPeer, PresentedChain,
    ServerName, TrustPolicy, VerifiedChain,
};
use time::{Date, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description};

use crate::{der_file, failure::Failure, output, settings};

/// What `--help` says of `--json`, with [`certificate::JSON`](crate::certificate::JSON) below it.
pub(crate) const JSON: &str = "\
With --json, one line of JSON on standard output. Its keys stay:
  role, name: `server` and its name, or `client` and null
  at: the time that validation used
  chain: the certificates of the file
  verdicts: of each backend its answer
  accepted: whether all accept that can be asked
  agree: whether they all say the same
Of each verdict, null where it does not apply:
  backend, library
  verdict: `accepted`, `refused`, or `unsupported` where this engine cannot be asked
  path: the certificates from the end entity towards the root, as far as the verifier tells
  fault, reason: what is wrong with the chain, for programs and for people";

/// What to verify, for whom.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The chain, in PEM or DER, the end entity's certificate first
    #[arg(value_name = "FILE")]
    chain: PathBuf,
    /// The name that a server's certificate must hold
    #[arg(long, required_unless_present = "client", conflicts_with = "client")]
    name: Option<String>,
    /// The chain is a client's, and no name is expected in it
    #[arg(long)]
    client: bool,
    /// The roots to trust: os, bundled, none, a PEM file, or a directory of such files
    #[arg(long, default_value = "os")]
    roots: String,
    /// A revocation list to hold the chain against, in PEM or DER; may be given more than once
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// The time at which it must be valid, such as 2026-01-01T00:00:00Z or 2026-01-01 [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<OffsetDateTime>,
    /// As one line of JSON
    #[arg(long)]
    json: bool,
}

/// What was asked.
struct Question {
    file: PathBuf,
    chain: Vec<CertificateDer<'static>>,
    /// `None` asks about a client.
    name: Option<ServerName>,
    at: OffsetDateTime,
}

/// What one engine's verifier says.
struct Answer {
    backend: BackendInfo,
    verdict: Verdict,
}

enum Verdict {
    Accepted(VerifiedChain),
    Refused(CertificateError),
    /// The engine cannot be asked this.
    Unsupported(ConfigError),
}

pub(crate) async fn run(backend: Option<&str>, options: Options) -> Result<(), Failure> {
    let trust = TrustPolicy::new(settings::roots(&options.roots)?)
        .with_crls(settings::revocation_lists(&options.crl)?);
    let chain = der_file::read(&options.chain, "CERTIFICATE", "a certificate")?;
    let question = Question {
        name: options.name.as_deref().map(str::parse).transpose()?,
        chain: chain.into_iter().map(CertificateDer::from).collect(),
        file: options.chain,
        at: options.at.unwrap_or_else(now),
    };
    let mut answers = Vec::new();
    for backend in settings::backends(backend)? {
        let verdict = question.ask(&*backend, &trust).await?;
        answers.push(Answer { backend: backend.info(), verdict });
    }
    some_answer(&answers)?;
    output::print(&if options.json {
        report::json(&question, &answers)
    } else {
        report::table(&question, &answers)
    })?;
    outcome(&answers)
}

impl Question {
    async fn ask(&self, backend: &dyn Backend, trust: &TrustPolicy) -> Result<Verdict, Failure> {
        let verifier = match settings::verifier(backend, trust) {
            Ok(verifier) => verifier,
            Err(error @ ConfigError::Unsupported { .. }) => return Ok(Verdict::Unsupported(error)),
            Err(error) => return Err(error.into()),
        };
        let peer = self.name.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
        let Some((end_entity, intermediates)) = self.chain.split_first() else {
            return Err(Failure::usage(CertificateError::Missing.to_string()));
        };
        let chain = PresentedChain::new(end_entity, intermediates);
        Ok(match verifier.verify(&chain, &peer, SystemTime::from(self.at)).await {
            Ok(path) => Verdict::Accepted(path),
            Err(reason) => Verdict::Refused(reason),
        })
    }
}

impl Verdict {
    /// Whether two verifiers say the same, in their own words. Who cannot be asked contradicts nobody.
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(one), Self::Refused(another)) => one.same_fault(another),
            (Self::Accepted(_), Self::Accepted(_)) => true,
            (Self::Unsupported(_), _) | (_, Self::Unsupported(_)) => true,
            (Self::Accepted(_), Self::Refused(_)) | (Self::Refused(_), Self::Accepted(_)) => false,
        }
    }
}

/// The verdicts of those that can be asked.
fn given(answers: &[Answer]) -> impl Iterator<Item = &Answer> {
    answers.iter().filter(|answer| !matches!(answer.verdict, Verdict::Unsupported(_)))
}

/// Whether they all say the same.
fn agree(answers: &[Answer]) -> bool {
    given(answers).zip(given(answers).skip(1)).all(|(one, next)| one.verdict.agrees(&next.verdict))
}

/// At least one verifier must have been asked.
fn some_answer(answers: &[Answer]) -> Result<(), Failure> {
    match answers {
        [Answer { verdict: Verdict::Unsupported(error), .. }, ..] if given(answers).next().is_none() => {
            Err(error.clone().into())
        }
        _ => Ok(()),
    }
}

fn outcome(answers: &[Answer]) -> Result<(), Failure> {
    let refusing = answers.iter().filter(|answer| matches!(answer.verdict, Verdict::Refused(_)));
    let refusing: Vec<_> = refusing.map(|answer| answer.backend.name).collect();
    if refusing.is_empty() {
        return Ok(());
    }
    Err(Failure::connection(format!("the chain is refused by {}", refusing.join(", "))))
}

/// To the second, as certificates count.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
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

    #[test]
    fn verifiers_agree_on_the_fault_and_not_on_the_words() {
        let backend = BackendInfo { name: "test", library: String::new(), crypto: String::new() };
        let answer = |verdict| Answer { backend: backend.clone(), verdict };
        let accepted = || answer(Verdict::Accepted(VerifiedChain::new(Vec::new())));
        let refused = |fault| answer(Verdict::Refused(fault));
        let malformed = |detail: &str| refused(CertificateError::Malformed { detail: detail.to_owned() });
        let option = polytls::ConfigOption::VerifierAlone;
        let unsupported = || {
            answer(Verdict::Unsupported(ConfigError::Unsupported { backend: "test", option: option.clone() }))
        };
        assert!(agree(&[malformed("here"), malformed("there"), unsupported()]));
        assert!(agree(&[accepted(), unsupported(), accepted()]));
        assert!(!agree(&[accepted(), unsupported(), malformed("here")]));
        assert!(!agree(&[refused(CertificateError::UnknownIssuer), refused(CertificateError::SelfSigned)]));
        assert_eq!(some_answer(&[unsupported(), unsupported()]).unwrap_err().code, crate::failure::USAGE);
        assert!(some_answer(&[unsupported(), accepted()]).is_ok());
        assert_eq!(outcome(&[accepted(), malformed("x")]).unwrap_err().code, crate::failure::CONNECTION);
        assert!(outcome(&[accepted(), unsupported()]).is_ok());
    }
}
