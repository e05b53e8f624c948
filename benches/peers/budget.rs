//! The instruction budget: the file it stands in, and what is over it. Nothing here measures.

use std::fmt::Write as _;

/// By how much a count may exceed its budget, in percent of that.
pub const TOLERANCE_PERCENT: u64 = 3;

const HEADER: &str = "\
# User instructions of the gate for one unit of each workload, written by `make instructions UPDATE=1`.
# `make instructions` fails where a count is more than 3 % over its line here; docs/performance.md says
# what is counted. Counts depend on what the first lines name.
";

/// What a count depends on beside the code: a compiler, libraries, a kind of processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstance {
    pub name: &'static str,
    pub value: String,
}

/// How many instructions one unit of a workload takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub workload: &'static str,
    pub instructions: u64,
}

/// The budget file's content.
#[derive(Debug, PartialEq, Eq)]
pub struct Budget {
    /// What it was measured with, in the order of the file.
    pub circumstances: Vec<Circumstance>,
    /// A count for each workload, in the order of the workloads.
    pub counts: Vec<Count>,
}

/// How a count stands to its budget.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the tolerance, both ways.
    Kept,
    /// More than that over it.
    Exceeded,
    /// More than that below it: the budget can be lowered.
    Undercut,
}

impl Budget {
    /// Reads the file's text, lines of `name = value`, which has to name each circumstance and
    /// each workload once, and nothing else. An error says which line is wrong, or what is missing.
    pub fn parse(
        text: &str,
        circumstances: &[&'static str],
        workloads: &[&'static str],
    ) -> Result<Self, String> {
        let mut budget = Self { circumstances: Vec::new(), counts: Vec::new() };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            let (name, value) =
                line.split_once('=').ok_or(format!("line {number}: not `name = value`: {line}"))?;
            let (name, value) = (name.trim(), value.trim());
            if budget.has(name) {
                return Err(format!("line {number}: {name} stands there twice"));
            }
            if let Some(name) = circumstances.iter().find(|known| **known == name) {
                budget.circumstances.push(Circumstance { name, value: value.to_owned() });
            } else if let Some(workload) = workloads.iter().find(|known| **known == name) {
                let instructions = positive(value)
                    .ok_or(format!("line {number}: no number of instructions: {value}"))?;
                budget.counts.push(Count { workload, instructions });
            } else {
                return Err(format!("line {number}: there is no workload {name}"));
            }
        }
        match circumstances.iter().chain(workloads).find(|name| !budget.has(name)) {
            None => Ok(budget),
            Some(name) => Err(format!("there is no line for {name}")),
        }
    }

    /// Returns the file's text.
    pub fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for Circumstance { name, value } in &self.circumstances {
            let _ = writeln!(text, "{name} = {value}");
        }
        text.push('\n');
        for Count { workload, instructions } in &self.counts {
            let _ = writeln!(text, "{workload} = {instructions}");
        }
        text
    }

    /// Returns the budget of a workload, in instructions.
    pub fn of(&self, workload: &str) -> Option<u64> {
        let count = self.counts.iter().find(|count| count.workload == workload)?;
        Some(count.instructions)
    }

    /// Names each circumstance that is another now, with both values.
    pub fn differences(&self, now: &[Circumstance]) -> Vec<String> {
        let differs = |now: &Circumstance| {
            let then = self.circumstances.iter().find(|then| then.name == now.name)?;
            (then.value != now.value)
                .then(|| format!("{} {}, here {}", then.name, then.value, now.value))
        };
        now.iter().filter_map(differs).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.circumstances.iter().any(|known| known.name == name) || self.of(name).is_some()
    }
}

/// Holds a count against its budget; what is over or under it by just the tolerance is kept.
pub fn judge(instructions: u64, budget: u64) -> Verdict {
    let (counted, whole) = (instructions.saturating_mul(100), budget.saturating_mul(100));
    let margin = budget.saturating_mul(TOLERANCE_PERCENT);
    if counted > whole.saturating_add(margin) {
        Verdict::Exceeded
    } else if counted < whole.saturating_sub(margin) {
        Verdict::Undercut
    } else {
        Verdict::Kept
    }
}

/// A number above 0, of digits alone.
fn positive(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().ok())?.filter(|number| *number > 0)
}
