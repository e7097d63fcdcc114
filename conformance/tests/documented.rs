//! `docs/conformance.md` lists every behaviour that there is, and no other.

use polytls_conformance::BEHAVIOURS;

#[test]
fn every_behaviour_is_in_the_table_of_the_docs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/conformance.md");
    let page = std::fs::read_to_string(path).expect("docs/conformance.md can be read");
    let again = "make it anew: cargo run -p polytls-conformance --example table -- --markdown";
    for behaviour in BEHAVIOURS {
        assert!(page.contains(&format!("| {} ", behaviour.what)), "{} is missing; {again}", behaviour.name);
    }
    let rows = page.lines().filter(|line| line.contains('✓') && line.starts_with('|')).count();
    assert_eq!(rows, BEHAVIOURS.len(), "{again}");
}

#[test]
fn no_two_behaviours_have_one_name() {
    let mut names: Vec<_> = BEHAVIOURS.iter().map(|behaviour| (behaviour.area, behaviour.name)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BEHAVIOURS.len());
}
