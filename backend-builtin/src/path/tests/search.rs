//! Finding a path among whatever a peer sends.

use polytls_api::{CertificateDer, CertificateError, ConfigError, Roots, TrustPolicy};

use super::{
    super::{PathVerifier, Profile},
    Question, SERVER, expired,
    pki::*,
    server, too_long,
};

fn authorities(root: &Authority, count: usize) -> Vec<Authority> {
    let mut chain = vec![root.clone()];
    for number in 0..count {
        let issuer = chain.last().unwrap();
        chain.push(issuer.authority(Template::authority(&format!("authority {number}"))));
    }
    chain.split_off(1)
}

/// A server below `count` authorities, which are shown from the root downwards.
fn below(count: usize) -> Question {
    let root = Authority::root("root");
    let authorities = authorities(&root, count);
    let end_entity = authorities.last().unwrap_or(&root).issue(Template::server(SERVER));
    let mut question = server(&root, &[&end_entity]);
    question.chain.extend(authorities.into_iter().map(|authority| authority.der));
    question
}

#[test]
fn intermediates_come_in_any_order_and_more_than_once() {
    let question = below(4);
    let path = question.accepted();
    assert_eq!(path.path().len(), 6);
    let mut other = question.clone();
    other.chain[1..].reverse();
    let again = other.chain[1..].to_vec();
    other.chain.extend(again);
    other.chain.push(question.chain[0].clone());
    other.chain.push(question.roots[0].clone());
    for _ in 1..other.chain.len() {
        other.chain[1..].rotate_left(1);
        assert_eq!(other.accepted().path(), path.path());
    }
}

#[test]
fn strangers_and_rubbish_do_no_harm() {
    let mut question = below(2);
    question.chain.extend((0..60).map(|number| Authority::root(&format!("stranger {number}")).der));
    question.chain.push(b"rubbish".to_vec().into());
    question.chain.push(Vec::new().into());
    question.accepted();
}

#[test]
fn without_a_way_to_a_root_the_issuer_is_unknown() {
    let (root, other) = (Authority::root("root"), Authority::root("other"));
    let authority = root.authority(Template::authority("authority"));
    let end_entity = authority.issue(Template::server(SERVER));
    let unknown = CertificateError::UnknownIssuer;
    server(&root, &[&end_entity]).refused(&unknown);
    server(&other, &[&end_entity, &authority.der]).refused(&unknown);
    // Its own root, sent along, vouches for nothing.
    server(&other, &[&end_entity, &authority.der, &root.der]).refused(&unknown);
    let self_signed = Template::server(SERVER).self_signed();
    server(&root, &[&self_signed.der]).refused(&CertificateError::SelfSigned);
    // Nor does one of the same name.
    let namesake = Template::authority(SERVER).self_signed();
    server(&namesake, &[&self_signed.der]).refused(&CertificateError::SelfSigned);
    // With another key than the one that is asked for, a namesake of the root is another authority.
    server(&Authority::root("root"), &[&end_entity, &authority.der]).refused(&unknown);
}

#[test]
fn an_end_entity_that_is_a_root_is_trusted_as_it_is() {
    let trusted = Template::server(SERVER).self_signed();
    let path = server(&trusted, &[&trusted.der]).accepted();
    assert_eq!(path.path(), std::slice::from_ref(&trusted.der));
    assert!(path.reaches_root());
    // Trust is in the certificate, not in whatever else says that it has its name and key.
    let other = Template::server(SERVER).key(trusted.key.clone()).names(&[(DNS, b"other.example")]);
    server(&trusted, &[&other.self_signed().der])
        .named("other.example")
        .refused(&CertificateError::SelfSigned);
    let issued = Authority::root("root").authority(Template::server(SERVER));
    server(&issued, &[&issued.der]).accepted();
}

#[test]
fn a_root_need_not_be_self_signed() {
    let root = Authority::root("root");
    let authority = root.authority(Template::authority("authority"));
    let end_entity = authority.issue(Template::server(SERVER));
    let path = server(&authority, &[&end_entity, &root.der]).accepted();
    assert_eq!(path.path(), [end_entity, authority.der.clone()]);
}

#[test]
fn cross_signed_authorities_lead_over_the_root_that_is_trusted() {
    let (old, new) = (Authority::root("old"), Authority::root("new"));
    let key = Key::p256();
    let template = || Template::authority("authority").key(key.clone());
    let (by_old, by_new) = (old.authority(template()), new.authority(template()));
    let end_entity = by_old.issue(Template::server(SERVER));
    for root in [&old, &new] {
        for chain in [[&end_entity, &by_old.der, &by_new.der], [&end_entity, &by_new.der, &by_old.der]] {
            let path = server(root, &chain).accepted();
            assert_eq!(path.path().last(), Some(&root.der));
        }
    }
    // One of the two ways is closed.
    let past = template().change(|template| template.validity.1 = "250101000000Z".into());
    let expired = old.authority(past);
    server(&old, &[&end_entity, &expired.der, &by_new.der]).trusting(&[&old, &new]).accepted();
    server(&old, &[&end_entity, &expired.der, &by_new.der]).refused(&super::expired());
}

