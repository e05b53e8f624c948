//! Why a request is refused, in words that say what to set.

use super::parameter::Parameter;
use super::variable::{Role, Variable, VariableSet};
use crate::admission::{Cause, Finding, Findings};
use crate::api::{ApiVersion, Operation, Unclassified};
use core::fmt;

/// The rule that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is no operation.
    Unclassified(Unclassified),
    /// These variables would have to be on.
    Withheld(VariableSet),
    /// No variable opens it.
    Closed,
    /// A web page, this one, had a browser send it.
    Origin(String),
    /// It was sent to a name that is not known to be the gate's.
    Host(String),
    /// It asks for what a variable withholds, although the operation as such is open.
    Parameter(Parameter),
    /// Its path is not clean: it is to be asked for here instead, as the daemon would say.
    Moved(Box<[u8]>),
    /// It names an API version that is too old.
    OldVersion(OldVersion),
    /// Its body is a form.
    Form,
    /// It has a body and must not.
    UnexpectedBody,
    /// Its body is longer than may be collected, in bytes.
    BodyTooLong(usize),
    /// Its arguments are refused.
    Arguments(Box<Findings>),
    /// It changes something, and there is no room for its record.
    Unrecorded,
}

/// An API version below the oldest that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldVersion {
    /// What was asked for.
    pub asked: ApiVersion,
    /// The oldest.
    pub oldest: ApiVersion,
}

impl OldVersion {
    /// Whether clients of that version are told in plain text: errors are JSON since 1.24 (moby
    /// `daemon/server/server.go`).
    #[must_use]
    pub fn is_told_plainly(self) -> bool {
        self.asked < ApiVersion { major: 1, minor: 24 }
    }
}

/// A refusal: the rule and the operation, where it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refusal {
    /// The rule.
    pub reason: Reason,
    /// What was asked for.
    pub operation: Option<Operation>,
}

impl Refusal {
    pub(super) fn of(reason: Reason, operation: Option<Operation>) -> Self {
        Self { reason, operation }
    }

    /// What its arguments were refused for; nothing where another rule refuses.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let findings = match &self.reason {
            Reason::Arguments(findings) => Some(findings.iter()),
            Reason::Unclassified(_)
            | Reason::Withheld(_)
            | Reason::Closed
            | Reason::Origin(_)
            | Reason::Host(_)
            | Reason::Parameter(_)
            | Reason::Moved(_)
            | Reason::OldVersion(_)
            | Reason::Form
            | Reason::UnexpectedBody
            | Reason::BodyTooLong(_)
            | Reason::Unrecorded => None,
        };
        findings.into_iter().flatten()
    }

    /// The daemon's own words, where it would give this answer itself.
    #[must_use]
    pub fn daemon_message(&self) -> Option<String> {
        let finding = self.findings().next()?;
        (finding.cause == Cause::Missing).then(|| finding.to_string())
    }

    /// Whether its words are about the client, and not about what it asks for.
    fn is_about_the_client(&self) -> bool {
        matches!(self.reason, Reason::OldVersion(_))
    }

    /// The status code that answers it.
    #[must_use]
    pub fn status(&self) -> u16 {
        match &self.reason {
            Reason::Unclassified(Unclassified::Unknown)
            | Reason::Origin(_)
            | Reason::Host(_)
            | Reason::Parameter(_)
            | Reason::Withheld(_)
            | Reason::Closed => 403,
            Reason::Unclassified(Unclassified::Version | Unclassified::EncodedSlash)
            | Reason::OldVersion(_)
            | Reason::UnexpectedBody => 400,
            Reason::Moved(_) => 301,
            Reason::Arguments(findings) => findings.cause().status(),
            Reason::BodyTooLong(_) => 413,
            Reason::Form => 415,
            Reason::Unrecorded => 503,
        }
    }

    /// The rule's name, the same word in log, message and test.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.reason {
            Reason::Unclassified(Unclassified::Unknown) => "unknown-operation",
            Reason::Unclassified(Unclassified::Version) => "version-prefix",
            Reason::Unclassified(Unclassified::EncodedSlash) => "encoded-slash",
            Reason::Origin(_) => "origin",
            Reason::Host(_) => "host",
            Reason::Withheld(_) | Reason::Parameter(_) => "withheld",
            Reason::Closed => "closed",
            Reason::Moved(_) => "moved",
            Reason::OldVersion(_) => "old-version",
            Reason::Form => "form-body",
            Reason::UnexpectedBody => "unexpected-body",
            Reason::BodyTooLong(_) => "body-too-long",
            Reason::Arguments(findings) => findings.cause().name(),
            Reason::Unrecorded => "audit-unavailable",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(operation), false) = (self.operation, self.is_about_the_client()) {
            write!(f, "{} ", operation.id())?;
        }
        match (&self.reason, self.operation) {
            (Reason::Withheld(missing), Some(operation)) => {
                f.write_str(&needs(*missing, operation))
            }
            (reason, _) => reason.fmt(f),
        }
    }
}

