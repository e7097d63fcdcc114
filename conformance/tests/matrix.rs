//! Every behaviour, for every ordered pair of polytls's backends.

use polytls::backends::{Builtin, Native, OpenSsl, Rustls};
use polytls_conformance::conformance;

conformance!(rustls_to_rustls: Rustls::new(), Rustls::new());
conformance!(rustls_to_openssl: Rustls::new(), OpenSsl::new());
conformance!(rustls_to_native: Rustls::new(), Native::new());
conformance!(openssl_to_rustls: OpenSsl::new(), Rustls::new());
conformance!(openssl_to_openssl: OpenSsl::new(), OpenSsl::new());
conformance!(openssl_to_native: OpenSsl::new(), Native::new());
conformance!(native_to_rustls: Native::new(), Rustls::new());
conformance!(native_to_openssl: Native::new(), OpenSsl::new());
conformance!(native_to_native: Native::new(), Native::new());
conformance!(builtin_to_builtin: Builtin::new(), Builtin::new());
conformance!(builtin_to_rustls: Builtin::new(), Rustls::new());
conformance!(builtin_to_openssl: Builtin::new(), OpenSsl::new());
conformance!(builtin_to_native: Builtin::new(), Native::new());
conformance!(rustls_to_builtin: Rustls::new(), Builtin::new());
conformance!(openssl_to_builtin: OpenSsl::new(), Builtin::new());
conformance!(native_to_builtin: Native::new(), Builtin::new());
