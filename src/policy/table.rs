//! The policy: the settings compiled once to a verdict for each operation, and the judgement of
//! one request.

use super::browser::{Browsers, Way};
use super::decision::{Decision, Examination, Grant, Inquiry};
use super::parameter::{PARAMETERS, Parameter};
use super::refusal::{OldVersion, Reason, Refusal};
use super::variable::{Role, Settings, Variable, VariableSet};
use crate::admission::own::Own;
use crate::admission::verdict::Case;
use crate::admission::{Examiner, Mode, Rules, shield};
use crate::api::{ApiVersion, Arguments, Call, Effect, Line, Operation, SHORT_BYTES_MAX};
use crate::http::{BodyFraming, Hijack, Method, RequestHead};
use core::ops::Range;
use std::sync::Arc;

/// What the settings make of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may run.
    Allowed,
    /// It may not; with these variables on, it might.
    Withheld(VariableSet),
    /// No variable opens it.
    Closed,
}

/// What is allowed. A value handed to each connection, never a global.
#[derive(Clone, Debug)]
pub struct Policy {
    verdicts: Vec<Verdict>,
    version_min: ApiVersion,
    rules: Arc<Rules>,
    examiners: Vec<Option<&'static Examiner>>,
    /// What the query of an open operation may not ask for.
    withheld: Vec<&'static Parameter>,
    browsers: Browsers,
}

impl Policy {
    /// Compiles settings. Requests that name an API version below `version_min` are refused;
    /// arguments of what is allowed are held to `rules`.
    #[must_use]
    pub fn new(settings: Settings, version_min: ApiVersion, mut rules: Rules) -> Self {
        rules.opens_secrets = settings.is_on(Variable::Secrets);
        rules.opens_configs = settings.is_on(Variable::Configs);
        // With ADMISSION=off only weaknesses of the engine and the gate's own container are looked for.
        let is_off = rules.mode() == Mode::Off;
        let is_examined =
            |operation| !is_off || rules.own.is_container() || shield::guards(&rules, operation);
        let find = |line: &Line| {
            Examiner::find(line.operation).filter(|examiner| is_examined(examiner.operation))
        };
        let examiners = Operation::TABLE.iter().map(find).collect();
        Self {
            verdicts: Operation::TABLE.iter().map(|line| verdict(line, settings)).collect(),
            version_min,
            rules: Arc::new(rules),
            examiners,
            withheld: PARAMETERS
                .iter()
                .filter(|parameter| settings.get(parameter.variable) == Some(false))
                .collect(),
            browsers: Browsers::default(),
        }
    }

    /// The same policy with these pages and names known.
    #[must_use]
    pub fn with_browsers(self, browsers: Browsers) -> Self {
        Self { browsers, ..self }
    }

    /// Judges a request by its head and the way it has come, which is asked only where it matters.
    pub fn judge_arrived(&self, head: &RequestHead<'_>, way: impl FnOnce() -> Way) -> Decision {
        match self.browsers.judge(head, way) {
            Ok(()) => self.judge(head),
            Err(reason) => {
                let call = Call::of(head.method, &head.target).ok();
                Refusal::of(reason, call.map(|call| call.operation)).into()
            }
        }
    }

    /// What the policy knows of the gate's own container.
    #[must_use]
    pub fn own(&self) -> &Own {
        &self.rules.own
    }

    /// The verdict on an operation as such, whatever a request's arguments are.
    #[must_use]
    pub fn verdict(&self, operation: Operation) -> Verdict {
        self.verdicts.get(operation.index()).copied().unwrap_or(Verdict::Closed)
    }

