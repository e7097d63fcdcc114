//! What is asked: a chain, whom it is to speak for, and when.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use polytls::{CertificateDer, CertificateError, ConfigError, ExpectedPeer, PresentedChain, ServerName};
use time::OffsetDateTime;

use super::{Options, answers::Verdict, verifiers::Verifier};
use crate::{der_file, failure::Failure, trust::Trust};

/// What every verifier is asked.
pub(super) struct Question {
    pub(super) files: Vec<PathBuf>,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) ocsp_response: Option<Vec<u8>>,
    /// `None` asks about a client.
    pub(super) name: Option<ServerName>,
    pub(super) at: OffsetDateTime,
}

impl Question {
    pub(super) fn read(options: &Options) -> Result<Self, Failure> {
        let name = options.name.as_deref().map(str::parse).transpose()?;
        let mut chain = Vec::new();
        for file in &options.chain {
            let found = der_file::read(file, "CERTIFICATE", "a certificate")?;
            chain.extend(found.into_iter().map(CertificateDer::from));
        }
        let ocsp_response = options.ocsp.as_deref().map(ocsp_response).transpose()?;
        let at = options.at.unwrap_or_else(now);
        Ok(Self { files: options.chain.clone(), chain, ocsp_response, name, at })
    }

    pub(super) async fn ask(&self, verifier: &Verifier, trust: &Trust) -> Result<Verdict, Failure> {
        let verifier = match trust.verifier(&*verifier.backend) {
            Ok(verifier) => verifier,
            Err(error @ ConfigError::Unsupported { .. }) => return Ok(Verdict::Unsupported(error)),
            Err(error) => return Err(Failure::from(error).in_context(verifier.name)),
        };
        let peer = self.name.as_ref().map_or(ExpectedPeer::Client, ExpectedPeer::Server);
        let Some((end_entity, intermediates)) = self.chain.split_first() else {
            return Err(Failure::usage(CertificateError::Missing.to_string()));
        };
        let chain = PresentedChain {
            ocsp_response: self.ocsp_response.as_deref(),
            ..PresentedChain::new(end_entity, intermediates)
        };
        Ok(match verifier.verify(&chain, &peer, SystemTime::from(self.at)).await {
            Ok(path) => Verdict::Accepted(path),
            Err(reason) => Verdict::Refused(reason),
        })
    }
}

/// One response: a server staples no more to one certificate.
fn ocsp_response(file: &Path) -> Result<Vec<u8>, Failure> {
    let found = der_file::read(file, "OCSP RESPONSE", "an OCSP response")?;
    match <[Vec<u8>; 1]>::try_from(found) {
        Ok([response]) => Ok(response),
        Err(several) => {
            let reason = format!("{} OCSP responses, where one is asked for", several.len());
            Err(Failure::usage(format!("{}: {reason}", file.display())))
        }
    }
}

/// To the second, as certificates count.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}
