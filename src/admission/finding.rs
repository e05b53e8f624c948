//! What the examination of a request's arguments finds: where, what, why, and what would open it.

use super::json::JsonError;
use super::variable::Variable;
use core::fmt;
use std::fmt::Write as _;

/// A client's text is shown no longer than this, in characters.
const SHOWN_MAX: usize = 80;

/// A message tells so many findings; more than that are counted.
const TOLD_MAX: usize = 4;

/// The rule that an argument breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This variable would have to allow it.
    Withheld(Variable),
    /// This variable asks for something that is not there.
    Required(Variable),
    /// No variable opens it.
    Closed,
    /// The body can't be read in one way.
    Json(JsonError),
    /// A key is there twice, or two keys are one to the daemon.
    RepeatedKey,
    /// An examined field has a value of another type than the daemon's, or one that means nothing.
    BadValue,
    /// The field is in no table, and `UNKNOWN_FIELDS=deny`.
    UnknownField,
    /// The query has a `;`, a bad escape or an examined key twice.
    Query,
    /// What the request names does not exist.
    Missing,
    /// The daemon did not say what was asked about it.
    Unanswered,
    /// The daemon did not say which container it is.
    Unresolved,
    /// It triggers a published weakness of the engine (`shield.rs`).
    Shield,
}

impl Cause {
    /// The rule's name, the same word in log, message and test.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Withheld(variable) | Self::Required(variable) => variable.word(),
            Self::Closed => "closed-argument",
            Self::Json(JsonError::NotOneValue) => "not-one-json-value",
            Self::Json(JsonError::TooManyValues) => "too-many-json-values",
            Self::RepeatedKey => "repeated-key",
            Self::BadValue => "bad-value",
            Self::UnknownField => "unknown-field",
            Self::Query => "bad-query",
            Self::Missing => "missing",
            Self::Unanswered | Self::Unresolved => "unanswered",
            Self::Shield => "engine-weakness",
        }
    }

    /// Whether it holds whatever `ADMISSION` says: the gate's own container is no client's, a
    /// container that was not found can't be told from it, and a weakness of the engine is nobody's
    /// wish.
    #[must_use]
    pub const fn is_unconditional(self) -> bool {
        matches!(
            self,
            Self::Withheld(Variable::Gate) | Self::Missing | Self::Unresolved | Self::Shield
        )
    }

    /// The status code that answers it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Withheld(_)
            | Self::Required(_)
            | Self::Closed
            | Self::UnknownField
            | Self::Shield => 403,
            Self::Json(_) | Self::RepeatedKey | Self::BadValue | Self::Query => 400,
            Self::Missing => 404,
            Self::Unanswered | Self::Unresolved => 502,
        }
    }
}

/// A step on the way to a value inside a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A struct's field, by the daemon's name for it.
    Field(&'static str),
    /// A map's key, or a field that is in no table.
    Key(String),
    /// A list's element.
    Index(usize),
    /// A container that exists, by the reference that led to it: what follows is its own.
    Container(String),
    /// A process that was created in a container, by its id.
    Exec(String),
}

/// One argument that may not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it is: the steps from the body's root. Empty for the body itself.
    pub path: Vec<Step>,
    /// The offending value, fit to be shown; empty where it could be a secret or says nothing.
    pub value: String,
    /// The rule.
    pub cause: Cause,
    /// What a client would gain.
    pub reason: &'static str,
    /// What to set, such as `ALLOW_CAPABILITIES=NET_ADMIN`; empty where nothing helps.
    pub needs: String,
    /// Whether it is a mount that could be left out.
    pub is_mount: bool,
}

impl Finding {
    /// A finding about the body or the request as such.
    #[must_use]
    pub fn of(cause: Cause, reason: &'static str) -> Self {
        Self {
            path: Vec::new(),
            value: String::new(),
            cause,
            reason,
            needs: String::new(),
            is_mount: false,
        }
    }