#[test]
fn a_root_may_have_changed_its_key() {
    let old = Authority::root("root");
    let new = old.authority(Template::authority("root"));
    let end_entity = new.issue(Template::server(SERVER));
    server(&old, &[&end_entity, &new.der]).max_depth(0).accepted();
    let both =
        server(&old, &[&end_entity]).trusting(&[&old, &Authority { der: new.der.clone(), ..new.clone() }]);
    assert_eq!(both.accepted().path().len(), 2);
}

#[test]
fn circles_end() {
    let root = Authority::root("root");
    let (one, other) = (Key::p256(), Key::p256());
    let template = |name: &str, key: &Key| Template::authority(name).key(key.clone());
    let a = Authority { name: common_name("a"), key: one.clone(), der: Vec::new().into() };
    let b = Authority { name: common_name("b"), key: other.clone(), der: Vec::new().into() };
    let (a_by_b, b_by_a) = (b.authority(template("a", &one)), a.authority(template("b", &other)));
    let end_entity = a.issue(Template::server(SERVER));
    server(&root, &[&end_entity, &a_by_b.der, &b_by_a.der]).refused(&CertificateError::UnknownIssuer);
    let a_by_root = root.authority(template("a", &one));
    server(&root, &[&end_entity, &a_by_b.der, &b_by_a.der, &a_by_root.der]).accepted();
    let b_by_root = root.authority(template("b", &other));
    let path = server(&root, &[&end_entity, &a_by_b.der, &b_by_a.der, &b_by_root.der]).accepted();
    assert_eq!(path.path(), [end_entity, a_by_b.der, b_by_root.der, root.der]);
}

#[test]
fn a_path_is_no_longer_than_allowed() {
    below(8).accepted();
    below(9).refused(&too_long());
    below(9).max_depth(9).accepted();
    below(1).max_depth(1).accepted();
    below(1).max_depth(0).refused(&too_long());
    below(0).max_depth(0).accepted();
    below(20).max_depth(usize::MAX).accepted();
}

#[test]
fn path_length_constraints_count_what_is_not_self_issued() {
    let limited = |name: &str, length| {
        Template::authority(name).with(BASIC_CONSTRAINTS, true, basic_constraints(true, Some(length)))
    };
    let exceeded = CertificateError::PathLengthExceeded;
    let root = Authority::root("root");
    let one = root.authority(limited("one", 1));
    let two = one.authority(limited("two", 2));
    let end_entity = two.issue(Template::server(SERVER));
    server(&root, &[&end_entity, &one.der, &two.der]).accepted();
    let three = two.authority(Template::authority("three"));
    let end_entity = three.issue(Template::server(SERVER));
    server(&root, &[&end_entity, &one.der, &two.der, &three.der]).refused(&exceeded);
    // A change of keys within one authority counts for nothing.
    let again = one.authority(limited("one", 1));
    let two = again.authority(limited("two", 0));
    let end_entity = two.issue(Template::server(SERVER));
    server(&root, &[&end_entity, &one.der, &again.der, &two.der]).accepted();
    let root = limited("root", 0).self_signed();
    let end_entity = root.issue(Template::server(SERVER));
    server(&root, &[&end_entity]).accepted();
    let one = root.authority(Template::authority("one"));
    server(&root, &[&one.issue(Template::server(SERVER)), &one.der]).refused(&exceeded);
}

#[test]
fn the_reason_is_of_the_path_that_came_furthest() {
    let root = Authority::root("root");
    let key = Key::p256();
    let past = |template: Template| template.change(|template| template.validity.1 = "250101000000Z".into());
    let template =
        || Template::authority("authority").key(key.clone()).with(SUBJECT_KEY_IDENTIFIER, false, vec![]);
    let ended = root.authority(past(template()));
    // Of the same name, with another key.
    let namesake =
        root.authority(Template::authority("authority").with(SUBJECT_KEY_IDENTIFIER, false, vec![]));
    let end_entity = ended.issue(Template::server(SERVER));
    for chain in [[&end_entity, &ended.der, &namesake.der], [&end_entity, &namesake.der, &ended.der]] {
        server(&root, &chain).refused(&expired());
    }
    server(&root, &[&end_entity, &namesake.der]).refused(&CertificateError::BadSignature);
    // A stranger's faults are not the chain's.
    let (right, wrong) = (Template::authority("authority"), past(Template::authority("authority")));
    let (right, wrong) = (root.authority(right), root.authority(wrong));
    let mut end_entity = right.issue(Template::server(SERVER)).to_vec();
    *end_entity.last_mut().unwrap() ^= 1;
    server(&root, &[&end_entity.into(), &wrong.der, &right.der]).refused(&CertificateError::BadSignature);
}

