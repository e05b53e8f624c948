//! Decisions as values. A [`Grant`] is permission to send one request to the daemon: only this
//! storey makes one, it can't be copied, and sending spends it.

use super::refusal::{Reason, Refusal};
use crate::admission::finding::Step;
use crate::admission::verdict::{Case, Passed, before_hijack};
use crate::admission::{Cause, Finding, Findings, Question, Shield};
use crate::api::{Arguments, Operation};
use crate::http::{Asked, Hijack, Method};
use core::ops::Range;

/// What becomes of a request.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// It may be sent as it is.
    Allow(Grant),
    /// It depends on its body, which must be collected first.
    Examine(Box<Examination>),
    /// It depends on what the daemon answers to a question.
    Inquire(Box<Inquiry>),
    /// It may not be sent.
    Refuse(Refusal),
}

impl Decision {
    /// What it is about, where that is an operation.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::Allow(grant) => Some(grant.operation),
            Self::Examine(examination) => Some(examination.operation),
            Self::Inquire(inquiry) => Some(inquiry.operation),
            Self::Refuse(refusal) => refusal.operation,
        }
    }
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// Permission to send one request.
#[derive(Debug)]
#[must_use]
pub struct Grant {
    operation: Operation,
    /// What looks at the first bytes of the body before they may be sent.
    first_bytes: Option<&'static Shield>,
}

impl Grant {
    pub(super) fn new(operation: Operation) -> Self {
        Self { operation, first_bytes: None }
    }

    /// What was granted.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Whether the daemon may take the connection over in the middle of a body.
    #[must_use]
    pub fn may_hijack(&self) -> bool {
        self.operation.line().hijack != Hijack::Never
    }

    /// The shield that refuses a body which begins as a compressed archive does.
    #[must_use]
    pub fn first_bytes(&self) -> Option<&'static Shield> {
        self.first_bytes
    }

    /// The refusal of a body for how it begins.
    pub fn compressed(self, shield: &Shield) -> Refusal {
        let finding = shield.finding(vec![Step::Field("body")], "");
        refusal(self.operation, Findings::of(vec![finding]))
    }

    /// The refusal of what may not go on without a record of it.
    pub fn unrecorded(self) -> Refusal {
        Refusal::of(Reason::Unrecorded, Some(self.operation))
    }

    /// Spends the permission: what it leaves is the light in which the answer is read.
    #[must_use]
    pub fn spend(self) -> Asked {
        let line = self.operation.line();
        Asked { head: line.method == Method::Head, hijack: line.hijack }
    }
}

/// A request whose body decides.
#[derive(Debug)]
#[must_use]
pub struct Examination {
    operation: Operation,
    /// `None` where arguments are not examined.
    case: Option<Case>,
    name: Option<Range<usize>>,
}

impl Examination {
    pub(super) fn new(
        operation: Operation,
        case: Option<Case>,
        name: Option<Range<usize>>,
    ) -> Self {
        Self { operation, case, name }
    }

    /// What is to be examined.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// So many bytes of it may be collected, of as many as may be at most.
    #[must_use]
    pub fn body_bytes_max(&self, limit: usize) -> usize {
        if self.takes_nothing() { 0 } else { limit }
    }

    /// Whether the body must turn out to be empty.
    fn takes_nothing(&self) -> bool {
        match self.operation.line().arguments {
            Arguments::Bodiless | Arguments::Short => true,
            Arguments::Ignored
            | Arguments::Archive
            | Arguments::Harmless
            | Arguments::Json
            | Arguments::Unread => false,
        }
    }

    /// Judges the whole body.
    ///
    /// # Errors
    /// The refusal, where the body is not what the operation takes.
    pub fn judge(self, body: Vec<u8>) -> Result<Inquiry, Refusal> {
        if self.takes_nothing() && !body.is_empty() {
            return Err(Refusal::of(Reason::UnexpectedBody, Some(self.operation)));
        }
        let Self { operation, case, name } = self;
        // Unexamined it is the daemon's to refuse: it gets exactly this body, with its length, and
        // what it doesn't read of it before it hijacks is the process's input, as on its own socket.
        let line = operation.line();
        if line.hijack != Hijack::Never
            && (case.as_ref().is_some_and(Case::reads_body) || line.arguments == Arguments::Unread)
            && let Err(error) = before_hijack(&body)
        {
            let reason = "takes one JSON value as its body, with nothing after it";
            let finding = Finding::of(Cause::Json(error), reason);
            return Err(refusal(operation, Findings::of(vec![finding])));
        }
        let case = match case {
            Some(mut case) => {
                case.read(body);
                Ok(case)
            }
            None => Err(body),
        };
        Ok(Inquiry { operation, case, name })
    }