    /// Makes it one about a container that exists: not the client's mistake, but something that
    /// `ALLOW_EXISTING` opens too, unless that is on already.
    pub(super) fn is_of_existing(&mut self, is_open: bool) {
        if self.cause.status() == 400 {
            self.cause = Cause::Withheld(Variable::Existing);
        }
        if !is_open {
            let or = if self.needs.is_empty() { "" } else { " or " };
            let _ = write!(self.needs, "{or}{}=1", Variable::Existing);
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the daemon says itself of what is not there.
        if self.cause == Cause::Missing {
            return f.write_str(&self.value);
        }
        if !self.path.is_empty() {
            let name = field_name(&self.path);
            f.write_str(&name)?;
            if !name.ends_with(' ') {
                f.write_char(' ')?;
            }
        }
        if !self.value.is_empty() {
            write!(f, "\"{}\" ", self.value)?;
        }
        f.write_str(self.reason)?;
        if !self.needs.is_empty() {
            write!(f, ": needs {}", self.needs)?;
        }
        Ok(())
    }
}

/// A path as people write it: `HostConfig.Binds[0]`.
#[must_use]
pub fn field_name(path: &[Step]) -> String {
    let mut name = String::new();
    for step in path {
        match step {
            Step::Field(field) => push_field(&mut name, field),
            Step::Key(key) if key.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                push_field(&mut name, &shown(key));
            }
            // A String takes whatever is written to it.
            Step::Key(key) if name.is_empty() => name.push_str(&shown(key)),
            Step::Key(key) => {
                let _ = write!(name, "[\"{}\"]", shown(key));
            }
            Step::Index(index) => {
                let _ = write!(name, "[{index}]");
            }
            Step::Container(reference) => {
                let _ = write!(name, "container \"{}\": ", shown(reference));
            }
            Step::Exec(id) => {
                let _ = write!(name, "exec \"{}\": ", shown(id));
            }
        }
    }
    name
}

fn push_field(name: &mut String, field: &str) {
    if !name.is_empty() && !name.ends_with(' ') {
        name.push('.');
    }
    name.push_str(field);
}

/// A client's text, fit to be shown anywhere: ASCII without control characters, bounded.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_default).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Why a request's arguments are refused: at least one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    first: Finding,
    more: Vec<Finding>,
}

impl Findings {
    /// All findings of an examination; `None` if there are none. Those that the client can only
    /// mend itself come first.
    #[must_use]
    pub fn of(mut findings: Vec<Finding>) -> Option<Self> {
        findings.sort_by_key(|finding| finding.cause.status());
        let mut findings = findings.into_iter();
        findings.next().map(|first| Self { first, more: findings.collect() })
    }

    /// The one that decides the answer.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.first.cause
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        core::iter::once(&self.first).chain(&self.more)
    }
}

impl From<Finding> for Findings {
    fn from(first: Finding) -> Self {
        Self { first, more: Vec::new() }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.iter().take(TOLD_MAX).enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            finding.fmt(f)?;
        }
        match self.more.len().saturating_add(1).saturating_sub(TOLD_MAX) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_where_what_why_and_what_helps() {
        let finding = Finding {
            path: vec![Step::Field("HostConfig"), Step::Field("Binds"), Step::Index(0)],
            value: shown("/etc:/\u{1b}[31m"),
            cause: Cause::Withheld(Variable::BindMounts),
            reason: "mounts a path of the host",
            needs: "ALLOW_BIND_MOUNTS=/etc".to_owned(),
            is_mount: true,
        };
        assert_eq!(
            finding.to_string(),
            "HostConfig.Binds[0] \"/etc:/\\u{1b}[31m\" mounts a path of the host: needs ALLOW_BIND_MOUNTS=/etc"
        );
        assert_eq!(finding.cause.name(), "bind-mounts");
    }

    #[test]
    fn a_path_is_told_as_people_write_it() {
        let key = |key: &str| Step::Key(key.to_owned());
        for (path, expected) in [
            (vec![], ""),
            (vec![key("a")], "a"),
            (vec![key("a b")], "a b"),
            (vec![Step::Field("Labels"), key("a.b")], "Labels[\"a.b\"]"),
            (vec![Step::Field("Ports"), key("80"), Step::Index(1)], "Ports.80[1]"),
        ] {
            assert_eq!(field_name(&path), expected);
        }
    }

    #[test]
    fn many_findings_are_counted() {
        let one = Finding {
            path: Vec::new(),
            value: String::new(),
            cause: Cause::Closed,
            reason: "is closed",
            needs: String::new(),
            is_mount: false,
        };
        let bad = Finding { cause: Cause::BadValue, reason: "is bad", ..one.clone() };
        let findings = Findings::of(vec![one.clone(), one.clone(), one.clone(), one, bad]);
        let findings = findings.expect("some");
        assert_eq!(findings.cause(), Cause::BadValue);
        assert_eq!(findings.to_string(), "is bad; is closed; is closed; is closed; and 1 more");
    }
}
