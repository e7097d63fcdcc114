//! What a chain costs at the most that an authority under a root has made to cost much.

use polytls_api::x509::Certificate;

use super::{Question, SERVER, pki::*, server, too_long};

/// A server below three stages of authorities that are all each other's: 64 paths, each with good signatures.
fn lattice(root: &Authority, top: Template, stage: fn(Template) -> Template, end: Template) -> Question {
    let top = root.authority(top);
    let mut question = server(root, &[&top.der]);
    let (key, mut above) = (Key::p256(), top);
    for number in 0..3 {
        let alikes = (0..4).map(|serial| {
            let template = Template::authority(&format!("stage {number}")).key(key.clone());
            above.authority(stage(template.change(|it| it.serial = vec![1 + serial])))
        });
        let alikes: Vec<_> = alikes.collect();
        question.chain.extend(alikes.iter().map(|authority| authority.der.clone()));
        above = alikes.into_iter().next().unwrap();
    }
    question.chain.insert(0, above.issue(end));
    question
}

fn many<'n>(names: &'n [String], last: (u8, &'n [u8])) -> Vec<(u8, &'n [u8])> {
    names.iter().map(|name| (DNS, name.as_bytes())).chain([last]).collect()
}

#[test]
fn names_and_constraints_that_are_read_for_every_path() {
    const RANGE: (u8, &[u8]) = (IP, &[10, 0, 0, 0, 255, 0, 0, 0]);
    const ADDRESS: (u8, &[u8]) = (IP, &[10, 0, 0, 1]);
    let texts: Vec<_> = (0..5000).map(|number| format!("{number:04}.x")).collect();
    for (bases, names) in [(vec![RANGE], many(&texts, ADDRESS)), (many(&texts, RANGE), vec![ADDRESS])] {
        let constraints = name_constraints(&[], &bases);
        let top = Template::authority("top").with(NAME_CONSTRAINTS, true, constraints);
        let end = Template::server(SERVER).names(&names);
        lattice(&Authority::root("root"), top, |stage| stage, end).refused(&too_long());
    }
}

#[test]
fn policies_that_are_read_for_every_path() {
    let names: Vec<_> = (0..3000).map(|number| format!("2.5.1.{number}")).collect();
    let mappings: Vec<_> = names.iter().map(|name| (names[0].as_str(), name.as_str())).collect();
    let top = Template::authority("top")
        .with(POLICY_CONSTRAINTS, true, policy_constraints(Some(0), None))
        .with(POLICY_MAPPINGS, true, policy_mappings(&mappings))
        .with(CERTIFICATE_POLICIES, false, policies(&[&names[0]]));
    let stage = |template: Template| template.with(CERTIFICATE_POLICIES, false, policies(&[ANY_POLICY]));
    lattice(&Authority::root("root"), top, stage, Template::server(SERVER)).refused(&too_long());
}

#[test]
fn long_names_that_are_compared_for_every_path() {
    // Two attributes in each RDN, written in two ways.
    let long = |text: &[u8]| {
        let attribute = |kind| sequence(&[tlv(6, [0x55, 4, kind]), tlv(0x0c, text)]);
        tlv(0x30, tlv(0x31, [attribute(10), attribute(11)].concat()).repeat(1000))
    };
    let (one, other) = (long(b"a"), long(b"A"));
    let root = Template::authority("root").change(|it| it.subject = one).self_signed();
    let top = Template::authority("top").change(|it| it.subject = other);
    let top = top.with(BASIC_CONSTRAINTS, true, basic_constraints(true, Some(0)));
    lattice(&root, top, |stage| stage, Template::server(SERVER)).refused(&too_long());
}

#[test]
fn signatures_under_the_longest_key() {
    let root = Authority::root("root");
    let rsa = sequence(&[oid("1.2.840.113549.1.1.1"), tlv(5, [])]);
    let numbers = sequence(&[tlv(2, [&[0], &[0xff; 1024][..]].concat()), tlv(2, [1, 255, 255, 255, 255])]);
    let key = sequence(&[rsa, tlv(3, [vec![0], numbers].concat())]);
    let longest = root.authority(Template::authority("longest").change(|it| it.key_info = Some(key)));
    let algorithm = sequence(&[oid("1.2.840.113549.1.1.11"), tlv(5, [])]);
    let mut question = server(&root, &[&longest.der]);
    for serial in 0..110 {
        let alike = longest.authority(Template::authority("alike").change(|it| {
            it.algorithms = Some((algorithm.clone(), algorithm.clone()));
            it.serial = vec![1, serial];
        }));
        let signed = Certificate::parse(&alike.der).unwrap().tbs_certificate.to_vec();
        let signature = tlv(3, [vec![0], vec![1; 1024]].concat());
        question.chain.push(sequence(&[signed, algorithm.clone(), signature]).into());
        if serial == 0 {
            question.chain.insert(0, alike.issue(Template::server(SERVER)));
        }
    }
    question.refused(&too_long());
}