    /// The refusal of a body that is longer than may be collected.
    pub fn too_long(&self, limit: usize) -> Refusal {
        let too_long = Reason::BodyTooLong(limit);
        let reason = if self.takes_nothing() { Reason::UnexpectedBody } else { too_long };
        Refusal::of(reason, Some(self.operation))
    }
}

/// A request that has been read whole and may hang on what the daemon says.
#[derive(Debug)]
#[must_use]
pub struct Inquiry {
    operation: Operation,
    /// The case, or the body where there is none.
    case: Result<Case, Vec<u8>>,
    /// Where the target has the name that questions are about.
    name: Option<Range<usize>>,
}

impl Inquiry {
    pub(super) fn new(operation: Operation, case: Case, name: Option<Range<usize>>) -> Self {
        Self { operation, case: Ok(case), name }
    }

    /// The inquiry, unless it is refused already.
    pub(super) fn or_refused(self) -> Result<Self, Refusal> {
        match self.case {
            Ok(case) if case.is_refused() => {
                let findings = case.close().err();
                Err(refusal(self.operation, findings))
            }
            case => Ok(Self { case, ..self }),
        }
    }

    /// Where the target has the name of what is asked about, so that an id can take its place.
    #[must_use]
    pub fn name(&self) -> Option<Range<usize>> {
        self.name.clone()
    }

    /// What is asked for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The next question for the daemon; a GET, of which nothing else comes of than the answer.
    #[must_use]
    pub fn question(&self) -> Option<(&Question, Asked)> {
        let question = self.case.as_ref().ok()?.question()?;
        Some((question, Asked { head: false, hijack: Hijack::Never }))
    }

    /// The full id of the container that the next question is about, where what it has need not be
    /// asked twice.
    #[must_use]
    pub fn asks_about(&self) -> Option<&str> {
        self.case.as_ref().ok()?.asks_about()
    }

    /// Passes that question: the container has been judged before, and passed.
    pub fn answer_as_before(&mut self) {
        if let Ok(case) = &mut self.case {
            case.answer_as_before();
        }
    }

    /// Hears the daemon's answer, its status and its body; `None` if none could be had.
    pub fn answer(&mut self, answer: Option<(u16, &[u8])>) {
        if let Ok(case) = &mut self.case {
            match answer {
                Some((status, body)) => case.answer(status, body),
                None => case.unanswered(),
            }
        }
    }

    /// Concludes.
    ///
    /// # Errors
    /// The refusal.
    pub fn close(self) -> Result<(Grant, Passed), Refusal> {
        let Self { operation, case, .. } = self;
        let first_bytes = case.as_ref().ok().and_then(Case::first_bytes);
        let passed = match case {
            Ok(case) => case.close().map_err(|findings| refusal(operation, Some(findings)))?,
            Err(body) => Passed { body, ..Passed::default() },
        };
        Ok((Grant { operation, first_bytes }, passed))
    }
}

