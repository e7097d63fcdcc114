//! Chains that are valid, with one octet changed.

use polytls_api::x509::Certificate;

use super::{Question, SERVER, pki::*, server};

/// A pseudo-random sequence (xorshift64), the same each time.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

fn chain(key: fn() -> Key) -> Question {
    let root = Template::authority("root").key(key()).self_signed();
    let authority = Template::authority("authority")
        .with(NAME_CONSTRAINTS, true, name_constraints(&[(DNS, b"example")], &[]))
        .with(CERTIFICATE_POLICIES, false, policies(&[ANY_POLICY]))
        .key(key());
    let authority = root.authority(authority);
    let end_entity = authority.issue(Template::server(SERVER).key(key()));
    server(&root, &[&end_entity, &authority.der])
}

#[test]
fn none_is_accepted_whatever_octet_is_changed() {
    let mut random = Sequence(0x9e37_79b9_7f4a_7c15);
    for key in [Key::p256, Key::ed25519, Key::rsa] {
        let question = chain(key);
        question.accepted();
        for place in 0..question.chain.len() {
            for offset in 0..question.chain[place].len() {
                let mut der = question.chain[place].to_vec();
                der[offset] ^= 1 << random.next(8);
                let mut changed = question.clone();
                changed.chain[place] = der.into();
                changed.verdict().expect_err(&format!("octet {offset} of certificate {place}"));
            }
        }
    }
}

#[test]
fn a_changed_root_never_makes_a_chain_valid_for_another_key() {
    let mut random = Sequence(7);
    let question = chain(Key::p256);
    for offset in 0..question.roots[0].len() {
        let mut der = question.roots[0].to_vec();
        der[offset] ^= 1 << random.next(8);
        // A root's own signature is nobody's to check; its name and key are.
        let Ok(root) = Certificate::parse(&der) else { continue };
        let original = Certificate::parse(&question.roots[0]).unwrap();
        let same_key = root.subject_public_key_info.der == original.subject_public_key_info.der;
        let same_name = root.subject.matches(&original.subject);
        let mut changed = question.clone();
        changed.roots = vec![der.clone().into()];
        assert!(changed.verdict().is_err() || (same_key && same_name), "octet {offset}");
    }
}

#[test]
fn cut_and_doubled_certificates_are_refused() {
    let question = chain(Key::p256);
    let whole = question.chain[0].to_vec();
    let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
    let longer = [whole.clone(), whole.clone()].concat();
    for der in cut.chain([longer, [whole.clone(), vec![0]].concat()]) {
        let mut changed = question.clone();
        changed.chain[0] = der.into();
        changed.verdict().unwrap_err();
    }
}
