//! What the configuration opens, in one line for the log.

use super::config::Config;
use crate::admission::{self, Mode, Shield, shield};
use crate::api::Operation;
use crate::policy::variable::{Role, Settings};
use crate::policy::{Policy, Variable, Verdict};
use std::fmt::Write as _;

/// Everything that is open, by the variables that open it, and what is not as it is by default.
#[must_use]
pub fn of(config: &Config) -> String {
    let mut text = names(|variable| {
        matches!(variable.role(), Role::Opens(_)) && config.policy.is_on(variable)
    });
    if text.is_empty() {
        text.push_str("no part of the API");
    }
    let methods = names(|variable| writes(config.policy, variable));
    // A String takes whatever is written to it.
    let _ = match methods.as_str() {
        "" => write!(text, " (read only)"),
        methods => write!(text, " (also {methods})"),
    };
    let granted = names(|variable| {
        matches!(variable.role(), Role::Grants(_)) && config.policy.is_on(variable)
    });
    let withheld = names(|variable| {
        matches!(variable.role(), Role::Withholds(_)) && config.policy.get(variable) == Some(false)
    });
    let arguments = admission::Variable::ALL
        .iter()
        .filter(|&&variable| config.rules.text(variable) != variable.default())
        .map(|&variable| format!("{variable}={}", config.rules.text(variable)));
    let arguments = arguments.collect::<Vec<_>>().join(" ");
    for (words, names) in
        [("in any case", granted), ("withheld", withheld), ("arguments", arguments)]
    {
        if !names.is_empty() {
            let _ = write!(text, "; {words}: {names}");
        }
    }
    text
}

/// The published weaknesses that requests are refused for, of those that what is open could
/// trigger; `None` where there are none.
#[must_use]
pub fn shields(config: &Config) -> Option<String> {
    let policy = Policy::new(config.policy, config.api_version_min, config.rules.clone());
    let is_open = |&operation: &Operation| policy.verdict(operation) == Verdict::Allowed;
    let is_off = config.rules.mode() == Mode::Off;
    let names: Vec<&str> = shield::standing(&config.rules, None)
        .filter(|shield| shield.looks.is_outside() || !is_off)
        .filter(|shield| shield.operations.iter().any(is_open))
        .map(Shield::name)
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "refused unless the engine is known to have the fix (ENGINE_FIXED): what triggers {}",
            names.join(", ")
        )
    })
}

/// Whether it lets writes pass, set or by way of POST.
fn writes(settings: Settings, variable: Variable) -> bool {
    match variable.role() {
        Role::Writes => settings.is_on(variable),
        Role::WritesBy(_) => {
            settings.get(variable).unwrap_or_else(|| settings.is_on(Variable::Post))
        }
        Role::Opens(_) | Role::Grants(_) | Role::Withholds(_) => false,
    }
}

fn names(is_meant: impl Fn(Variable) -> bool) -> String {
    let meant = Variable::ALL.iter().filter(|&&variable| is_meant(variable));
    meant.map(|variable| variable.name()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_is_open() {
        for (variables, line) in [
            (&[][..], "EVENTS PING VERSION (read only)"),
            (&[("EVENTS", "0"), ("PING", "0"), ("VERSION", "0")], "no part of the API (read only)"),
            (
                &[("CONTAINERS", "1"), ("POST", "1"), ("DELETE", "0"), ("ALLOW_LOGS", "0")],
                "EVENTS PING VERSION CONTAINERS (also POST PUT); withheld: ALLOW_LOGS",
            ),
            (
                &[("ALLOW_START", "1"), ("ALLOW_BIND_MOUNTS", "/srv"), ("MAX_PIDS", "9")],
                "EVENTS PING VERSION (read only); in any case: ALLOW_START; \
                 arguments: ALLOW_BIND_MOUNTS=/srv MAX_PIDS=9",
            ),
        ] {
            let variables = variables.iter().map(|&(name, value)| (name.into(), value.into()));
            assert_eq!(of(&Config::read(variables).expect("usable")), line);
        }
    }
}
