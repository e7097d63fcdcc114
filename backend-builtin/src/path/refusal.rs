//! Why paths were refused, and which reason is told when there were several.

use polytls_api::{CertificateError, x509::Certificate};

/// The most that an error quotes of what a peer wrote.
const QUOTED: usize = 200;

/// How far a path came before it was refused; the later says more of what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It has more intermediates than are looked at.
    Depth,
    /// One of its signatures does not verify.
    Signature,
    /// One of its issuers may not issue.
    Issuer,
    /// Its certificates may not follow one another.
    Path,
}

/// The reason of the path that came furthest; of those that came equally far, of the first.
#[derive(Debug, Default)]
pub(super) struct Refusal(Option<(Stage, CertificateError)>);

impl Refusal {
    pub(super) fn note(&mut self, stage: Stage, error: CertificateError) {
        if self.0.as_ref().is_none_or(|(furthest, _)| *furthest < stage) {
            self.0 = Some((stage, error));
        }
    }

    /// Whether any path had good signatures.
    pub(super) fn went_beyond_signatures(&self) -> bool {
        self.0.as_ref().is_some_and(|(stage, _)| *stage > Stage::Signature)
    }

    pub(super) fn reason(self) -> Option<CertificateError> {
        self.0.map(|(_, error)| error)
    }
}

/// What is malformed in a certificate that could be read: which field, whose, and why.
pub(super) fn malformed(
    field: &str,
    certificate: &Certificate<'_>,
    reason: impl ToString,
) -> CertificateError {
    let detail = format!("{field} of {}: {}", of(certificate), reason.to_string());
    CertificateError::Malformed { detail }
}

/// The certificate in words.
pub(super) fn of(certificate: &Certificate<'_>) -> String {
    match certificate.subject.is_empty() {
        true => "the certificate without a subject".into(),
        false => format!("the certificate `{}`", shortened(certificate.subject.to_string())),
    }
}

/// What a peer wrote, as far as an error quotes it.
pub(super) fn shortened(text: String) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => text.chars().take(QUOTED).chain("...".chars()).take(end + 3).collect(),
        None => text,
    }
}
