//! The behaviours that every polytls backend must show, with every other as its peer.
//!
//! One line runs them all on a pair, the client's backend first; `docs/adding-a-backend.md` tells the rest:
//!
//! ```
//! use polytls_conformance::conformance;
//!
//! conformance!(openssl_to_rustls: polytls::backends::OpenSsl::new(), polytls::backends::Rustls::new());
//! ```
//!
//! Each behaviour becomes a test of its own. What a backend declares that it lacks is not passed over: the
//! behaviour asserts that the option ends in [`ConfigError::Unsupported`](polytls_api::ConfigError::Unsupported),
//! and ends as [`Outcome::Refused`].
//!
//! Everything runs in memory: no network but one loopback socket, no file, and no sleep but until a session has
//! outlived its lifetime. The suite speaks to backends through `polytls-api` alone.

mod behaviour;
mod gate;
mod pair;
mod pipe;
mod pki;
mod probe;
mod quiet;
mod random;
mod scene;
mod table;
mod wire;

mod application_protocols;
mod bindings;
mod cancellation;
mod capabilities;
mod certificates;
mod chain_faults;
mod client_authentication;
mod client_hello;
mod close;
mod composition;
mod configuration;
mod early_data;
mod facts;
mod faults;
mod halves;
mod identities;
mod key_log;
mod key_updates;
pub mod limbo;
mod limits;
mod load;
mod names;
mod negotiation;
mod responses;
mod resumption;
mod revocation;
mod sessions;
mod shared_bytes;
mod signers;
mod slow_verdicts;
mod staples;
mod strangers;
mod transfer;
mod verifiers;

pub use self::{
    behaviour::{Behaviour, Failure, Outcome, Stop},
    pair::Pair,
    table::BEHAVIOURS,
};

/// Makes one test of each behaviour, for one pair of backends: the client's first.
///
/// The name becomes a module; each backend is an expression that makes one. The tests are called
/// `name::area::behaviour`.
#[macro_export]
macro_rules! conformance {
    ($name:ident: $client:expr, $server:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expressions may need nothing from outside")]
            use super::*;

            fn pair() -> $crate::Pair {
                $crate::Pair::new($client, $server)
            }

            $crate::__each_behaviour!(__tests);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($($area:ident { $($name:ident: $what:literal;)* })*) => {
        $(mod $area {
            $(#[test]
            fn $name() {
                $crate::__check(&super::pair(), stringify!($area), stringify!($name));
            })*
        })*
    };
}

/// Runs one behaviour as a test.
#[doc(hidden)]
pub fn __check(pair: &Pair, area: &str, name: &str) {
    let found = BEHAVIOURS.iter().find(|behaviour| behaviour.area == area && behaviour.name == name);
    let behaviour = found.expect("tests and table come from one list");
    match behaviour.run(pair) {
        Ok(Outcome::Passed) => {}
        Ok(Outcome::Refused(option)) => println!("refused as declared: {option}"),
        Err(failure) => panic!("{pair}: {}: {failure}", behaviour.what),
    }
}
