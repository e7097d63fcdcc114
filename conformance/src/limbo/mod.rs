//! x509-limbo: chains with one fault each, or none, and what must be said of them; on any verifier.
//!
//! The cases are data (`conformance/limbo/limbo.json`), and [`Suite::read`] takes any file of the same schema. A
//! [`Verifier`] says how to make a [`CertificateVerifier`](polytls_api::CertificateVerifier) for what a case trusts,
//! [`run`] asks it, and [`Exceptions`] hold where its answer differs, each with the reason; [`Report`] is the table of
//! all.
//!
//! What a case asks is asked so:
//! - `validation_time` absent: now. The suite's own certificates are valid from 1970 to 2969.
//! - `SERVER`: a server of the expected name. A case without a name is about the path alone, and TLS knows no server
//!   without one: it is asked for a name that nobody has, and a verifier that looks at names last
//!   ([`Verifier::names_last`]) accepts the path by saying [`NameMismatch`](polytls_api::CertificateError::NameMismatch);
//!   another is not run.
//! - `CLIENT`: a client. Who it is, the application reads from the certificate; so the runner looks for the expected
//!   names in the subjectAltName of a chain that was accepted.
//! - `crls`: revocation lists of the trust policy, so every certificate below the root must be covered by one.
//! - `key_usage`, `signature_algorithms`: not asked for. A verifier has its own.
//! - What a backend refuses before it sees the chain (a root, a list, a name) is a refusal.
//!
//! [`Suite::as_clients`] asks the servers' chains as clients'; `client.rs` has the rule for what must be said then.

mod case;
mod client;
mod exceptions;
mod names;
mod report;
mod suite;
mod verifier;

#[cfg(test)]
mod tests;

pub use self::{
    case::{Case, Expected, Importance, PeerName, Role},
    exceptions::{Exception, Exceptions, Judgement},
    report::{Report, Row},
    suite::{ReadError, Suite},
    verifier::{Answer, Question, Run, Unmade, Verdict, Verifier, run},
};