/// Authorities of one name below nobody, and a server below one of them.
fn look_alikes(name: &str, count: usize) -> (CertificateDer<'static>, Vec<CertificateDer<'static>>) {
    let lost = Authority { name: common_name(name), key: Key::p256(), der: Vec::new().into() };
    let bare = || Template::authority(name).with(SUBJECT_KEY_IDENTIFIER, false, Vec::new());
    let alikes: Vec<_> = (0..count).map(|_| lost.authority(bare())).collect();
    let end_entity =
        alikes[0].issue(Template::server(SERVER).with(AUTHORITY_KEY_IDENTIFIER, false, Vec::new()));
    (end_entity, alikes.into_iter().map(|authority| authority.der).collect())
}

#[test]
fn a_hundred_look_alikes_cost_little() {
    let root = Authority::root("root");
    let (end_entity, alikes) = look_alikes("nobody", 100);
    let mut question = server(&root, &[&end_entity]);
    question.chain.extend(alikes);
    question.refused(&CertificateError::UnknownIssuer);
    // They call themselves by the root's name: each pair could be a path by its names.
    let (end_entity, alikes) = look_alikes("root", 100);
    let mut question = server(&root, &[&end_entity]);
    question.chain.extend(alikes);
    question.refused(&too_long());
}

#[test]
fn a_lattice_of_authorities_is_left_in_the_middle() {
    let root = Authority::root("root");
    // Each of eight stages has 12 authorities of one name, which all but the last are said to have been issued by the
    // stage above: 12^8 paths by their names.
    let mut chain = Vec::new();
    let mut above = Authority { name: common_name("root"), key: Key::p256(), der: Vec::new().into() };
    for stage in 0..8 {
        let name = format!("stage {stage}");
        let bare = || {
            Template::authority(&name).with(SUBJECT_KEY_IDENTIFIER, false, Vec::new()).with(
                AUTHORITY_KEY_IDENTIFIER,
                false,
                Vec::new(),
            )
        };
        let alikes: Vec<_> = (0..12).map(|_| above.authority(bare())).collect();
        chain.extend(alikes.iter().map(|authority| authority.der.clone()));
        above = alikes.into_iter().next().unwrap();
    }
    let end_entity = above.issue(Template::server(SERVER));
    let mut question = server(&root, &[&end_entity]);
    question.chain.extend(chain);
    question.refused(&too_long());
}

#[test]
fn a_trusted_authority_cannot_make_many_paths_either() {
    let root = Authority::root("root");
    // Five stages of five authorities that are all each other's, below one that may not have them.
    let limit = Template::authority("limit").with(BASIC_CONSTRAINTS, true, basic_constraints(true, Some(0)));
    let limit = root.authority(limit);
    let key = Key::p256();
    let mut question = server(&root, &[]);
    let mut above = limit.clone();
    for stage in 0..4 {
        let name = format!("stage {stage}");
        let alikes = (0..4).map(|number| {
            above.authority(
                Template::authority(&name).key(key.clone()).change(|it| it.serial = vec![1 + number]),
            )
        });
        let alikes: Vec<_> = alikes.collect();
        question.chain.extend(alikes.iter().map(|authority| authority.der.clone()));
        above = alikes.into_iter().next().unwrap();
    }
    question.chain.push(limit.der);
    question.chain.insert(0, above.issue(Template::server(SERVER)));
    question.refused(&too_long());
}

#[test]
fn so_many_certificates_are_looked_at() {
    let mut question = below(1);
    let stranger = Authority::root("stranger").der;
    question.chain.extend(std::iter::repeat_n(stranger.clone(), 255));
    question.accepted();
    question.chain.push(stranger);
    question.refused(&too_long());
}

#[test]
fn roots_that_cannot_be_read_are_an_error_of_configuration() {
    let broken = CertificateDer::from(b"broken".to_vec());
    let good = Authority::root("root").der;
    let new = |roots| PathVerifier::new(&TrustPolicy::new(roots), Profile::default());
    let error = new(Roots::from_der([good.clone(), broken])).unwrap_err();
    assert!(matches!(error, ConfigError::Certificates { .. }), "{error}");
    assert!(matches!(new(Roots::from_der([])).unwrap_err(), ConfigError::NoRoots { .. }));
    new(Roots::None).unwrap();
    new(Roots::from_der([good])).unwrap();
}

#[test]
fn a_root_that_was_asked_before_answers_as_the_first_time() {
    let good = below(0);
    let mut forged = good.clone();
    let mut end_entity = forged.chain[0].to_vec();
    *end_entity.last_mut().unwrap() ^= 1;
    forged.chain[0] = end_entity.into();
    let mut late = good.clone();
    late.now += std::time::Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let verifier = good.verifier();
    for _ in 0..3 {
        assert_eq!(good.verdict_of(&verifier).unwrap().path(), good.accepted().path());
        assert_eq!(forged.verdict_of(&verifier).unwrap_err(), CertificateError::BadSignature);
        assert_eq!(late.verdict_of(&verifier).unwrap_err(), late.verdict().unwrap_err());
    }
}

#[test]
fn every_bundled_root_can_be_a_root() {
    let roots = Roots::Bundled.certificates().unwrap();
    let read = super::super::anchor::Anchors::new(&Roots::Bundled, Profile::default()).unwrap();
    assert_eq!(read.len(), roots.len());
}
