//! What polytls adds to a certificate's verification, and how fast each verifier is: `verification [ROUNDS]`.
//!
//! Each line compares two, a round of one and a round of the other in turns: the medians of both, and the median of the
//! rounds' ratios of time with their quartiles. 1.02 says that the first takes 2 % longer than the second.

use std::{env, time::Duration};

use polytls::{
    RevocationPolicy,
    backends::{Builtin, OpenSsl, Rustls},
};
use polytls_benches::{
    rounds::{self, Comparison},
    verification::{Chain, OpenSslDirectly, ThroughPolytls, Verification, WebPkiDirectly},
};

const ROUNDS: usize = 1000;
/// Verifications in a round: about a millisecond, so that most rounds are over before another process has its turn.
const VERIFICATIONS: u32 = 8;

fn main() {
    let rounds = env::args().nth(1).map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    println!("| chain | first | second | first, per second | second | ratio of time (quartiles) |");
    println!("|---|---|---|---|---|---|");
    for chain in &Chain::all() {
        let compare = |names: [&str; 2], first: &dyn Verification, second: &dyn Verification| {
            line(rounds, chain, names, first, second);
        };
        let (webpki, openssl) = (WebPkiDirectly::new(chain), OpenSslDirectly::new(chain));
        let through_rustls = ThroughPolytls::of_backend(&Rustls::new(), chain);
        let through_openssl = ThroughPolytls::of_backend(&OpenSsl::new(), chain);
        let builtin = ThroughPolytls::of_backend(&Builtin::new(), chain);
        compare(["rustls", "webpki, directly"], &through_rustls, &webpki);
        compare(["openssl", "OpenSSL, directly"], &through_openssl, &openssl);
        compare(["builtin", "rustls"], &builtin, &through_rustls);
        let default = ThroughPolytls::with_revocation(&Rustls::new(), chain, RevocationPolicy::default());
        compare(["rustls, revocation as by default", "rustls"], &default, &through_rustls);
        for (name, verification) in
            [("rustls", &through_rustls), ("openssl", &through_openssl), ("builtin", &builtin)]
        {
            compare([&format!("{name}, cached"), name], &verification.cached(), verification);
        }
    }
}

fn line(rounds: usize, chain: &Chain, names: [&str; 2], first: &dyn Verification, second: &dyn Verification) {
    let round = |verification: &dyn Verification| rounds::time(VERIFICATIONS, || verification.verify());
    let compared = rounds::compare(rounds, || round(first), || round(second));
    let Comparison { first, second, ratios } = compared;
    let per_second = |time: Duration| f64::from(VERIFICATIONS) / time.as_secs_f64();
    // The quartiles of a reciprocal stand in the other order.
    let [upper, ratio, lower] = ratios.map(f64::recip);
    println!(
        "| {} | {} | {} | {:.0} | {:.0} | {ratio:.3} ({lower:.3} to {upper:.3}) |",
        chain.name,
        names[0],
        names[1],
        per_second(first),
        per_second(second),
    );
}
