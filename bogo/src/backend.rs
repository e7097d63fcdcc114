//! The engine under test, with what a test asks of it beyond polytls's configuration.

use std::sync::Arc;

use polytls::Backend;
use polytls_builtin::Builtin;

use crate::{options::Settings, report::Failure};

/// The engine that runs where the runner's extra flags name none.
const DEFAULT: &str = "builtin";

/// The engine of this name; `None` for polytls's own.
pub(crate) fn backend(name: Option<&str>, settings: &Settings) -> Result<Arc<dyn Backend>, Failure> {
    match name.unwrap_or(DEFAULT) {
        // As BoringSSL's: a client's is off unless it is asked for, a server's never.
        DEFAULT => Ok(Arc::new(Builtin::builder().grease(settings.grease || settings.server).build()?)),
        _ if settings.grease => Err(Failure::Unimplemented("GREASE on a backend without options".into())),
        name => Ok(polytls::backend(name)?),
    }
}
