//! `polytls verify`: what each engine's verifier says of a chain in a file, side by side.

mod chain_file;
mod report;

use std::{path::PathBuf, time::SystemTime};

use polytls::{
    Backend, BackendInfo, CertificateDer, CertificateError, ConfigError, ConfigOption, ExpectedPeer,
    PresentedChain, Roots, ServerName, TrustPolicy, VerifiedChain,
};
use time::{Date, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description};

use crate::{failure::Failure, output, settings};

/// What `--help` says of `--json`.
pub(crate) const JSON: &str = "\
With --json the answer is one line of JSON on standard output. Its keys, which stay:
  role, name, at  `server` and its name, or `client` and null; the time that validation used
  chain           the file's certificates: sha256, subject, issuer, serial, not_before, not_after, names, key,
                  signature_algorithm; of what is no certificate sha256 alone
  verdicts        for each backend: backend, library, verdict (`accepted`, `refused` or `unsupported`), path (the
                  certificates towards the root, as far as the verifier tells), fault and reason (null unless refused)
  accepted        whether every verifier accepts
  agree           whether they all say the same";

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
    /// The roots to trust: os, bundled, or a PEM file
    #[arg(long, default_value = "os")]
    roots: String,
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
    /// `None` where the engine's verifier is not to be had alone.
    verdict: Option<Result<VerifiedChain, CertificateError>>,
}

pub(crate) async fn run(backend: Option<&str>, options: Options) -> Result<(), Failure> {
    let roots = settings::roots(&options.roots)?;
    let question = Question {
        name: options.name.as_deref().map(str::parse).transpose()?,
        chain: chain_file::read(&options.chain)?,
        file: options.chain,
        at: options.at.unwrap_or_else(now),
    };
    let mut answers = Vec::new();
    for backend in settings::backends(backend)? {
        answers.push(question.ask(&*backend, &roots).await?);
    }
    let text =
        if options.json { report::json(&question, &answers) } else { report::table(&question, &answers) };
    output::print(&text)?;
    outcome(&answers)
}

impl Question {
    async fn ask(&self, backend: &dyn Backend, roots: &Roots) -> Result<Answer, Failure> {
        let verifier = match backend.verifier(&TrustPolicy::new(roots.clone())) {
            Ok(verifier) => verifier,
            Err(ConfigError::Unsupported { option: ConfigOption::VerifierAlone, .. }) => {
                return Ok(Answer { backend: backend.info(), verdict: None });
            }
            Err(error) => return Err(error.into()),
        };
        let peer = self.name.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
        let Some((end_entity, intermediates)) = self.chain.split_first() else {
            return Err(Failure::usage(CertificateError::Missing.to_string()));
        };
        let chain = PresentedChain::new(end_entity, intermediates);
        let verdict = verifier.verify(&chain, &peer, SystemTime::from(self.at)).await;
        Ok(Answer { backend: backend.info(), verdict: Some(verdict) })
    }
}

impl Answer {
    fn refusal(&self) -> Option<&CertificateError> {
        self.verdict.as_ref()?.as_ref().err()
    }

    /// Whether two verifiers that answered say the same, in their own words.
    fn agrees(&self, other: &Self) -> bool {
        match (&self.verdict, &other.verdict) {
            (Some(Ok(_)), Some(Ok(_))) => true,
            (Some(Err(one)), Some(Err(another))) => one.same_fault(another),
            (Some(_), Some(_)) => false,
            // Who does not answer contradicts nobody.
            (None, _) | (_, None) => true,
        }
    }
}

/// Whether all those say the same that answered.
fn agree(answers: &[Answer]) -> bool {
    let answered = || answers.iter().filter(|answer| answer.verdict.is_some());
    answered().zip(answered().skip(1)).all(|(one, next)| one.agrees(next))
}

fn outcome(answers: &[Answer]) -> Result<(), Failure> {
    if answers.iter().all(|answer| answer.verdict.is_none()) {
        return Err(Failure::usage("none of these backends has a verifier to use alone; choose another one"));
    }
    let refusing = answers.iter().filter(|answer| answer.refusal().is_some());
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
        let answer = |verdict| Answer {
            backend: BackendInfo { name: "test", library: String::new(), crypto: String::new() },
            verdict,
        };
        let accepted = || answer(Some(Ok(VerifiedChain::new(Vec::new()))));
        let refused = |fault| answer(Some(Err(fault)));
        let malformed = |detail: &str| refused(CertificateError::Malformed { detail: detail.to_owned() });
        assert!(agree(&[malformed("here"), malformed("there"), answer(None)]));
        assert!(agree(&[accepted(), answer(None), accepted()]));
        assert!(!agree(&[accepted(), answer(None), malformed("here")]));
        assert!(!agree(&[refused(CertificateError::UnknownIssuer), refused(CertificateError::SelfSigned)]));
        assert_eq!(outcome(&[answer(None)]).unwrap_err().code, crate::failure::USAGE);
        assert_eq!(outcome(&[accepted(), malformed("x")]).unwrap_err().code, crate::failure::CONNECTION);
        assert!(outcome(&[accepted(), answer(None)]).is_ok());
    }
}