    /// Judges a request by its head.
    pub fn judge(&self, head: &RequestHead<'_>) -> Decision {
        let call = match Call::of(head.method, &head.target) {
            Ok(call) => call,
            Err(unclassified) => {
                // CONNECT is one of the methods that no operation has.
                let moved = head.target.moved.clone().filter(|_| head.method != Method::Other);
                let reason = moved.map_or(Reason::Unclassified(unclassified), Reason::Moved);
                return Refusal::of(reason, None).into();
            }
        };
        let refuse = |reason| Refusal::of(reason, Some(call.operation)).into();
        match self.verdict(call.operation) {
            Verdict::Allowed => {}
            Verdict::Withheld(missing) => return refuse(Reason::Withheld(missing)),
            Verdict::Closed => return refuse(Reason::Closed),
        }
        if let Some(asked) = call.version.filter(|&version| version < self.version_min) {
            let oldest = self.version_min;
            return refuse(Reason::OldVersion(OldVersion { asked, oldest }));
        }
        let query = head.target.query.unwrap_or_default();
        let is_asked = |parameter: &&&Parameter| {
            parameter.operation == call.operation && parameter.is_asked_for(query)
        };
        if let Some(parameter) = self.withheld.iter().find(is_asked) {
            return refuse(Reason::Parameter(**parameter));
        }
        let examiner = self.examiners.get(call.operation.index()).copied().flatten();
        let name = examiner.and_then(|_| call.name(&head.target));
        let case = examiner.map(|examiner| {
            let text = name.as_ref().map(|name| name.text);
            Case::of(examiner, &self.rules, head.target.query, text)
        });
        let place = name.map(|name| name.place);
        let line = call.operation.line();
        match body(head, line, case.as_ref().is_some_and(Case::reads_body)) {
            Body::Passes => {}
            Body::Collected => {
                let examination = Examination::new(call.operation, case, place);
                return Decision::Examine(Box::new(examination));
            }
            Body::Refused(reason) => return refuse(reason),
        }
        match case {
            None => Decision::Allow(Grant::new(call.operation)),
            Some(case) => decide(call.operation, case, place),
        }
    }
}

/// What becomes of a body.
enum Body {
    /// It goes on as it comes, if there is one.
    Passes,
    /// It decides.
    Collected,
    /// It may not go on.
    Refused(Reason),
}

/// What becomes of a request's body, as its operation's line says.
fn body(head: &RequestHead<'_>, line: &Line, is_examined: bool) -> Body {
    match (head.framing, line.arguments) {
        (BodyFraming::Empty, _) => Body::Passes,
        // Go's form values come before the query's: the query judged would not be the one used.
        _ if head.is_form => Body::Refused(Reason::Form),
        (_, Arguments::Ignored | Arguments::Archive | Arguments::Harmless) => Body::Passes,
        (_, Arguments::Json) if !is_examined && line.hijack == Hijack::Never => Body::Passes,
        // Of chunks only the end says that there is nothing in them.
        (_, Arguments::Json | Arguments::Unread)
        | (BodyFraming::Chunked, Arguments::Short | Arguments::Bodiless) => Body::Collected,
        (framing, Arguments::Short) if is_short(framing) => Body::Passes,
        (_, Arguments::Short | Arguments::Bodiless) => Body::Refused(Reason::UnexpectedBody),
    }
}

/// What comes of a head whose body, if it has one, is not looked at.
fn decide(operation: Operation, case: Case, place: Option<Range<usize>>) -> Decision {
    if case.is_closed() {
        Decision::Allow(Grant::new(operation))
    } else {
        match Inquiry::new(operation, case, place).or_refused() {
            Ok(inquiry) => Decision::Inquire(Box::new(inquiry)),
            Err(refusal) => refusal.into(),
        }
    }
}

/// Whether a body is known to be too short to mean anything.
fn is_short(framing: BodyFraming) -> bool {
    matches!(framing, BodyFraming::Length(length) if length <= SHORT_BYTES_MAX)
}

/// An `ALLOW_*` that grants wins over everything; otherwise the section must be open, the write
/// gate too where something changes, and nothing may withhold it.
fn verdict(line: &Line, settings: Settings) -> Verdict {
    let Some(section) = line.section.and_then(Variable::opening) else {
        return Verdict::Closed;
    };
    let mut missing = VariableSet::default();
    for variable in Variable::of(line.operation) {
        match variable.role() {
            Role::Grants(_) if settings.is_on(variable) => return Verdict::Allowed,
            Role::Withholds(_) if settings.get(variable) == Some(false) => {
                missing = missing.with(variable);
            }
            Role::Grants(_)
            | Role::Withholds(_)
            | Role::Opens(_)
            | Role::Writes
            | Role::WritesBy(_) => {}
        }
    }
    if !settings.is_on(section) {
        missing = missing.with(section);
    }
    if line.effect == Effect::Writes {
        let gate = write_gate(line.method);
        let open = settings.get(gate).unwrap_or_else(|| settings.is_on(Variable::Post));
        if !open {
            missing = missing.with(gate);
        }
    }
    if missing.is_empty() { Verdict::Allowed } else { Verdict::Withheld(missing) }
}

