//! What the verifiers say, and where they differ.

use polytls::{BackendInfo, CertificateError, ConfigError, VerifiedChain};

use crate::{failure::Failure, faults::fault_name};

/// What one verifier says.
pub(super) struct Answer {
    pub(super) verifier: &'static str,
    pub(super) backend: BackendInfo,
    /// Whether it has a say in what they all say.
    pub(super) counts: bool,
    pub(super) verdict: Verdict,
}

pub(super) enum Verdict {
    Accepted(VerifiedChain),
    Refused(CertificateError),
    /// It cannot be asked this.
    Unsupported(ConfigError),
}

impl Verdict {
    /// Its name, for people and for programs.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused(_) => "refused",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// What is wrong with the chain.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Refused(reason) => Some(fault_name(reason)),
            Self::Accepted(_) | Self::Unsupported(_) => None,
        }
    }

    /// Whether two verifiers say the same, each in its own words.
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(one), Self::Refused(another)) => one.same_fault(another),
            (Self::Accepted(_), Self::Accepted(_)) | (Self::Unsupported(_), Self::Unsupported(_)) => true,
            _ => false,
        }
    }
}

/// What all say; one at least could be asked.
pub(super) struct Answers(Vec<Answer>);

/// Verifiers that say the same.
pub(super) struct Group<'a>(Vec<&'a Answer>);

impl Group<'_> {
    /// What they say.
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.0.first().map(|answer| &answer.verdict)
    }

    /// Their names.
    pub(super) fn verifiers(&self) -> Vec<&'static str> {
        self.0.iter().map(|answer| answer.verifier).collect()
    }
}

impl Answers {
    /// Fails where none could be asked, with the reason of the first.
    pub(super) fn new(answers: Vec<Answer>) -> Result<Self, Failure> {
        let answers = Self(answers);
        match answers.all() {
            [Answer { verdict: Verdict::Unsupported(error), .. }, ..] if answers.given().next().is_none() => {
                Err(error.clone().into())
            }
            _ => Ok(answers),
        }
    }

    /// In the verifiers' order.
    pub(super) fn all(&self) -> &[Answer] {
        &self.0
    }

    /// Of those that count and can be asked.
    pub(super) fn given(&self) -> impl Iterator<Item = &Answer> {
        self.0.iter().filter(|answer| answer.counts && !matches!(answer.verdict, Verdict::Unsupported(_)))
    }

    /// Those that do not count, where they say something else than all the others.
    pub(super) fn dissenting(&self) -> impl Iterator<Item = &Answer> {
        let alone = |answer: &&Answer| !self.given().any(|other| other.verdict.agrees(&answer.verdict));
        self.0.iter().filter(|answer| !answer.counts).filter(alone)
    }

    /// Whether all accept that can be asked.
    pub(super) fn accepted(&self) -> bool {
        self.given().all(|answer| matches!(answer.verdict, Verdict::Accepted(_)))
    }

    /// Who says what. Who cannot be asked contradicts nobody, and is in none of the groups.
    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for answer in self.given() {
            let same = |group: &&mut Group<'_>| {
                group.verdict().is_some_and(|verdict| verdict.agrees(&answer.verdict))
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.0.push(answer),
                None => groups.push(Group(vec![answer])),
            }
        }
        groups
    }

    /// Whether they all say the same.
    pub(super) fn agree(&self) -> bool {
        self.groups().len() <= 1
    }

    /// Whether all accept, as the command's own end.
    pub(super) fn outcome(&self) -> Result<(), Failure> {
        let refusing = self.given().filter(|answer| matches!(answer.verdict, Verdict::Refused(_)));
        let refusing: Vec<_> = refusing.map(|answer| answer.verifier).collect();
        match refusing.is_empty() {
            true => Ok(()),
            false => Err(Failure::connection(format!("the chain is refused by {}", refusing.join(", ")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(verifier: &'static str, verdict: Verdict) -> Answer {
        let backend = BackendInfo { name: "test", library: String::new(), crypto: String::new() };
        Answer { verifier, backend, counts: true, verdict }
    }

    fn accepted(verifier: &'static str) -> Answer {
        answer(verifier, Verdict::Accepted(VerifiedChain::new(Vec::new())))
    }

    fn refused(verifier: &'static str, fault: CertificateError) -> Answer {
        answer(verifier, Verdict::Refused(fault))
    }

    fn malformed(verifier: &'static str, detail: &str) -> Answer {
        refused(verifier, CertificateError::Malformed { detail: detail.to_owned() })
    }

    fn unsupported(verifier: &'static str) -> Answer {
        let option = polytls::ConfigOption::VerifierAlone;
        answer(verifier, Verdict::Unsupported(ConfigError::Unsupported { backend: "test", option }))
    }

    fn groups(answers: Vec<Answer>) -> Vec<(&'static str, Option<&'static str>, Vec<&'static str>)> {
        let answers = Answers::new(answers).unwrap();
        let groups = answers.groups();
        let told = groups.iter().map(|group| {
            let verdict = group.verdict().unwrap();
            (verdict.name(), verdict.fault(), group.verifiers())
        });
        told.collect()
    }

    #[test]
    fn verifiers_agree_on_the_fault_and_not_on_the_words() {
        assert_eq!(
            groups(vec![malformed("a", "here"), malformed("b", "there"), unsupported("c")]),
            [("refused", Some("malformed"), vec!["a", "b"])]
        );
        assert_eq!(
            groups(vec![accepted("a"), unsupported("b"), accepted("c")]),
            [("accepted", None, vec!["a", "c"])]
        );
    }

    #[test]
    fn who_differs_is_named_with_what_each_says() {
        let answers = vec![
            accepted("a"),
            malformed("b", "here"),
            refused("c", CertificateError::UnknownIssuer),
            accepted("d"),
            malformed("e", "there"),
        ];
        assert_eq!(
            groups(answers),
            [
                ("accepted", None, vec!["a", "d"]),
                ("refused", Some("malformed"), vec!["b", "e"]),
                ("refused", Some("unknown_issuer"), vec!["c"]),
            ]
        );
    }

    #[test]
    fn who_does_not_count_dissents_at_the_most() {
        let aside = |verdict| Answer { counts: false, ..verdict };
        let answers = Answers::new(vec![accepted("a"), aside(malformed("b", "x")), aside(accepted("c"))]);
        let answers = answers.unwrap();
        assert!(answers.accepted() && answers.agree() && answers.outcome().is_ok());
        let dissenting: Vec<_> = answers.dissenting().map(|answer| answer.verifier).collect();
        assert_eq!(dissenting, ["b"]);
    }

    #[test]
    fn one_refusal_is_enough_and_one_answer_is_needed() {
        let nobody = Answers::new(vec![unsupported("a"), unsupported("b")]);
        assert_eq!(nobody.err().unwrap().code, crate::failure::USAGE);
        let some = Answers::new(vec![unsupported("a"), accepted("b")]).unwrap();
        assert!(some.accepted() && some.agree() && some.outcome().is_ok());
        let differing = Answers::new(vec![accepted("a"), malformed("b", "x")]).unwrap();
        assert!(!differing.accepted() && !differing.agree());
        let failure = differing.outcome().unwrap_err();
        assert_eq!((failure.code, failure.message.as_str()), (1, "the chain is refused by b"));
    }
}
