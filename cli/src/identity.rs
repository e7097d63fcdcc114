//! Files with a certificate chain and its private key: two in PEM, or one with both, perhaps under a password.

use std::path::{Path, PathBuf};

use polytls::{ConfigError, Identity, reload};
use zeroize::Zeroizing;

use crate::{bounded_file, failure::Failure};

/// What the user gave, by options that have these names.
pub(crate) struct IdentityFiles<'a> {
    pub(crate) cert: (&'static str, Option<&'a PathBuf>),
    pub(crate) key: (&'static str, Option<&'a PathBuf>),
    pub(crate) password: Option<&'a PathBuf>,
}

impl IdentityFiles<'_> {
    /// The identity, if the user gave one.
    pub(crate) fn read(&self) -> Result<Option<Identity>, Failure> {
        let password = self.password.map(|file| password(file)).transpose()?;
        let password = password.as_ref().map(|password| password.as_str());
        let read = match (self.cert.1, self.key.1, password) {
            (Some(cert), Some(key), None) => Identity::from_pem_files(cert, key),
            (Some(cert), Some(key), Some(password)) => {
                Identity::from_pem_files_with_password(cert, key, password)
            }
            (Some(both), None, password) => Identity::from_file(both, password),
            (None, None, None) => return Ok(None),
            (None, Some(_), _) => {
                return Err(Failure::usage(format!("{} needs {}: give both", self.key.0, self.cert.0)));
            }
            (None, None, Some(_)) => {
                return Err(Failure::usage(format!("--key-password-file needs {}", self.cert.0)));
            }
        };
        read.map(Some).map_err(|error| self.explained(error))
    }

    /// The files themselves, to be followed when they change, if the user gave any.
    pub(crate) fn to_follow(&self) -> Result<Option<reload::IdentityFiles>, Failure> {
        let files = match (self.cert.1, self.key.1) {
            (Some(cert), Some(key)) => reload::IdentityFiles::new(cert, key),
            (Some(both), None) => reload::IdentityFiles::single(both),
            (None, _) => return Ok(None),
        };
        Ok(Some(match self.password {
            Some(file) => files.with_password(&password(file)?),
            None => files,
        }))
    }

    /// The same error, with the option that may help.
    fn explained(&self, error: ConfigError) -> Failure {
        let about_the_key = matches!(error, ConfigError::PrivateKey { .. });
        let failure = Failure::from(error);
        if !about_the_key {
            return failure;
        }
        match (self.key.1, self.password) {
            (None, None) => failure.with_more(&format!("see {} and --key-password-file", self.key.0)),
            (Some(_), None) => failure.with_more("see --key-password-file"),
            (_, Some(_)) => failure,
        }
    }
}

/// The file's one line, without its end. A password on the command line would be there for everybody to see.
fn password(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |reason: String| Failure::usage(format!("the password file {}: {reason}", file.display()));
    let bytes = bounded_file::read(file).map_err(|error| failed(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| failed("it is not UTF-8".into()))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\r', '\n']) {
        return Err(failed("it has more than one line; write the password alone into it".into()));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_password_is_one_line_without_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (content, expected) in
            [("secret", "secret"), ("a b \n", "a b "), ("x\r\n", "x"), ("\n", ""), ("", "")]
        {
            fs::write(file.path(), content).unwrap();
            assert_eq!(password(file.path()).unwrap().as_str(), expected, "{content:?}");
        }
        for wrong in [&b"hidden\nsecret\n"[..], b"\n\n", b"\xff\n"] {
            fs::write(file.path(), wrong).unwrap();
            let failure = password(file.path()).unwrap_err();
            assert_eq!(failure.code, crate::failure::USAGE);
            assert!(!failure.message.contains("hidden"), "{}", failure.message);
        }
    }
}