/// The variables that allow an operation, where something does: one that grants it, or the
/// section's and the write gate.
#[must_use]
pub fn deciding(operation: Operation, settings: Settings) -> Vec<Variable> {
    let line = operation.line();
    let granting = Variable::of(operation)
        .find(|&variable| matches!(variable.role(), Role::Grants(_)) && settings.is_on(variable));
    if let Some(variable) = granting {
        return vec![variable];
    }
    let gate = (line.effect == Effect::Writes).then(|| {
        let own = write_gate(line.method);
        if settings.get(own).is_some() { own } else { Variable::Post }
    });
    line.section.and_then(Variable::opening).into_iter().chain(gate).collect()
}

/// The variable that lets a method change something: its own where it has one, else POST.
fn write_gate(method: Method) -> Variable {
    Variable::ALL
        .iter()
        .copied()
        .find(|variable| variable.role() == Role::WritesBy(method))
        .unwrap_or(Variable::Post)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Variable as Rule;

    fn verdict_of(settings: &[(Variable, bool)], operation: Operation) -> Verdict {
        let settings = settings
            .iter()
            .fold(Settings::default(), |settings, &(variable, on)| settings.with(variable, on));
        Policy::new(settings, ApiVersion { major: 1, minor: 24 }, Rules::new()).verdict(operation)
    }

    fn withheld(variables: &[Variable]) -> Verdict {
        Verdict::Withheld(
            variables.iter().fold(VariableSet::default(), |set, &variable| set.with(variable)),
        )
    }

    use Variable::{
        AllowLogs, AllowRestarts, AllowStart, AllowStop, Containers, Delete, Exec, Post, Put,
        Volumes,
    };

    #[test]
    #[cfg_attr(miri, ignore = "a policy for each line of the table")]
    fn by_default_only_ping_version_and_events_are_open() {
        for line in Operation::TABLE {
            let open = matches!(
                line.operation,
                Operation::SystemPing
                    | Operation::SystemPingHead
                    | Operation::SystemVersion
                    | Operation::SystemEvents
            );
            assert_eq!(verdict_of(&[], line.operation) == Verdict::Allowed, open, "{}", line.id);
        }
    }

    #[test]
    fn a_section_opens_its_reads_and_with_post_its_writes() {
        let open = [(Containers, true)];
        assert_eq!(verdict_of(&open, Operation::ContainerList), Verdict::Allowed);
        assert_eq!(verdict_of(&open, Operation::ContainerCreate), withheld(&[Post]));
        assert_eq!(
            verdict_of(&[(Post, true)], Operation::ContainerCreate),
            withheld(&[Containers])
        );
        assert_eq!(verdict_of(&[], Operation::VolumeCreate), withheld(&[Volumes, Post]));
        let both = [(Containers, true), (Post, true)];
        assert_eq!(verdict_of(&both, Operation::ContainerCreate), Verdict::Allowed);
    }

    #[test]
    fn exec_is_opened_by_exec_alone() {
        let containers = [(Containers, true), (Post, true)];
        assert_eq!(verdict_of(&containers, Operation::ContainerExec), withheld(&[Exec]));
        let exec = [(Exec, true), (Post, true)];
        assert_eq!(verdict_of(&exec, Operation::ContainerExec), Verdict::Allowed);
        assert_eq!(verdict_of(&exec, Operation::ExecStart), Verdict::Allowed);
    }

    #[test]
    fn a_websocket_attach_is_a_write_although_it_is_a_get() {
        let read_only = [(Containers, true)];
        assert_eq!(verdict_of(&read_only, Operation::ContainerAttachWebsocket), withheld(&[Post]));
    }

    #[test]
    fn granular_grants_need_neither_post_nor_section_and_their_0_takes_nothing_away() {
        assert_eq!(verdict_of(&[(AllowStart, true)], Operation::ContainerStart), Verdict::Allowed);
        assert_eq!(verdict_of(&[(AllowStop, true)], Operation::ContainerStop), Verdict::Allowed);
        for operation in
            [Operation::ContainerStop, Operation::ContainerRestart, Operation::ContainerKill]
        {
            assert_eq!(verdict_of(&[(AllowRestarts, true)], operation), Verdict::Allowed);
        }
        let copied = [(Containers, true), (Post, true), (AllowStop, false)];
        assert_eq!(verdict_of(&copied, Operation::ContainerStop), Verdict::Allowed);
    }

    #[test]
    fn a_withheld_read_stays_closed_in_an_open_section() {
        let open = [(Containers, true)];
        assert_eq!(verdict_of(&open, Operation::ContainerLogs), Verdict::Allowed);
        let closed = [(Containers, true), (AllowLogs, false)];
        assert_eq!(verdict_of(&closed, Operation::ContainerLogs), withheld(&[AllowLogs]));
        let alone = [(AllowLogs, true)];
        assert_eq!(verdict_of(&alone, Operation::ContainerLogs), withheld(&[Containers]));
    }

    #[test]
    fn logs_are_withheld_from_an_attach_too_and_an_archive_in_both_directions() {
        let on = |settings: Settings, &variable: &Variable| settings.with(variable, true);
        let open = [Containers, Post].iter().fold(Settings::default(), on);
        let policy =
            |settings| Policy::new(settings, ApiVersion { major: 1, minor: 24 }, Rules::new());
        let closed = policy(open.with(AllowLogs, false));
        for (path, expected) in [
            ("/containers/x/attach?stream=1", "inquire"),
            ("/containers/x/attach?stream=1&logs=0", "inquire"),
            ("/containers/x/attach?stream=1&logs=1", "withheld"),
            ("/containers/x/stop?logs=1", "allow"),
        ] {
            assert_eq!(decided(&closed, path, ""), expected, "{path}");
            assert_ne!(decided(&policy(open), path, ""), "withheld", "{path}");
        }
        let head = b"GET /containers/x/attach/ws?logs=true HTTP/1.1\r\nHost: x\r\n\r\n";
        let head = RequestHead::parse(head).expect("a proper head");
        let Decision::Refuse(refusal) = closed.judge(&head) else { panic!("it shows logs") };
        assert_eq!(refusal.to_string(), "ContainerAttachWebsocket with logs=1 needs ALLOW_LOGS=1");
        let settings = [(Containers, true), (Post, true), (Variable::AllowArchive, false)];
        for operation in [
            Operation::ContainerArchive,
            Operation::ContainerArchiveInfo,
            Operation::PutContainerArchive,
            Operation::ContainerCopy,
        ] {
            assert_eq!(verdict_of(&settings, operation), withheld(&[Variable::AllowArchive]));
        }
    }

    #[test]
    fn what_a_browser_sends_is_refused_before_anything_else() {
        let policy = policy(&[Containers], Rules::new());
        let refused = |lines: &str, way| {
            let head = format!("GET /nowhere HTTP/1.1\r\n{lines}\r\n");
            let head = RequestHead::parse(head.as_bytes()).expect("a proper head");
            match policy.judge_arrived(&head, || way) {
                Decision::Refuse(refusal) => refusal.name(),
                Decision::Allow(_) | Decision::Examine(_) | Decision::Inquire(_) => "passes",
            }
        };
        assert_eq!(refused("Host: a.b\r\n", Way::Tcp), "host");
        assert_eq!(refused("Host: a.b\r\n", Way::Unix), "unknown-operation");
        assert_eq!(refused("Host: a.b\r\nOrigin: http://a.b\r\n", Way::Unix), "origin");
    }

    #[test]
    fn delete_and_put_follow_post_until_they_are_set() {
        let writes = |more: &[(Variable, bool)], operation| {
            let mut settings = vec![(Containers, true)];
            settings.extend_from_slice(more);
            verdict_of(&settings, operation)
        };
        let (delete, put) = (Operation::ContainerDelete, Operation::PutContainerArchive);
        assert_eq!(writes(&[(Post, true)], delete), Verdict::Allowed);
        assert_eq!(writes(&[(Post, true)], put), Verdict::Allowed);
        assert_eq!(writes(&[], delete), withheld(&[Delete]));
        assert_eq!(writes(&[(Post, true), (Delete, false)], delete), withheld(&[Delete]));
        assert_eq!(writes(&[(Delete, true)], delete), Verdict::Allowed);
        assert_eq!(writes(&[(Post, true), (Put, false)], put), withheld(&[Put]));
        assert_eq!(writes(&[(Delete, true)], put), withheld(&[Put]));
    }

    fn policy(settings: &[Variable], rules: Rules) -> Policy {
        let on = |settings: Settings, &variable: &Variable| settings.with(variable, true);
        let settings = settings.iter().fold(Settings::default(), on);
        Policy::new(settings, ApiVersion { major: 1, minor: 24 }, rules)
    }

    /// What is decided on `POST path` with these header lines: a word, or the refusal's name.
    fn decided(policy: &Policy, path: &str, lines: &str) -> &'static str {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
        let head = RequestHead::parse(head.as_bytes()).expect("a proper head");
        match policy.judge(&head) {
            Decision::Allow(_) => "allow",
            Decision::Examine(_) => "examine",
            Decision::Inquire(_) => "inquire",
            Decision::Refuse(refusal) => refusal.name(),
        }
    }

    #[test]
    fn versions_below_the_oldest_are_refused() {
        let policy = policy(&[Containers, Post], Rules::new());
        for (version, expected) in
            [("/v1.23", "old-version"), ("/v1.24", "allow"), ("/v1.25", "allow"), ("", "allow")]
        {
            let path = format!("{version}/containers/x/stop");
            assert_eq!(decided(&policy, &path, ""), expected, "{version}");
        }
    }

    #[test]
    fn a_body_is_passed_on_examined_or_refused_as_its_line_says() {
        let length = |bytes: u64| format!("Content-Length: {bytes}\r\n");
        let chunked = "Transfer-Encoding: chunked\r\n".to_owned();
        let form = |length: String| format!("{length}Content-Type: multipart/form-data\r\n");
        let open = [Containers, Exec, Variable::Build, Variable::Session, Post];
        let (held, off) = (Rules::new(), Rules::new().with(Rule::Admission, "off"));
        let (held, off) = (policy(&open, held), policy(&open, off.expect("a word")));
        for (path, lines, expected, unexamined) in [
            ("/build", chunked.clone(), "allow", "allow"),
            ("/build", form(chunked.clone()), "form-body", "form-body"),
            ("/build", form(String::new()), "allow", "allow"),
            ("/containers/create", length(2), "examine", "allow"),
            ("/containers/create", chunked.clone(), "examine", "allow"),
            ("/containers/create", String::new(), "allow", "allow"),
            ("/exec/x/start", length(2), "examine", "examine"),
            ("/containers/x/start", String::new(), "allow", "allow"),
            ("/containers/x/start", length(SHORT_BYTES_MAX), "allow", "allow"),
            ("/containers/x/start", length(8), "unexpected-body", "unexpected-body"),
            ("/containers/x/start", chunked.clone(), "examine", "examine"),
            ("/session", String::new(), "allow", "allow"),
            ("/session", chunked, "examine", "examine"),
            ("/session", length(2), "unexpected-body", "unexpected-body"),
        ] {
            assert_eq!(decided(&held, path, &lines), expected, "{path} {lines:?}");
            assert_eq!(decided(&off, path, &lines), unexamined, "{path} {lines:?} unexamined");
        }
    }

    #[test]
    fn what_allowed_an_operation_is_named() {
        let deciding = |settings: &[(Variable, bool)], operation| {
            let with = |settings: Settings, &(variable, on): &_| settings.with(variable, on);
            deciding(operation, settings.iter().fold(Settings::default(), with))
        };
        let (start, delete) = (Operation::ContainerStart, Operation::ContainerDelete);
        assert_eq!(deciding(&[(AllowStart, true)], start), [AllowStart]);
        assert_eq!(deciding(&[(Containers, true), (Post, true)], start), [Containers, Post]);
        assert_eq!(deciding(&[(Containers, true), (Post, true)], delete), [Containers, Post]);
        assert_eq!(deciding(&[(Containers, true), (Delete, true)], delete), [Containers, Delete]);
        assert_eq!(deciding(&[(Containers, true)], Operation::ContainerLogs), [Containers]);
        assert_eq!(deciding(&[], Operation::SystemPing), [Variable::Ping]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "a policy for each line of the table")]
    fn nothing_opens_what_has_no_variable() {
        let all: Vec<_> = Variable::ALL.iter().map(|&variable| (variable, true)).collect();
        for line in Operation::TABLE {
            let expected = if line.section.is_some() { Verdict::Allowed } else { Verdict::Closed };
            assert_eq!(verdict_of(&all, line.operation), expected, "{}", line.id);
        }
    }
}
