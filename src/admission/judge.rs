//! The walk through a body along its table: each object's keys are read in one way, each field is
//! asked what its line says, and what may not pass is written down.

use super::engine::{Argument, EngineUse};
use super::existing;
use super::field::{Field, Object, Rule};
use super::finding::{Cause, Finding, Step, shown};
use super::host_path::{self, Access};
use super::json::{self, Entry, Json, Keys};
use super::lookup::Question;
use super::rules::Rules;
use super::variable::Variable;
use std::collections::BTreeSet;

/// So many findings are kept; a body with more of them is refused all the same.
const FINDINGS_MAX: usize = 32;

/// So many unknown fields are named.
const UNKNOWN_MAX: usize = 16;

/// What is said of a value of another type than the daemon's.
pub const WRONG_TYPE: &str = "is a value of the wrong type";

/// What an examination has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// What may not pass.
    pub findings: Vec<Finding>,
    /// What the daemon must be asked.
    pub questions: Vec<Question>,
    /// Fields that no table knows and that pass.
    pub unknown: Vec<String>,
}

/// A key as a step: no more of it than is shown, since each finding has its path.
fn key_step(key: &str) -> Step {
    const KEY_CHARS_MAX: usize = 100;
    Step::Key(key.chars().take(KEY_CHARS_MAX).collect())
}

/// An examination under way.
#[derive(Debug)]
pub struct Judge<'r> {
    /// What arguments are held to.
    pub rules: &'r Rules,
    /// What has been found so far.
    pub examined: Examined,
    path: Vec<Step>,
    /// The line of the field that is being judged.
    opens: Option<Variable>,
    reason: &'static str,
}

impl<'r> Judge<'r> {
    /// A fresh examination.
    #[must_use]
    pub fn new(rules: &'r Rules) -> Self {
        Self { rules, examined: Examined::default(), path: Vec::new(), opens: None, reason: "" }
    }

    /// Asks of a value what `rule` says.
    pub fn apply(&mut self, rule: &'static Rule, value: &Json<'_>) {
        match (rule, value) {
            (Rule::By(decide), _) => decide(self, value),
            (_, Json::Null) => {}
            (Rule::Harmless, _) => self.read_once(value, Keys::Folded),
            (Rule::HarmlessMap, _) => self.read_once(value, Keys::Exact),
            (Rule::Object(object), Json::Object(entries)) => {
                self.object(object, entries);
                if let Some(then) = object.then {
                    then(self, value);
                }
            }
            (Rule::Each(rule), Json::List(values)) => {
                for (index, value) in values.iter().enumerate() {
                    self.step(Step::Index(index), |judge| judge.apply(rule, value));
                }
            }
            (Rule::Values(rule), Json::Object(_)) => {
                self.each_entry(value, |judge, _, value| judge.apply(rule, value));
            }
            (Rule::Off, Json::Bool(on)) => {
                if *on && !self.is_open("1") {
                    self.withhold("", "1");
                }
            }
            (Rule::Empty, _) => {
                if !value.is_empty() && !self.is_open("*") {
                    self.withhold("", "*");
                }
                self.read_once(value, Keys::Folded);
            }
            (Rule::Word(plain), Json::Text(text)) => self.word(text, plain),
            (Rule::Words(plain), _) => self.each_text(value, |judge, text| judge.word(text, plain)),
            (Rule::Keys(plain), Json::Object(_)) => {
                self.each_entry(value, |judge, key, value| {
                    judge.key(key, plain);
                    judge.read_once(value, Keys::Folded);
                });
            }
            (
                Rule::Object(_)
                | Rule::Each(_)
                | Rule::Values(_)
                | Rule::Off
                | Rule::Word(_)
                | Rule::Keys(_),
                _,
            ) => self.bad_value(value, WRONG_TYPE),
        }
    }

