//! The structure, kept by a test: storeys use only what is below them, the pure ones touch no
//! I/O and no clock, every file says what it is for, and none outgrows one thought; and
//! that documents name what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// From the bottom up: a module may use those before it.
const STOREYS: [&str; 8] =
    ["http", "api", "admission", "policy", "observe", "runtime", "proxy", "process"];

/// The storeys that judge.
const PURE: [&str; 4] = ["http", "api", "admission", "policy"];

/// What a pure storey must not name.
const IMPURE: [&str; 18] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time",
    "Instant",
    "SystemTime",
    "nix::",
    "socket2",
    "crate::runtime",
    "tokio",
    "tracing",
    "println!",
    "eprintln!",
    "unsafe ",
];

/// Lines of a file, its tests not counted.
const LINES_MAX: usize = 400;

struct Source {
    /// Path below src.
    name: String,
    text: String,
}

impl Source {
    fn storey(&self) -> Option<&str> {
        self.name.split_once('/').map(|(storey, _)| storey)
    }

    /// The code without its tests and comments.
    fn code(&self) -> String {
        without_comments(self.text.split("#[cfg(test)]").next().unwrap_or_default())
    }

    /// How often the keyword stands here, in tests as well.
    fn unsafe_places(&self) -> usize {
        let code = without_comments(&self.text);
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.filter(|word| *word == "unsafe").count()
    }
}

fn without_comments(code: &str) -> String {
    let lines: Vec<&str> =
        code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    lines.join("\n")
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("src can be read");
        let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("below src").display().to_string();
                found.push(Source { name, text: fs::read_to_string(&path).expect("a text") });
            }
        }
    }
    assert!(found.len() > 30, "only {} files found", found.len());
    found
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "{} has no module comment", source.name);
    }
}

#[test]
fn storeys_use_only_what_is_below_them() {
    for source in sources() {
        let Some(own) = source.storey() else { continue };
        let height = |name: &str| STOREYS.iter().position(|storey| *storey == name);
        let own = height(own).unwrap_or_else(|| panic!("{} is in no storey", source.name));
        for used in source.code().split("crate::").skip(1) {
            let used: String =
                used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let used_height =
                height(&used).unwrap_or_else(|| panic!("{} uses crate::{used}", source.name));
            assert!(used_height <= own, "{} looks up to {used}", source.name);
        }
        assert!(!source.code().contains("super::super"), "{} climbs by super::super", source.name);
    }
}

#[test]
fn the_judging_storeys_touch_no_io_and_no_clock() {
    for source in sources() {
        if !source.storey().is_some_and(|storey| PURE.contains(&storey)) {
            continue;
        }
        for word in IMPURE {
            assert!(!source.code().contains(word), "{} names {word}", source.name);
        }
    }
    for storey in PURE {
        let root = sources().into_iter().find(|source| source.name == format!("{storey}/mod.rs"));
        let root = root.unwrap_or_else(|| panic!("{storey} has a mod.rs"));
        assert!(root.text.contains("#![forbid(unsafe_code)]"), "{storey} forbids unsafe code");
    }
}

/// Where the time of day is read: what is told of a start, and a line's time.
const TIME_OF_DAY: [&str; 4] =
    ["observe/audit.rs", "observe/audit/line.rs", "observe/audit/time.rs", "observe/vitals.rs"];

/// The time of day jumps: it may be told, and nothing may depend on it.
#[test]
fn deadlines_and_waits_know_nothing_of_the_time_of_day() {
    for source in sources() {
        let code = source.code();
        let reads = ["SystemTime", "UNIX_EPOCH", "CLOCK_REALTIME", "ClockId::CLOCK_REALTIME"];
        let reads = reads.iter().any(|word| code.contains(word));
        assert_eq!(reads, TIME_OF_DAY.contains(&source.name.as_str()), "{}", source.name);
    }
    let sleeps = sources().into_iter().find(|source| source.name == "runtime/sleep.rs");
    let sleeps = sleeps.expect("what waits").code();
    assert!(sleeps.contains("CLOCK_MONOTONIC"), "waits are on the clock that does not jump");
}

#[test]
fn unsafe_stands_only_where_it_is_known_and_explained() {
    let inventory = Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md");
    let inventory = fs::read_to_string(inventory).expect("a text");
    // | `src/FILE` | COUNT | what it does | why it is sound |
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `src/")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?.to_owned();
        let count = cells.next()?.parse::<usize>().ok()?;
        let is_explained = cells.filter(|cell| cell.len() > 10).count() == 2;
        is_explained.then_some((name, count))
    };
    let known: BTreeMap<String, usize> = inventory.lines().filter_map(row).collect();
    let mut found = BTreeMap::new();
    for source in sources() {
        let places = source.unsafe_places();
        if places > 0 {
            assert_eq!(places, source.text.matches("// SAFETY:").count(), "{}", source.name);
            found.insert(source.name, places);
        }
    }
    assert_eq!(found, known, "what is there, and what SECURITY.md tells of");
}

#[test]
fn security_names_every_crate_beneath() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--prefix=none", "--edges=normal,no-proc-macro"])
        .arg("--target=x86_64-unknown-linux-gnu")
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("text");
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let beneath: BTreeSet<&str> = names.filter(|&name| name != "dockgate").collect();

    let text = fs::read_to_string(root.join("SECURITY.md")).expect("a text").replace('\n', " ");
    let (_, said) = text.split_once("Beneath are ").expect("the paragraph");
    let (_, lists) = said.split_once("by grep: ").expect("those with unsafe code");
    let (with_unsafe, rest) = lists.split_once(". None: ").expect("those without");
    let (without, _) = rest.split_once(". ").expect("an end");
    let [with_unsafe, without] = [with_unsafe, without].map(|names| names.split(", "));
    let counts = format!("{} of the {} have", with_unsafe.clone().count(), beneath.len());
    assert!(said.contains(&counts), "{counts}");
    assert!(said.starts_with(&format!("{} crates", beneath.len())));
    assert_eq!(with_unsafe.chain(without).collect::<BTreeSet<_>>(), beneath);
}

#[test]
fn no_file_outgrows_one_thought() {
    for source in sources() {
        let lines = source.code().lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", source.name);
    }
}

#[test]
fn the_readme_has_every_variable() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("a text");
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `")).collect();
    let policy = dockgate::policy::Variable::ALL.iter().map(|variable| variable.name());
    let admission = dockgate::admission::Variable::ALL.iter().map(|variable| variable.name());
    let process = dockgate::process::environment::SETTINGS.iter().map(|setting| setting.name);
    for name in policy.chain(admission).chain(process) {
        let cell = format!("`{name}`");
        let has = |row: &&str| row.split(" | ").next().is_some_and(|names| names.contains(&cell));
        assert_eq!(rows.iter().filter(|row| has(row)).count(), 1, "{name}");
    }
}
