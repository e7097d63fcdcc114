//! How names are read, compared and shown.

use der::asn1::ObjectIdentifier;
use proptest::prelude::*;

use crate::{
    Name,
    tests::{MadeAttribute, attribute, name, refused, sequence, tlv},
};

const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const TELETEX: u8 = 0x14;
const IA5: u8 = 0x16;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// A name of RDNs that have several attributes.
fn multi(rdns: &[&[MadeAttribute<'_>]]) -> Vec<u8> {
    let rdn = |attributes: &&[MadeAttribute<'_>]| {
        let attributes: Vec<_> = attributes.iter().map(|one| attribute(*one)).collect();
        tlv(0x31, &[&attributes.concat()])
    };
    sequence(&[&rdns.iter().map(rdn).collect::<Vec<_>>().concat()])
}

fn matches(one: &[u8], other: &[u8]) -> bool {
    let (one, other) = (Name::parse(one).unwrap(), Name::parse(other).unwrap());
    let matches = one.matches(&other);
    assert_eq!(other.matches(&one), matches);
    assert_eq!(one.folded() == other.folded(), matches);
    matches
}

fn same_text(one: (u8, &[u8]), other: (u8, &[u8])) -> bool {
    matches(&name(&[(3, one.0, one.1)]), &name(&[(3, other.0, other.1)]))
}

#[test]
fn text_is_compared_across_string_types() {
    let acme = "Acmé".as_bytes();
    for (tag, octets) in [
        (TELETEX, &b"Acm\xe9"[..]),
        (BMP, b"\0A\0c\0m\0\xe9"),
        (UNIVERSAL, b"\0\0\0A\0\0\0c\0\0\0m\0\0\0\xe9"),
        (UTF8, "aCMÉ".as_bytes()),
        (UTF8, "  Acmé ".as_bytes()),
    ] {
        assert!(same_text((UTF8, acme), (tag, octets)), "{tag:#04x}");
    }
    for tag in [PRINTABLE, IA5, TELETEX, 0x12, 0x1a] {
        assert!(same_text((UTF8, b"Acme"), (tag, b"acme")), "{tag:#04x}");
        assert!(!same_text((UTF8, b"Acme"), (tag, b"acmes")), "{tag:#04x}");
    }
}

#[test]
fn case_white_space_and_what_nobody_sees_are_not_compared() {
    for same in [
        " acme  corp ",
        "ACME CORP",
        "acme\u{a0}corp",
        "acme\tcorp",
        "ac\u{ad}me\u{200b} corp",
        "acme\u{7f} corp",
    ] {
        assert!(same_text((UTF8, b"Acme Corp"), (UTF8, same.as_bytes())), "{same:?}");
    }
    for other in ["AcmeCorp", "Acme Corp.", "Acme", "", "Acme Cörp", "Corp Acme"] {
        assert!(!same_text((UTF8, b"Acme Corp"), (UTF8, other.as_bytes())), "{other:?}");
    }
    assert!(same_text((UTF8, "ΣΑΣ".as_bytes()), (UTF8, "σας".as_bytes())));
    assert!(same_text((UTF8, "Straße".as_bytes()), (UTF8, b"STRASSE")));
    assert!(same_text((UTF8, b"  "), (UTF8, b"")));
}

#[test]
fn what_is_no_text_is_compared_by_its_octets() {
    // Not UTF-8, halves of characters, surrogates, not ASCII.
    for (tag, octets) in [
        (UTF8, &b"A\xff"[..]),
        (BMP, b"\0A\0"),
        (BMP, b"\xd8\0\0A"),
        (UNIVERSAL, b"\0\0\0A\0"),
        (UNIVERSAL, b"\0\x11\0\0"),
        (PRINTABLE, b"A\xe9"),
        (0x03, b"\0A"),
    ] {
        assert!(same_text((tag, octets), (tag, octets)));
        let lower = octets.to_ascii_lowercase();
        assert_eq!(same_text((tag, octets), (tag, &lower)), lower == octets, "{tag:#04x}");
    }
    // Octets that read as text do not equal that text.
    assert!(!same_text((0x04, b"acme"), (UTF8, b"acme")));
    assert!(!same_text((0x04, b"acme"), (0x05, b"acme")));
    // Nor does text that reads as their tag, length and content.
    let content = [b'x'; b'a' as usize];
    assert!(!same_text((0x30, &content), (UTF8, &[&b"0a"[..], &content].concat())));
}

#[test]
fn kinds_and_their_order_count_and_the_order_in_an_rdn_does_not() {
    let o: MadeAttribute<'_> = (10, UTF8, b"Acme");
    let cn: MadeAttribute<'_> = (3, UTF8, b"x");
    assert!(!matches(&name(&[(3, UTF8, b"x")]), &name(&[(10, UTF8, b"x")])));
    assert!(!matches(&name(&[o, cn]), &name(&[cn, o])));
    assert!(!matches(&name(&[o, cn]), &name(&[o])));
    assert!(matches(&multi(&[&[o, cn]]), &multi(&[&[cn, (10, PRINTABLE, b"ACME")]])));
    assert!(!matches(&multi(&[&[o, cn]]), &multi(&[&[cn]])));
    assert!(!matches(&multi(&[&[o, cn]]), &multi(&[&[o], &[cn]])));
    // As sets of the same size: one attribute twice is not two others.
    assert!(!matches(&multi(&[&[o, o, cn]]), &multi(&[&[o, cn, cn]])));
}

#[test]
fn subtree_begins_at_the_widest_and_ends_at_an_rdn() {
    let parse = |der: &[u8], base: &[u8]| {
        let (name, base) = (Name::parse(der).unwrap(), Name::parse(base).unwrap());
        let within = name.is_within(&base);
        assert_eq!(name.folded().is_within(&base.folded()), within);
        within
    };
    let acme: MadeAttribute<'_> = (10, UTF8, b"Acme");
    let leaf = name(&[(6, PRINTABLE, b"DE"), acme, (3, UTF8, b"x")]);
    assert!(parse(&leaf, &name(&[])));
    assert!(parse(&leaf, &name(&[(6, UTF8, b"de")])));
    assert!(parse(&leaf, &name(&[(6, UTF8, b"de"), (10, BMP, b"\0A\0C\0M\0E")])));
    assert!(parse(&leaf, &leaf));
    assert!(!parse(&leaf, &name(&[acme])));
    assert!(!parse(&leaf, &name(&[(6, UTF8, b"de"), (10, UTF8, b"Acm")])));
    assert!(!parse(
        &leaf,
        &name(&[(6, UTF8, b"de"), (10, UTF8, b"Acme "), (3, UTF8, b"x"), (3, UTF8, b"y")])
    ));
    assert!(!parse(&leaf, &name(&[(6, UTF8, b"d")])));
    assert!(parse(
        &multi(&[&[acme, (3, UTF8, b"x")], &[(3, UTF8, b"y")]]),
        &multi(&[&[(3, UTF8, b"X"), acme]])
    ));
    assert!(!parse(&multi(&[&[acme, (3, UTF8, b"x")]]), &name(&[acme])));
}

#[test]
fn parts_are_given_in_their_order() {
    let der = multi(&[&[(6, PRINTABLE, b"DE")], &[(3, UTF8, b"x"), (3, UTF8, b"y")], &[(3, 0x04, b"z")]]);
    let parsed = Name::parse(&der).unwrap();
    assert_eq!(parsed.der(), der);
    assert_eq!(parsed.rdns().map(<[_]>::len).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(parsed.rdns().len(), 3);
    assert!(!parsed.is_empty() && Name::parse(&[0x30, 0]).unwrap().is_empty());
    // The last one is no text.
    assert_eq!(parsed.text(COMMON_NAME), None);
    let der = name(&[(3, UTF8, b"x"), (3, BMP, b"\0y"), (10, UTF8, b"Acme")]);
    assert_eq!(Name::parse(&der).unwrap().text(COMMON_NAME).as_deref(), Some("y"));
    assert_eq!(Name::parse(&der).unwrap().text(ObjectIdentifier::new_unwrap("2.5.4.6")), None);
}

#[test]
fn malformed_names_are_refused() {
    for (der, reason) in [
        (vec![], "missing"),
        (tlv(0x31, &[]), "must be 0x30"),
        ([name(&[]), vec![5, 0]].concat(), "octets follow"),
        (sequence(&[&tlv(0x31, &[])]), "no attribute"),
        (sequence(&[&sequence(&[])]), "must be 0x31"),
        (sequence(&[&tlv(0x31, &[&sequence(&[&[6, 1, 0x55]])])]), "missing"),
        (sequence(&[&tlv(0x31, &[&sequence(&[&[6, 1, 0x55], &[5, 0], &[5, 0]])])]), "octets follow"),
        (
            sequence(&[&tlv(0x31, &[&sequence(&[&[6, 6, 0x69, 0x90, 0x80, 0x80, 0x80, 0], &[5, 0]])])]),
            "32 bits",
        ),
    ] {
        refused(Name::parse(&der), "name", reason);
    }
}

#[test]
fn names_are_shown_as_rfc_4514_writes_them() {
    let shown = |der: &[u8]| Name::parse(der).unwrap().to_string();
    assert_eq!(
        shown(&name(&[(6, PRINTABLE, b"DE"), (10, BMP, b"\0\xc4"), (3, UTF8, b"x")])),
        "CN=x,O=Ä,C=DE"
    );
    assert_eq!(shown(&multi(&[&[(10, UTF8, b"a")], &[(3, UTF8, b"x"), (11, UTF8, b"y")]])), "CN=x+OU=y,O=a");
    assert_eq!(shown(&name(&[])), "");
    let cn = |text: &str| shown(&name(&[(3, UTF8, text.as_bytes())]));
    assert_eq!(cn("a,b+c\"d\\e<f>g;h=i#"), "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h=i#");
    assert_eq!(cn("# a "), "CN=\\# a\\ ");
    assert_eq!(cn("  "), "CN=\\ \\ ");
    assert_eq!(cn(""), "CN=");
    // Nothing that moves the cursor, ends the line, or turns the text round.
    assert_eq!(cn("a\n\0\u{1b}\u{202e}b"), "CN=a\\0A\\00\\1B\\E2\\80\\AEb");
    assert_eq!(shown(&name(&[(3, UTF8, b"\xff")])), "CN=#0c01ff");
    assert_eq!(shown(&name(&[(99, UTF8, b"x")])), "2.5.4.99=#0c0178");
}

/// Names of few parts, so that many are equal and many are within others.
fn some_name() -> impl Strategy<Value = Vec<u8>> {
    const VALUES: [(u8, &[u8]); 7] = [
        (UTF8, b"a"),
        (PRINTABLE, b" A "),
        (BMP, b"\0a"),
        (TELETEX, b"a  b"),
        (UTF8, b"A\xc2\xa0B"),
        (UTF8, b"\xff"),
        (0x04, b"a"),
    ];
    let attribute = (prop::sample::select(&[3_u8, 10][..]), prop::sample::select(&VALUES[..]))
        .prop_map(|(kind, (tag, content))| (kind, tag, content));
    let rdn = proptest::collection::vec(attribute, 1..3);
    proptest::collection::vec(rdn, 0..3)
        .prop_map(|rdns| multi(&rdns.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

proptest! {
    /// In a string type that is compared where it stands, and in one that is not.
    #[test]
    fn plain_text_is_folded_as_any_other(text in "[ -~]{0,12}") {
        let in_two_octets: Vec<_> = text.bytes().flat_map(|octet| [0, octet]).collect();
        prop_assert!(same_text((PRINTABLE, text.as_bytes()), (BMP, &in_two_octets)));
    }

    #[test]
    fn folded_names_answer_as_pairs_do(name in some_name(), other in some_name()) {
        let (name, other) = (Name::parse(&name).unwrap(), Name::parse(&other).unwrap());
        prop_assert_eq!(name.matches(&other), name.folded() == other.folded());
        prop_assert_eq!(name.is_within(&other), name.folded().is_within(&other.folded()));
        prop_assert_eq!(name.matches(&other), name.is_within(&other) && other.is_within(&name));
    }
}