/// In moby's words (`daemon/server/middleware/version.go`), which clients know.
impl fmt::Display for OldVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, oldest } = self;
        write!(
            f,
            "client version {asked} is too old. Minimum supported API version is {oldest}, please upgrade your client to a newer version (MIN_API_VERSION)"
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclassified(unclassified) => unclassified.fmt(f),
            Self::Withheld(_) => f.write_str("is not allowed"),
            Self::Closed => f.write_str("is opened by no variable"),
            Self::Origin(origin) => write!(
                f,
                "comes from a web page, by its Origin ({origin}); add {origin} to ALLOW_ORIGINS if that page may use the Docker API"
            ),
            Self::Host(name) => write!(
                f,
                "was sent to the Host {name}: a name with a dot may be a web page's (DNS rebinding); add {name} to ALLOW_HOSTS if it is dockgate's own"
            ),
            Self::Parameter(Parameter { name, variable, .. }) => {
                write!(f, "with {name}=1 needs {variable}=1")
            }
            // Without the query, which may hold a secret.
            Self::Moved(location) => {
                let path = location.split(|&byte| byte == b'?').next().unwrap_or_default();
                write!(f, "has a path that is not clean: redirected to {}", path.escape_ascii())
            }
            Self::OldVersion(version) => version.fmt(f),
            Self::Form => f.write_str(
                "has a form as its body, by its Content-Type, whose values would override the query; send parameters in the query, and a body that is no form with its own type (curl: -H 'Content-Type: application/json', or application/x-tar)",
            ),
            Self::UnexpectedBody => f.write_str("takes no body"),
            Self::BodyTooLong(limit) => {
                write!(f, "has a body of more than {limit} bytes (MAX_JSON_BYTES)")
            }
            Self::Arguments(findings) => findings.fmt(f),
            Self::Unrecorded => f.write_str(
                "can't be recorded at the moment, and may not go on unrecorded (AUDIT_REQUIRED=1); dockgate's log says what is wrong with AUDIT_LOG",
            ),
        }
    }
}

/// `needs A=1 and B=1, or ALLOW_C=1`: what would have to be set for an operation.
#[must_use]
pub fn needs(missing: VariableSet, operation: Operation) -> String {
    let list = |variables: &mut dyn Iterator<Item = Variable>, between| {
        variables.map(|variable| format!("{variable}=1")).collect::<Vec<_>>().join(between)
    };
    let needed = list(&mut missing.iter(), " and ");
    let granting = list(
        &mut Variable::of(operation).filter(|variable| matches!(variable.role(), Role::Grants(_))),
        " or ",
    );
    if granting.is_empty() {
        format!("needs {needed}")
    } else {
        format!("needs {needed}, or {granting}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reason: Reason, operation: Operation) -> String {
        Refusal::of(reason, Some(operation)).to_string()
    }

    #[test]
    fn a_refusal_says_what_would_have_to_be_set() {
        let missing = VariableSet::default().with(Variable::Containers).with(Variable::Post);
        assert_eq!(
            said(Reason::Withheld(missing), Operation::ContainerCreate),
            "ContainerCreate needs CONTAINERS=1 and POST=1"
        );
        assert_eq!(
            said(Reason::Withheld(missing), Operation::ContainerStop),
            "ContainerStop needs CONTAINERS=1 and POST=1, or ALLOW_STOP=1 or ALLOW_RESTARTS=1"
        );
        let version = |minor| ApiVersion { major: 1, minor };
        let old = |asked| OldVersion { asked: version(asked), oldest: version(30) };
        let words = said(Reason::OldVersion(old(9)), Operation::SystemPing);
        let expected =
            "client version 1.9 is too old. Minimum supported API version is 1.30, please";
        assert!(words.starts_with(expected) && words.contains("MIN_API_VERSION"), "{words}");
        assert!(old(23).is_told_plainly() && !old(24).is_told_plainly());
        let long = said(Reason::BodyTooLong(9), Operation::ContainerCreate);
        assert!(long.contains("more than 9 bytes"), "{long}");
        let form = said(Reason::Form, Operation::ContainerExec);
        assert!(form.contains("Content-Type: application/json"), "{form}");
    }

    #[test]
    fn a_redirect_is_told_without_its_query() {
        let moved = Refusal::of(Reason::Moved(Box::from(&b"/x?a=secret"[..])), None);
        assert_eq!(moved.to_string(), "has a path that is not clean: redirected to /x");
    }

    #[test]
    fn a_browsers_request_is_refused_with_the_item_to_add() {
        let host = said(Reason::Host("a.b".to_owned()), Operation::SystemPing);
        assert!(host.contains("add a.b to ALLOW_HOSTS"), "{host}");
        let origin = said(Reason::Origin("http://a.b:1".to_owned()), Operation::SystemPing);
        assert!(origin.contains("add http://a.b:1 to ALLOW_ORIGINS"), "{origin}");
    }

    #[test]
    fn what_is_no_operation_is_refused_without_a_name() {
        let refusal = Refusal::of(Reason::Unclassified(Unclassified::Version), None);
        assert_eq!(refusal.to_string(), Unclassified::Version.to_string());
        assert_eq!(refusal.findings().count(), 0);
    }

    #[test]
    fn what_arguments_were_refused_for_is_told() {
        let finding = Finding::of(Cause::Query, "is wrong");
        let findings = Findings::of(vec![finding.clone()]).expect("one");
        let refusal = Refusal::of(Reason::Arguments(Box::new(findings)), None);
        assert_eq!(refusal.findings().collect::<Vec<_>>(), [&finding]);
    }
}
