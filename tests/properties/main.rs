//! What was once invented by a fuzzer and worth keeping, and what clients and their attackers send,
//! through the same properties (`mod.rs`) on every run of the tests.

#[path = "../model/escapes.rs"]
mod escapes;
mod kept;
mod near_heads;
#[path = "mod.rs"]
mod properties;
mod seeds;

use properties::ALL;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the folder in which a fuzzer's inputs are, one folder for each property.
const CORPUS: &str = "DOCKGATE_FUZZ_CORPUS";

#[test]
fn what_was_kept_still_holds() {
    for property in ALL {
        let inputs = kept::read(property.name);
        let of_use = replay(&inputs, &property);
        assert!(inputs.len() >= 20, "{}: only {} are kept", property.name, inputs.len());
        assert!(of_use >= 5, "{}: only {of_use} are of use", property.name);
    }
}

#[test]
fn what_clients_and_attackers_send_holds() {
    for property in ALL {
        let inputs = seeds::of(property.name);
        let of_use = replay(&inputs, &property);
        assert!(inputs.len() >= 10, "{}: only {} seeds", property.name, inputs.len());
        assert!(of_use * 4 >= inputs.len(), "{}: only {of_use} are of use", property.name);
    }
}

#[test]
fn every_operation_is_found_in_its_plainest_form() {
    let mut count = 0;
    for line in seeds::operations() {
        assert!(properties::check("target", line.as_bytes()), "{line}");
        count += 1;
    }
    assert!(count > 120, "only {count} operations");
}

#[test]
fn bytes_survive_being_kept() {
    let all: Vec<u8> = (0..=255).collect();
    let text = kept::written(&[all.clone(), b"\\r \\\\".to_vec(), Vec::new()]);
    assert!(text.is_ascii());
    assert_eq!(kept::parsed(&text), [all, b"\\r \\\\".to_vec(), Vec::new()]);
}

/// How many of the inputs were of use.
fn replay(inputs: &[Vec<u8>], property: &properties::Property) -> usize {
    let holds = |input: &&Vec<u8>| {
        let _shown = Shown(property.name, input);
        (property.holds)(input)
    };
    inputs.iter().filter(holds).count()
}

/// Says which input it was, where something does not hold.
struct Shown<'i>(&'static str, &'i [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {}", self.0, self.1.escape_ascii());
        }
    }
}

/// Writes the seeds where a fuzzer looks for them.
#[test]
#[ignore = "a step of scripts/fuzz.sh"]
fn seeds_are_written() {
    for property in ALL {
        let folder = corpus().join(property.name);
        fs::create_dir_all(&folder).expect("a folder");
        let inputs = seeds::of(property.name).into_iter().chain(kept::read(property.name));
        for (index, input) in inputs.enumerate() {
            fs::write(folder.join(format!("seed-{index:04}")), input).expect("written");
        }
        assert!(folder.read_dir().expect("a folder").count() >= 10);
    }
}

/// Keeps some of what a fuzzer has come to, and all that has been kept for good.
#[test]
#[ignore = "a step of scripts/fuzz.sh keep"]
fn inputs_are_kept() {
    for property in ALL {
        let folder = corpus().join(property.name);
        let files = folder.read_dir().expect("a folder").map(|file| file.expect("a file").path());
        let inputs: Vec<Vec<u8>> =
            files.map(|file: PathBuf| fs::read(file).expect("an input")).collect();
        assert!(!inputs.is_empty(), "{}: nothing to keep", property.name);
        // Seeds are tried anyway.
        let seeds = seeds::of(property.name);
        let invented = inputs.into_iter().filter(|input| !seeds.contains(input)).collect();
        kept::write(property.name, invented);
    }
}

fn corpus() -> PathBuf {
    let folder = env::var_os(CORPUS).expect(CORPUS);
    Path::new(&folder).to_owned()
}