fn refusal(operation: Operation, findings: Option<Findings>) -> Refusal {
    let arguments = |findings| Reason::Arguments(Box::new(findings));
    Refusal::of(findings.map_or(Reason::Closed, arguments), Some(operation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Rules, Variable as Rule};
    use crate::api::ApiVersion;
    use crate::http::RequestHead;
    use crate::policy::{Policy, Settings, Variable};

    /// With containers and exec open, and these rules.
    fn judge(rules: Rules, head: &str) -> Decision {
        let open = [Variable::Containers, Variable::Exec, Variable::Post];
        let on = |settings: Settings, &variable: &Variable| settings.with(variable, true);
        let settings = open.iter().fold(Settings::default(), on);
        let head = format!("{head} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n");
        let head = RequestHead::parse(head.as_bytes()).expect("a proper head");
        Policy::new(settings, ApiVersion { major: 1, minor: 24 }, rules).judge(&head)
    }

    fn examination(rules: Rules, head: &str) -> Examination {
        let Decision::Examine(examination) = judge(rules, head) else { panic!("something else") };
        *examination
    }

    fn inquiry(rules: Rules) -> Inquiry {
        let Decision::Inquire(inquiry) = judge(rules, "PUT /containers/x/archive?path=/") else {
            panic!("something else")
        };
        *inquiry
    }

    fn off() -> Rules {
        Rules::new().with(Rule::Admission, "off").expect("a word")
    }

    #[test]
    fn a_decision_knows_what_it_is_about() {
        for (head, expected) in [
            ("GET /_ping", Some(Operation::SystemPing)),
            ("POST /containers/create", Some(Operation::ContainerCreate)),
            ("PUT /containers/x/archive?path=/", Some(Operation::PutContainerArchive)),
            ("GET /info", Some(Operation::SystemInfo)),
            ("GET /nowhere", None),
        ] {
            assert_eq!(judge(Rules::new(), head).operation(), expected, "{head}");
        }
    }

    #[test]
    fn the_answer_to_head_has_no_body_and_only_some_operations_hijack() {
        let spent = |operation| Grant::new(operation).spend();
        let plain = Asked { head: false, hijack: Hijack::Never };
        assert_eq!(spent(Operation::SystemPingHead), Asked { head: true, ..plain });
        assert_eq!(spent(Operation::SystemPing), plain);
        let attach = Asked { hijack: Hijack::Stream, ..plain };
        assert_eq!(spent(Operation::ContainerAttach), attach);
    }

    #[test]
    fn what_follows_the_value_matters_only_before_a_hijack_and_where_it_is_examined() {
        let body = || b"{}   ".to_vec();
        let start = |rules, body| examination(rules, "POST /exec/x/start").judge(body);
        let refusal = start(Rules::new(), body()).expect_err("three blanks");
        assert_eq!(refusal.name(), "not-one-json-value");
        let attach = examination(off(), "POST /containers/x/attach").judge(body());
        assert_eq!(attach.err().map(|refusal| refusal.name()), Some("not-one-json-value"));
        for (rules, body) in
            [(Rules::new(), b"{}".to_vec()), (off(), body()), (off(), b"{".to_vec())]
        {
            let passed = start(rules, body.clone()).and_then(Inquiry::close).expect("passes").1;
            assert_eq!(passed.body, body);
        }
        let create = examination(Rules::new(), "POST /containers/create").judge(body());
        assert!(create.is_ok());
    }

    #[test]
    fn where_nothing_is_taken_an_empty_body_passes() {
        for operation in [Operation::Session, Operation::ContainerStart] {
            let examination = || Examination::new(operation, None, None);
            assert_eq!(examination().body_bytes_max(9), 0);
            assert_eq!(examination().too_long(0).name(), "unexpected-body");
            let refusal = examination().judge(b"x".to_vec()).expect_err("a byte");
            assert_eq!(refusal.name(), "unexpected-body");
            assert!(examination().judge(Vec::new()).is_ok());
        }
        assert_eq!(Examination::new(Operation::ExecStart, None, None).body_bytes_max(9), 9);
    }

    #[test]
    fn what_is_lost_by_its_head_is_refused_at_once() {
        let head = "POST /containers/x/start?checkpoint-dir=/etc";
        let Decision::Refuse(refusal) = judge(Rules::new(), head) else { panic!("{head}") };
        assert_eq!(refusal.name(), "bind-mounts");
        assert_eq!(refusal.findings().count(), 1);
    }

    #[test]
    fn the_daemons_answer_decides_an_inquiry() {
        for (answer, expected) in [
            (Some((200, &br#"{"Id":"0f"}"#[..])), None),
            (Some((404, b"{}")), Some("missing")),
            (Some((200, b"{}")), Some("unanswered")),
            (None, Some("unanswered")),
        ] {
            let fixed = Rules::new().with(Rule::EngineFixed, "*").expect("a list");
            let mut inquiry = inquiry(fixed);
            let (question, asked) = inquiry.question().expect("one");
            assert_eq!(question.path(), "/containers/x/json");
            assert_eq!(asked, Asked { head: false, hijack: Hijack::Never });
            inquiry.answer(answer);
            assert!(inquiry.question().is_none());
            let name = inquiry.close().map(|(grant, passed)| {
                assert_eq!(grant.operation(), Operation::PutContainerArchive);
                let ids: Vec<_> = passed.resolved.iter().map(|one| one.id.as_str()).collect();
                assert_eq!(ids, ["0f"]);
            });
            assert_eq!(name.err().map(|refusal| refusal.name()), expected, "{answer:?}");
        }
    }

    #[test]
    fn the_engine_decides_whether_an_archive_is_looked_at() {
        for (answer, is_looked_at) in [
            (Some((200, &br#"{"ServerVersion":"28.5.2"}"#[..])), true),
            (Some((200, br#"{"ServerVersion":"29.5.1"}"#)), false),
            (Some((500, b"")), true),
            (None, true),
        ] {
            let mut inquiry = inquiry(Rules::new());
            inquiry.answer(Some((200, br#"{"Id":"0f"}"#)));
            assert_eq!(inquiry.question().expect("another").0.path(), "/info");
            inquiry.answer(answer);
            let (grant, _) = inquiry.close().expect("passes so far");
            assert_eq!(grant.first_bytes().is_some(), is_looked_at, "{answer:?}");
        }
    }
}
