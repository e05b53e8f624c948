//! What `--help` and `policy` print, both made from the tables that the gate itself runs on.

use super::config::Config;
use super::environment::SETTINGS;
use crate::admission::{self, variable::Kind};
use crate::api::Operation;
use crate::policy::{Policy, Reason, Variable, Verdict, refusal};
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
dockgate stands in front of the Docker socket and lets through what its environment allows.

Usage:
  dockgate             serve
  dockgate policy      print every operation, whether it is allowed, and the variable that decides
  dockgate check METHOD TARGET [--body FILE]
                       print what the gate would do with a request, and why; FILE may be - (standard
                       input); exit status 0: allowed, 1: refused, 2: wrong usage, 78: an unusable
                       environment
  dockgate healthcheck ask the gate that runs with this environment; exit status 0: it answers, and the
                       daemon behind it; 1: the line says why not
  dockgate --help      print this
  dockgate --version   print the version

What is allowed (0 or 1; also true/false, yes/no, on/off):
";

/// The help, with every variable and its default.
#[must_use]
pub fn help() -> String {
    let mut text = INTRODUCTION.to_owned();
    for variable in Variable::ALL {
        let default = match variable.default() {
            Some(true) => "1",
            Some(false) => "0",
            None => "unset",
        };
        line(&mut text, variable.name(), default, variable.meaning());
    }
    text.push_str(
        "\nWhich arguments of it may pass (lists are separated by commas, * is everything):\n",
    );
    for variable in admission::Variable::ALL {
        let default = match (variable.default(), variable.kind()) {
            ("", Kind::Ports) => "any",
            ("", Kind::Bytes | Kind::Processors | Kind::Count) => "unset",
            ("", _) if *variable == admission::Variable::Registries => "any",
            ("", _) => "none",
            (default, _) => default,
        };
        line(&mut text, variable.name(), default, variable.meaning());
    }
    text.push_str("\nHow it runs:\n");
    for setting in SETTINGS {
        line(&mut text, setting.name, setting.default, setting.meaning);
    }
    text
}

fn line(text: &mut String, name: &str, default: &str, meaning: &str) {
    // A String takes whatever is written to it.
    let _ = writeln!(text, "  {name:<26} {meaning} (default: {default})");
}

/// Every operation and what the configuration makes of it.
#[must_use]
pub fn policy(config: &Config) -> String {
    let policy = Policy::new(config.policy, config.api_version_min, config.rules.clone());
    let mut text = String::new();
    for line in Operation::TABLE {
        let verdict = match policy.verdict(line.operation) {
            Verdict::Allowed => format!("allowed  {}", decided_by(config, line.operation)),
            Verdict::Withheld(missing) => {
                format!("refused  {}", refusal::needs(missing, line.operation))
            }
            Verdict::Closed => format!("refused  {}", Reason::Closed),
        };
        let _ = writeln!(
            text,
            "{:<24} {:<6} {:<48} {verdict}",
            line.id,
            line.method.as_str(),
            line.template
        );
    }
    text.push_str("\nArguments of what is allowed:\n");
    for &variable in admission::Variable::ALL {
        let _ = writeln!(text, "{}={}", variable, config.rules.text(variable));
    }
    text
}

/// The variables that allow it.
fn decided_by(config: &Config, operation: Operation) -> String {
    use crate::policy::table::deciding;
    let names: Vec<String> =
        deciding(operation, config.policy).iter().map(|variable| format!("{variable}=1")).collect();
    names.join(" ")
}
