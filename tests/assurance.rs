//! `docs/assurance.md` and `SECURITY.md` hold: every claim has a row, every row names code and
//! proofs, and every file, test and trial that is named exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 2] = ["SECURITY.md", "docs/assurance.md"];

/// What a path begins with, so that it is not taken for a variable or a word.
const FOLDERS: [&str; 10] = [
    ".ci/", "benches/", "deploy/", "docs/", "fuzz/", "image/", "scripts/", "src/", "tests/",
    "Cargo.",
];

/// Where tests are trials with a sentence for a name.
const TRIALS: [&str; 2] = ["tests/privilege/", "tests/real_daemon/"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Texts in backticks, code blocks left out.
fn spans(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let lines = prose.flat_map(str::lines).filter(|line| !line.starts_with("    "));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// Of a span such as `tests/tidy.rs: a_test; another_test` the file and the names.
fn citation(span: &str) -> Option<(&str, Vec<&str>)> {
    if !FOLDERS.iter().any(|folder| span.starts_with(folder)) {
        return None;
    }
    let (file, names) = span.split_once(": ").unwrap_or((span, ""));
    Some((file, names.split("; ").filter(|name| !name.is_empty()).collect()))
}

/// Whether the file has a test function or a trial of that name.
fn has_test(file: &str, name: &str) -> bool {
    let text = read(file);
    if TRIALS.iter().any(|folder| file.starts_with(folder)) {
        return text.contains(&format!("\"{name}\""));
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let begins = format!("fn {name}(");
    let at = lines.iter().position(|line| line.starts_with(&begins));
    at.is_some_and(|at| lines[at.saturating_sub(4)..at].contains(&"#[test]"))
}

/// The cells of the table of claims: the claim, its code, its proofs.
fn claims(assurance: &str) -> Vec<[String; 3]> {
    let section = assurance.split("\n## ").find(|section| section.starts_with("Claims"));
    let rows = section.expect("a section of claims").lines();
    let cells = rows.filter_map(|line| {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        let cells: Vec<String> = cells.map(str::to_owned).collect();
        Some(cells.try_into().unwrap_or_else(|_| panic!("not three cells: {line}")))
    });
    // Without its head.
    cells.skip(1).collect()
}

/// The words in bold that begin the items of a section.
fn items(security: &str, heading: &str) -> BTreeSet<String> {
    let section = security.split("\n## ").find(|section| section.starts_with(heading));
    let items = section.unwrap_or_else(|| panic!("no section {heading}")).lines();
    let bold = items.filter_map(|line| line.strip_prefix("- **")?.split("**").next());
    bold.map(|words| words.trim_end_matches('.').to_owned()).collect()
}

#[test]
fn every_file_test_and_trial_that_is_named_exists() {
    let mut named = 0;
    for document in DOCUMENTS {
        let text = read(document);
        for (file, names) in spans(&text).into_iter().filter_map(citation) {
            assert!(root().join(file).exists(), "{document} names {file}, which is not there");
            for name in names {
                assert!(has_test(file, name), "{document}: {file} has no test {name}");
                named += 1;
            }
        }
    }
    assert!(named > 100, "only {named} tests are named");
}

#[test]
fn every_link_leads_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let own = root().join(document);
            let path = if file.is_empty() { own } else { own.with_file_name("").join(file) };
            assert!(path.exists(), "{document} links to {link}");
            let anchor = |line: &str| {
                line.trim_start_matches('#')
                    .trim()
                    .to_lowercase()
                    .replace(' ', "-")
                    .replace(',', "")
            };
            let target = if heading.is_empty() { String::new() } else { read(path) };
            let is_there =
                target.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(heading.is_empty() || is_there, "{document} links to {link}");
        }
    }
}

#[test]
fn every_claim_has_code_and_proofs() {
    for [claim, code, proofs] in claims(&read("docs/assurance.md")) {
        let cited = |cell: &str| spans(cell).into_iter().filter_map(citation).count();
        assert!(cited(&code) > 0, "no code behind: {claim}");
        let tests = spans(&proofs).into_iter().filter_map(citation);
        assert!(tests.map(|(_, names)| names.len()).sum::<usize>() > 0, "no test behind: {claim}");
    }
}

#[test]
fn what_security_says_is_defended_is_in_the_table() {
    let claims = claims(&read("docs/assurance.md"));
    let rows: BTreeSet<String> = claims
        .iter()
        .filter_map(|[claim, ..]| Some(claim.strip_prefix("**")?.split("**").next()?.to_owned()))
        .collect();
    let said = items(&read("SECURITY.md"), "What is defended");
    assert!(said.len() > 10, "{said:?}");
    assert_eq!(rows, said, "rows of docs/assurance.md, items of SECURITY.md");
}