    /// Judges the fields of an object.
    fn object(&mut self, object: &'static Object, entries: &[Entry<'_>]) {
        // Clients send fields in the order of the daemon's structs, and so do the tables: the next
        // field is mostly one of the next lines. If each is, none is there twice.
        let mut at: (&'static [Field], usize) = (object.fields, 0);
        let mut is_in_order = true;
        for (key, value) in entries {
            let is_named = |field: &Field| json::is_named(key, field.name);
            let find = |fields: &'static [Field], from: usize| {
                let lines = fields.iter().enumerate().skip(from);
                lines.into_iter().find(|(_, field)| is_named(field)).map(|(line, _)| (fields, line))
            };
            let next = find(at.0, at.1);
            is_in_order &= next.is_some();
            let found = next
                .or_else(|| find(object.fields, 0))
                .or_else(|| object.embeds.iter().find_map(|other| find(other.fields, 0)));
            match found.and_then(|(fields, line)| Some((fields, line, fields.get(line)?))) {
                Some((fields, line, field)) => {
                    at = (fields, line.saturating_add(1));
                    self.field(field, value);
                }
                None => self.unknown(key, value),
            }
        }
        if !is_in_order && let Some(key) = json::repeated(entries, Keys::Folded) {
            self.repeated(key);
        }
    }

    /// Judges one field's value.
    pub fn field(&mut self, field: &'static Field, value: &Json<'_>) {
        if self.is_existing() && existing::is_exempt(field.name) {
            return;
        }
        let outer = (self.opens, self.reason);
        if field.opens.is_some() {
            (self.opens, self.reason) = (field.opens, field.reason);
        }
        self.step(Step::Field(field.name), |judge| judge.apply(&field.rule, value));
        (self.opens, self.reason) = outer;
    }

    /// Judges a whole body, whose line names no step.
    pub fn root(&mut self, field: &'static Field, value: &Json<'_>) {
        (self.opens, self.reason) = (field.opens, field.reason);
        self.apply(&field.rule, value);
    }

    /// Does something one step further on the way.
    pub fn step(&mut self, step: Step, then: impl FnOnce(&mut Self)) {
        self.path.push(step);
        then(self);
        self.path.pop();
    }

    /// Where the walk is.
    #[must_use]
    pub fn path(&self) -> &[Step] {
        &self.path
    }

    /// Does something at another place of the walk.
    pub fn at(&mut self, path: &[Step], then: impl FnOnce(&mut Self)) {
        let outer = core::mem::replace(&mut self.path, path.to_vec());
        then(self);
        self.path = outer;
    }

    /// Whether what is judged is a container, or a process in one, that exists.
    #[must_use]
    pub fn is_existing(&self) -> bool {
        matches!(self.path.first(), Some(Step::Container(_) | Step::Exec(_)))
    }

    /// Has an argument judged when the engine is known.
    pub fn ask_engine(&mut self, argument: Argument) {
        let used = EngineUse { path: self.path.clone(), argument };
        self.examined.questions.push(Question::Engine(used));
    }

    fn unknown(&mut self, key: &str, value: &Json<'_>) {
        // A newer daemon's fields are not the client's doing.
        if self.is_existing() {
            return;
        }
        self.step(key_step(key), |judge| {
            judge.read_once(value, Keys::Folded);
            if judge.rules.is(Variable::UnknownFields, "deny") {
                let needs = format!("{}=allow", Variable::UnknownFields);
                judge.find(
                    Cause::UnknownField,
                    "",
                    "is a field that no API description has",
                    needs,
                );
            } else if judge.examined.unknown.len() < UNKNOWN_MAX {
                let name = super::finding::field_name(judge.path());
                judge.examined.unknown.push(name);
            }
        });
    }

    /// Sees to it that a value nobody asks anything of has one reading.
    pub fn read_once(&mut self, value: &Json<'_>, keys: Keys) {
        match value {
            Json::Object(entries) => {
                if let Some(key) = json::repeated(entries, keys) {
                    self.repeated(key);
                }
                for (_, value) in entries {
                    self.read_once(value, Keys::Folded);
                }
            }
            Json::List(values) => {
                for value in values {
                    self.read_once(value, Keys::Folded);
                }
            }
            Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Number | Json::Text(_) => {}
        }
    }

    /// Does something with a text; null says nothing.
    pub fn text(&mut self, value: &Json<'_>, then: impl FnOnce(&mut Self, &str)) {
        match value {
            Json::Null => {}
            Json::Text(text) => then(self, text),
            Json::Bool(_) | Json::Integer(_) | Json::Number | Json::List(_) | Json::Object(_) => {
                self.bad_value(value, "is no text");
            }
        }
    }

    /// Does something with each text of a list, or with the one text that stands for it.
    pub fn each_text(&mut self, value: &Json<'_>, mut then: impl FnMut(&mut Self, &str)) {
        match value {
            Json::Null => {}
            Json::Text(text) => then(self, text),
            Json::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.step(Step::Index(index), |judge| match value {
                        Json::Text(text) => then(judge, text),
                        Json::Null => then(judge, ""),
                        Json::Bool(_)
                        | Json::Integer(_)
                        | Json::Number
                        | Json::List(_)
                        | Json::Object(_) => judge.bad_value(value, "is no text"),
                    });
                }
            }
            Json::Bool(_) | Json::Integer(_) | Json::Number | Json::Object(_) => {
                self.bad_value(value, "is no list of texts");
            }
        }
    }

    /// Does something with each entry of a map.
    pub fn each_entry(
        &mut self,
        value: &Json<'_>,
        mut then: impl FnMut(&mut Self, &str, &Json<'_>),
    ) {
        match value {
            Json::Null => {}
            Json::Object(entries) => {
                if let Some(key) = json::repeated(entries, Keys::Exact) {
                    self.repeated(key);
                }
                for (key, value) in entries {
                    self.step(key_step(key), |judge| then(judge, key, value));
                }
            }
            Json::Bool(_) | Json::Integer(_) | Json::Number | Json::Text(_) | Json::List(_) => {
                self.bad_value(value, "is no map");
            }
        }
    }

    fn word(&mut self, text: &str, plain: &[&str]) {
        if !text.is_empty() {
            self.key(text, plain);
        }
    }

    /// Unlike an empty word, an empty key says something; no list can name it.
    fn key(&mut self, key: &str, plain: &[&str]) {
        let item = if key.is_empty() { "*" } else { key };
        if !plain.contains(&key) && !self.is_open(item) {
            self.withhold(key, item);
        }
    }

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
        let needs = format!("{variable}={}", shown(item));
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

    fn repeated(&mut self, key: &str) {
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
                finding.is_mount = !is_existing;
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
        let item = if is_read_only { format!("{cleaned}:ro") } else { cleaned.clone() };
        match host_path::access(&cleaned, self.rules.prefixes(), self.rules.guarded()) {
            Access::Write => {}
            Access::Read if is_read_only => {}
            Access::Read => {
                self.withhold_for(Variable::BindMounts, path, &item, only_read);
            }
            Access::None => {
                self.withhold_for(Variable::BindMounts, path, &item, reason);
            }
        }
    }
}
