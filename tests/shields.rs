//! `docs/shields.md` holds: its first table is the table of the code, each test it names exists, and
//! no weakness stands in two rows.

use dockgate::admission::shield::{Program, SHIELDS, Shield};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of every row that begins with a weakness, in the section of that heading.
fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let section = document.split("\n## ").find(|section| section.starts_with(heading));
    let lines = section.unwrap_or_else(|| panic!("no section {heading}")).lines();
    lines
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter(|row| row.starts_with("CVE-") || row.starts_with("GHSA-"))
        .map(|row| row.split(" | ").map(str::to_owned).collect())
        .collect()
}

/// Items of a cell, separated by commas, without backticks.
fn items(cell: &str) -> Vec<&str> {
    cell.split(", ").map(|item| item.trim_matches('`')).collect()
}

fn fixed(shield: &Shield) -> String {
    let program = match shield.program {
        Program::Engine => "Docker Engine",
        Program::Runc => "runc",
    };
    let releases = shield
        .fixed
        .iter()
        .map(|release| format!("{}.{}.{}", release.major, release.minor, release.patch));
    format!("{program} {}", releases.collect::<Vec<_>>().join(", "))
}

#[test]
fn every_shield_has_its_row() {
    let document = read("docs/shields.md");
    let rows = rows(&document, "Shields");
    assert_eq!(rows.len(), SHIELDS.len());
    for (shield, row) in SHIELDS.iter().zip(&rows) {
        let [names, operations, refused, releases, tests] = row.as_slice() else {
            panic!("not five cells: {row:?}");
        };
        assert_eq!(items(names), shield.names);
        let known: Vec<_> = shield.operations.iter().map(|operation| operation.id()).collect();
        assert_eq!(items(operations), known, "{}", shield.name());
        assert_eq!(*releases, fixed(shield), "{}", shield.name());
        assert!(refused.len() > 40, "{refused}");
        let mut cited = 0;
        for citation in tests.split('`').skip(1).step_by(2) {
            let (file, names) = citation.split_once(": ").expect("a file and its tests");
            let text = read(file);
            for name in names.split("; ") {
                assert!(
                    text.contains(&format!("#[test]\n    fn {name}("))
                        || text.contains(&format!("#[test]\nfn {name}(")),
                    "{file} has no test {name}"
                );
                cited += 1;
            }
        }
        assert!(cited > 0, "no test shows {}", shield.name());
    }
}

#[test]
fn every_weakness_has_one_row_and_a_reason() {
    let document = read("docs/shields.md");
    let mut names = BTreeSet::new();
    let others = rows(&document, "Without a shield");
    assert!(others.len() > 30, "{}", others.len());
    for row in &others {
        let [weaknesses, place, why] = row.as_slice() else { panic!("not three cells: {row:?}") };
        assert!(place.len() > 3 && why.len() > 7, "{row:?}");
        for name in items(weaknesses) {
            assert!(names.insert(name), "{name} stands in two rows");
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let is_cve = name.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
            let is_cve = is_cve.is_some_and(|(year, number)| digits(year) && digits(number));
            let is_ghsa = name.starts_with("GHSA-") && name.len() == "GHSA-xxxx-xxxx-xxxx".len();
            assert!(is_cve || is_ghsa, "{name} is no name");
        }
    }
    for name in SHIELDS.iter().flat_map(|shield| shield.names) {
        assert!(!names.contains(name), "{name} has a shield");
    }
}

#[test]
fn what_is_shown_as_an_example_is_a_shield() {
    for document in ["README.md", "docs/shields.md"] {
        let text = read(document);
        for list in text.split("ENGINE_FIXED=").skip(1) {
            let list = list.split(['`', '\n', ' ']).next().unwrap_or_default();
            for name in list.split(',').filter(|name| !name.is_empty()) {
                assert!(dockgate::admission::shield::is_named(name), "{document}: {name}");
            }
        }
    }
}
