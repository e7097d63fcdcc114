//! signature_algorithms_cert (RFC 8446 §4.2.3): the schemes that are accepted in certificates, where they are not
//! those of signature_algorithms. The two have one form.

pub(crate) use super::signature_algorithms::{encode, parse};
