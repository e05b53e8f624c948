//! The walk through a body along its table: each object's keys are read in one way, each field is
//! asked what its line says, and what may not pass is written down.

mod values;

use super::engine::{Argument, EngineUse};
use super::existing;
use super::field::{Field, Object, Rule};
use super::finding::{Cause, Finding, Step};
use super::json::{self, Entry, Json, Keys};
use super::lookup::Question;
use super::rules::Rules;
use super::variable::Variable;

/// So many unknown fields are named.
const UNKNOWN_MAX: usize = 16;

/// More than so many unknown fields have no API description behind them, however new.
const UNKNOWN_FIELDS_MAX: usize = 1024;

/// A request that raises more questions than this is refused, so that no more are collected.
const QUESTIONS_KEPT_MAX: usize = 256;

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
    pub(super) path: Vec<Step>,
    /// The line of the field that is being judged.
    pub(super) opens: Option<Variable>,
    pub(super) reason: &'static str,
    /// How many unknown fields there were.
    unknown_fields: usize,
    /// Whether more was found than is kept.
    pub(super) is_overfull: bool,
}

impl<'r> Judge<'r> {
    /// A fresh examination.
    #[must_use]
    pub fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            examined: Examined::default(),
            path: Vec::new(),
            opens: None,
            reason: "",
            unknown_fields: 0,
            is_overfull: false,
        }
    }

    /// Whether what is left can't change what becomes of the request: it is refused, without a
    /// mount that could be left out.
    fn is_decided(&self) -> bool {
        self.is_overfull || self.examined.questions.len() > QUESTIONS_KEPT_MAX
    }

    /// Asks of a value what `rule` says.
    pub fn apply(&mut self, rule: &'static Rule, value: &Json<'_>) {
        if self.is_decided() {
            return;
        }
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
                    if self.is_decided() {
                        break;
                    }
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
            if self.is_decided() {
                return;
            }
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
        self.unknown_fields = self.unknown_fields.saturating_add(1);
        self.step(key_step(key), |judge| {
            judge.read_once(value, Keys::Folded);
            if judge.unknown_fields > UNKNOWN_FIELDS_MAX {
                judge.bad_text("", "is one of too many fields that no API description has");
            } else if judge.rules.is(Variable::UnknownFields, "deny") {
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
}
