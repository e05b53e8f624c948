//! What an examination writes down: what is withheld, refused or asked for, each with where it stands,
//! why, and what would open it.

use super::finding::{Cause, Finding, shown};
use super::host_path::{self, Access};
use super::json::Json;
use super::judge::{Examined, Judge};
use super::spelling;
use super::variable::Variable;
use std::collections::BTreeSet;

/// So many findings are kept; a body with more of them is refused all the same.
const FINDINGS_MAX: usize = 32;

impl Examined {
    /// Whether all of what was examined has been read as the daemon reads it.
    #[must_use]
    pub fn is_read_whole(&self) -> bool {
        let is_unread = |finding: &Finding| matches!(finding.cause, Cause::Json(_) | Cause::Query);
        self.findings.len() < FINDINGS_MAX && !self.findings.iter().any(is_unread)
    }
}

impl Judge<'_> {
    /// Whether the field's variable allows that item.
    #[must_use]
    pub fn is_open(&self, item: &str) -> bool {
        self.opens.is_some_and(|variable| {
            self.rules.is_on(variable) || self.rules.list(variable).has(item)
        })
    }

    /// Withholds the field's value; the variable would have to list `item`.
    pub fn withhold(&mut self, value: &str, item: &str) {
        match self.opens {
            Some(variable) => self.withhold_for(variable, value, item, self.reason),
            None => self.find(Cause::Closed, value, self.reason, String::new()),
        }
    }

    /// Withholds the value for another variable than the field's own.
    pub fn withhold_for(
        &mut self,
        variable: Variable,
        value: &str,
        item: &str,
        reason: &'static str,
    ) {
        self.withhold_written(variable, value, &spelling::written(item), reason);
    }

    /// The same, the item being written as a list takes it.
    pub fn withhold_written(
        &mut self,
        variable: Variable,
        value: &str,
        item: &str,
        reason: &'static str,
    ) {
        let needs = format!("{variable}={item}");
        self.find(Cause::Withheld(variable), value, reason, needs);
    }

    /// Withholds what no variable opens.
    pub fn close(&mut self, value: &str, reason: &'static str) {
        self.find(Cause::Closed, value, reason, String::new());
    }

    /// Refuses a value that means nothing to the daemon, or more than one thing.
    pub fn bad_value(&mut self, value: &Json<'_>, reason: &'static str) {
        let shown = match value {
            Json::Text(text) => return self.bad_text(text, reason),
            Json::Null => "null".to_owned(),
            Json::Bool(on) => on.to_string(),
            Json::Integer(number) => number.to_string(),
            Json::Number => "a number".to_owned(),
            Json::List(_) => "[...]".to_owned(),
            Json::Object(_) => "{...}".to_owned(),
        };
        self.bad_text(&shown, reason);
    }

    /// The same of a text, or of a part of one; empty where it could be a secret.
    pub fn bad_text(&mut self, text: &str, reason: &'static str) {
        self.find(Cause::BadValue, text, reason, String::new());
    }

    /// Says that something is missing; `reason` names the variable.
    pub fn require(&mut self, variable: Variable, reason: &'static str) {
        self.find(Cause::Required(variable), "", reason, String::new());
    }

    /// Refuses a key that is there twice.
    pub fn repeated(&mut self, key: &str) {
        self.find(Cause::RepeatedKey, key, "is there more than once, as a key", String::new());
    }

    /// Writes a finding down.
    pub fn find(&mut self, cause: Cause, value: &str, reason: &'static str, needs: String) {
        if self.examined.findings.len() < FINDINGS_MAX {
            let mut finding = Finding {
                path: self.path.clone(),
                value: shown(value),
                needs,
                ..Finding::of(cause, reason)
            };
            if self.is_existing() {
                finding.is_of_existing(self.rules.is_on(Variable::Existing));
            }
            self.examined.findings.push(finding);
        } else {
            self.is_overfull = true;
            for finding in &mut self.examined.findings {
                finding.is_mount = false;
            }
        }
    }

    /// Keeps one of the findings that the same setting cures.
    pub fn merge_findings(&mut self) {
        let mut seen = BTreeSet::new();
        self.examined
            .findings
            .retain(|found| found.needs.is_empty() || seen.insert(found.needs.clone()));
    }

    /// Marks what has been found since `before` findings as a mount that could be left out.
    pub fn mark_mounts(&mut self, before: usize) {
        let is_existing = self.is_existing();
        for finding in self.examined.findings.iter_mut().skip(before) {
            if finding.cause == Cause::Withheld(Variable::BindMounts) {
                finding.is_mount = !is_existing && !self.is_overfull;
            }
        }
    }

    /// Judges the use of a path of the host.
    pub fn host_path(&mut self, path: &str, is_read_only: bool) {
        let only_read = "is a path of the host that may only be mounted read-only";
        self.host_path_because(path, is_read_only, only_read);
    }

    /// The same with the reason why one that may be read may not be used so.
    pub fn host_path_because(&mut self, path: &str, is_read_only: bool, only_read: &'static str) {
        let (sockets, own) = (&self.rules.sockets, self.rules.own.paths());
        let reason = host_path::reason(&host_path::clean(path), sockets, own);
        let reason = match reason {
            host_path::WRITES_ROOTS_OWN if is_read_only => {
                "is a path of the host with what its root runs or obeys"
            }
            reason => reason,
        };
        self.host_path_with(path, is_read_only, only_read, reason);
    }

    /// The same with the reason why one may not be used at all, too.
    pub fn host_path_with(
        &mut self,
        path: &str,
        is_read_only: bool,
        only_read: &'static str,
        reason: &'static str,
    ) {
        let cleaned = host_path::clean(path);
        let written = spelling::written_path(&cleaned);
        let item = if is_read_only { format!("{written}:ro") } else { written };
        match host_path::access(&cleaned, self.rules.prefixes(), self.rules.guarded()) {
            Access::Write => {}
            Access::Read if is_read_only => {}
            Access::Read => {
                self.withhold_written(Variable::BindMounts, path, &item, only_read);
            }
            Access::None => {
                self.withhold_written(Variable::BindMounts, path, &item, reason);
            }
        }
    }
}
