//! A request's case: what its head and its body say, what the daemon answers about it, and what
//! comes of all that.

use super::cut;
use super::engine::{Argument, EngineUse, EngineVersion};
use super::examiner::Examiner;
use super::existing::ContainerUse;
use super::finding::{Cause, Finding, Findings, Step};
use super::json::{self, JsonError};
use super::judge::{Examined, Judge};
use super::lookup::{Answered, Question, ReferencePlace, Resolved};
use super::own;
use super::query;
use super::rules::{Mode, Rules};
use super::shield::{self, Shield};
use super::variable::Variable;
use std::collections::VecDeque;
use std::sync::Arc;

/// Blanks that may follow a body before a hijack: a line end, as every encoder writes it.
const BLANKS_AFTER_MAX: usize = 2;

/// The daemon is asked so many questions about one request.
const QUESTIONS_MAX: usize = 128;

/// A case that is open.
#[derive(Debug)]
pub struct Case {
    examiner: &'static Examiner,
    rules: Arc<Rules>,
    /// The name in the path.
    name: String,
    body: Vec<u8>,
    findings: Vec<Finding>,
    unknown: Vec<String>,
    questions: VecDeque<Question>,
    resolved: Vec<Resolved>,
    /// The engine's release, as soon as it is known.
    engine: Option<EngineVersion>,
}

/// What is to be told of a request that passes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// What would have been refused (`ADMISSION=audit`).
    pub would_refuse: Option<Findings>,
    /// What was taken out (`BIND_MOUNT_ACTION=strip`).
    pub stripped: Vec<Finding>,
    /// Fields that no table knows.
    pub unknown: Vec<String>,
}

impl Notes {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.would_refuse.is_none() && self.stripped.is_empty() && self.unknown.is_empty()
    }
}

/// A request that passes.
#[derive(Debug, Default)]
pub struct Passed {
    /// Its body as it may be sent; empty where none was examined.
    pub body: Vec<u8>,
    /// What is to be told.
    pub notes: Notes,
    /// The full ids of the containers that were judged, which the request's head must name, and
    /// where. Its body has those that it must name.
    pub resolved: Vec<Resolved>,
}

impl Case {
    /// Opens a case with what the head says: the query, and the name in the path, decoded.
    #[must_use]
    pub fn of(
        examiner: &'static Examiner,
        rules: &Arc<Rules>,
        query: Option<&[u8]>,
        name: Option<&str>,
    ) -> Self {
        let question = examiner.question.zip(name).map(|(question, name)| question(name, query));
        let is_asked = examiner.asked_if.is_none_or(|parameter| query::is_true(query, parameter));
        // Of a query that the daemon reads in part, nothing is known.
        let is_readable = query.is_some_and(|query| query::read(query).is_some());
        let is_other = |parameter| is_readable && query::is_true(query, parameter);
        let is_asked = is_asked && !examiner.asked_unless.is_some_and(is_other);
        let question = question.filter(|question| is_asked && question.is_needed(rules));
        let mut case = Self {
            examiner,
            rules: Arc::clone(rules),
            name: name.unwrap_or_default().to_owned(),
            body: Vec::new(),
            findings: Vec::new(),
            unknown: Vec::new(),
            questions: question.into_iter().collect(),
            resolved: Vec::new(),
            engine: None,
        };
        if let Some(shield) = case.first_bytes() {
            let argument = Argument::FirstBytes(shield);
            case.questions.push_back(Question::Engine(EngineUse { path: Vec::new(), argument }));
        }
        if case.is_examined() {
            case.add(examiner.head(rules, query, name));
        }
        case
    }

    /// Whether the body decides.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        self.examiner.body.is_some() && self.is_examined()
    }

    /// Whether query and body are looked into. With `ADMISSION=off` only what may mean the gate's
    /// own container is.
    fn is_examined(&self) -> bool {
        self.rules.mode() != Mode::Off || self.may_mean_own()
    }

    /// Whether query or body may refer to the gate's own container, which no mode opens.
    fn may_mean_own(&self) -> bool {
        self.examiner.is_unconditional && self.rules.own.is_container()
    }

    /// Adds what the body says.
    pub fn read(&mut self, body: Vec<u8>) {
        if self.reads_body() {
            self.add(self.examiner.examine(&self.rules, &body));
        }
        self.body = body;
    }

    fn add(&mut self, examined: Examined) {
        if self.rules.mode() != Mode::Enforce && self.may_mean_own() && !examined.is_read_whole() {
            self.findings.push(own::unread());
        }
        let Examined { findings, mut questions, unknown } = examined;
        for question in &mut questions {
            if let Question::Node(used) = question {
                // Which node it is, the path says and not the body.
                used.node.clone_from(&self.name);
            }
        }
        self.findings.extend(findings);
        self.unknown.extend(unknown);
        self.questions.extend(questions);
        if self.questions.len() > QUESTIONS_MAX {
            // A shield stands in every mode.
            self.questions.retain(
                |question| matches!(question, Question::Engine(used) if used.is_of_shield()),
            );
            let reason = "needs more look-ups than the daemon will be asked";
            self.findings.push(Finding::of(Cause::BadValue, reason));
        }
    }

    /// The next question that only the daemon can answer. None where the case is decided anyway.
    #[must_use]
    pub fn question(&self) -> Option<&Question> {
        let is_decided = match self.rules.mode() {
            Mode::Enforce => self.is_lost(),
            // What would be refused passes, unless it means the gate's own container.
            Mode::Audit | Mode::Off => self.is_refused(),
        };
        if is_decided { None } else { self.questions.front() }
    }

    /// Whether nothing was found, nothing is to be told and nothing to be asked.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.findings.is_empty() && self.unknown.is_empty() && self.questions.is_empty()
    }

    /// Whether it is refused, whatever else comes.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let is_enforced = self.rules.mode() == Mode::Enforce;
        is_enforced && self.is_lost()
            || self.findings.iter().any(|finding| finding.cause.is_unconditional())
    }

    /// The shield that looks at the first bytes of its body, which nobody has seen yet.
    #[must_use]
    pub fn first_bytes(&self) -> Option<&'static Shield> {
        shield::of_first_bytes(&self.rules, self.examiner.operation, self.engine)
    }

    fn is_lost(&self) -> bool {
        self.findings.iter().any(|finding| !(finding.is_mount && self.strips()))
    }

    fn strips(&self) -> bool {
        self.rules.is(Variable::BindMountAction, "strip") && self.rules.mode() == Mode::Enforce
    }

    /// Hears the daemon's answer to the question.
    pub fn answer(&mut self, status: u16, body: &[u8]) {
        if let Some(question) = self.questions.pop_front() {
            let Answered { examined, resolved, version } =
                question.answered(&self.rules, status, body);
            self.resolved.extend(resolved);
            self.engine = version.or(self.engine);
            self.add(examined);
        }
    }

    /// The full id of the container that the question is about, where the daemon itself has named it
    /// and something is to run in it: once judged, it stays what it is. An id that a client names is
    /// none of these: when its container is gone, another may bear it as its name.
    #[must_use]
    pub fn asks_about(&self) -> Option<&str> {
        let Some(Question::Container(lookup)) = self.question() else { return None };
        let is_meant = lookup.place == ReferencePlace::Nowhere && lookup.usage == ContainerUse::Run;
        is_meant.then_some(lookup.reference.as_str())
    }

    /// Passes the question: the container that it is about has been judged before, and passed.
    pub fn answer_as_before(&mut self) {
        if let Some(Question::Container(lookup)) = self.questions.pop_front() {
            let id = lookup.reference.clone();
            self.resolved.push(lookup.resolved(id));
        }
    }

    /// Notes that the question was not answered.
    pub fn unanswered(&mut self) {
        if let Some(question) = self.questions.pop_front() {
            let rules = Arc::clone(&self.rules);
            let mut judge = Judge::new(&rules);
            question.judge_unanswered(&mut judge);
            self.add(judge.examined);
        }
    }

    /// Closes the case.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn close(self) -> Result<Passed, Findings> {
        let (is_lost, strips, mode) = (self.is_lost(), self.strips(), self.rules.mode());
        let Self { examiner, rules, mut body, mut findings, unknown, resolved, .. } = self;
        let mut notes = Notes { unknown, ..Notes::default() };
        if mode != Mode::Enforce {
            let held: Vec<_> =
                findings.iter().filter(|found| found.cause.is_unconditional()).cloned().collect();
            if let Some(held) = Findings::of(held) {
                return Err(held);
            }
            if mode == Mode::Off {
                (findings, notes) = (Vec::new(), Notes::default());
            }
        }
        match (Findings::of(findings), mode) {
            (None, _) => {}
            (Some(findings), Mode::Audit | Mode::Off) => notes.would_refuse = Some(findings),
            (Some(findings), Mode::Enforce) => {
                if is_lost || !strips {
                    return Err(findings);
                }
                let paths = findings.iter().map(|finding| finding.path.as_slice());
                match cut::without_mounts(&body, paths) {
                    // What is sent has been judged as it is sent.
                    Some(kept) if examiner.examine(&rules, &kept).findings.is_empty() => {
                        body = kept;
                        notes.stripped = findings.iter().cloned().collect();
                    }
                    Some(_) | None => return Err(findings),
                }
            }
        }
        let (body, resolved) = with_ids(body, resolved)?;
        Ok(Passed { body, notes, resolved })
    }
}

/// The body with full ids in place of the references that stand in it; what stands elsewhere is left.
fn with_ids(body: Vec<u8>, resolved: Vec<Resolved>) -> Result<(Vec<u8>, Vec<Resolved>), Findings> {
    let mut texts: Vec<(&[Step], String)> = Vec::new();
    for Resolved { id, place, .. } in &resolved {
        if let ReferencePlace::Body { path, before, after } = place {
            texts.push((path, format!("{before}{id}{after}")));
        }
    }
    if texts.is_empty() {
        return Ok((body, resolved));
    }
    let reason = "refers to a container in a way that can't be replaced by its id";
    let body = cut::with_texts(&body, &texts)
        .ok_or_else(|| Findings::from(Finding::of(Cause::BadValue, reason)))?;
    let is_left = |one: &Resolved| !matches!(one.place, ReferencePlace::Body { .. });
    Ok((body, resolved.into_iter().filter(is_left).collect()))
}

/// Examines the body of an operation that hijacks: what follows its one value would be the
/// process's input (moby `api/server/router/container/exec.go`).
///
/// # Errors
/// It is neither empty nor one JSON value with at most a line end after it.
pub fn before_hijack(body: &[u8]) -> Result<(), JsonError> {
    let blanks = body.len().saturating_sub(body.trim_ascii_end().len());
    if body.is_empty() {
        return Ok(());
    }
    json::read(body)?;
    if blanks <= BLANKS_AFTER_MAX { Ok(()) } else { Err(JsonError::NotOneValue) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::own::Own;
    use crate::api::Operation;

    #[test]
    fn one_value_passes_before_a_hijack_and_what_follows_it_does_not() {
        for body in ["", "{\"Detach\":false,\"Tty\":false}\n", "{}", " {}\r\n"] {
            assert_eq!(before_hijack(body.as_bytes()), Ok(()), "{body:?}");
        }
        for body in [" ", "{", "{}x", "{}{}", "{} rm -rf /\n", "{\"a\":1,}", "{}   "] {
            assert_eq!(before_hijack(body.as_bytes()), Err(JsonError::NotOneValue), "{body:?}");
        }
    }

    fn create(body: &str, rules: Rules) -> Case {
        let examiner = Examiner::find(Operation::ContainerCreate).expect("examined");
        let mut case = Case::of(examiner, &Arc::new(rules), None, None);
        case.read(body.as_bytes().to_vec());
        case
    }

    fn strip() -> Rules {
        Rules::new().with(Variable::BindMountAction, "strip").expect("a word")
    }

    #[test]
    fn strip_takes_out_mounts_and_nothing_else() {
        let body = r#"{"HostConfig":{"Binds":["/etc:/e","data:/d"],"Memory":1}}"#;
        assert!(create(body, Rules::new()).close().is_err());
        let mut case = create(body, strip());
        assert_eq!(case.question().map(Question::path).as_deref(), Some("/volumes/data"));
        case.answer(404, b"{}");
        let passed = case.close().expect("stripped");
        assert_eq!(passed.body, br#"{"HostConfig":{"Binds":["data:/d"],"Memory":1}}"#);
        assert_eq!(passed.notes.stripped.len(), 1);
        let also = r#"{"HostConfig":{"Binds":["/etc:/e"],"Privileged":true}}"#;
        let findings = create(also, strip()).close().expect_err("privileged");
        assert_eq!(findings.iter().count(), 2);
    }

    #[test]
    fn strip_takes_out_a_volume_that_is_a_bind_mount() {
        let mut case = create(r#"{"HostConfig":{"Binds":["data:/d","/tmp:/t"]}}"#, strip());
        case.answer(
            200,
            br#"{"Driver":"local","Options":{"type":"none","o":"bind","device":"/"}}"#,
        );
        assert_eq!(case.question(), None);
        assert_eq!(case.close().expect("stripped").body, br#"{"HostConfig":{"Binds":[]}}"#);
    }

    #[test]
    fn strip_is_not_fooled_by_many() {
        let many: Vec<String> = (0..100).map(|n| format!("\"/etc:/e{n}\"")).collect();
        let body = format!(r#"{{"HostConfig":{{"Binds":[{}]}}}}"#, many.join(","));
        assert!(create(&body, strip()).close().is_err());
    }

    #[test]
    fn audit_lets_pass_and_tells() {
        let rules = Rules::new().with(Variable::Admission, "audit").expect("a word");
        let body = r#"{"HostConfig":{"Privileged":true}}"#;
        let passed = create(body, rules).close().expect("passes");
        assert_eq!(passed.body, body.as_bytes());
        assert_eq!(
            passed.notes.would_refuse.map(|findings| findings.cause()),
            Some(Cause::Withheld(Variable::Privileged))
        );
    }

    #[test]
    fn strip_takes_out_no_mount_that_is_refused_for_another_reason() {
        let body = r#"{"HostConfig":{"Mounts":[{"Type":"npipe","Source":"x"}]}}"#;
        let findings = create(body, strip()).close().expect_err("no kind of mount");
        assert_eq!(findings.cause(), Cause::Closed);
    }

    #[test]
    fn a_case_is_closed_where_nothing_is_left_to_say_or_ask() {
        for (body, is_closed, is_refused) in [
            ("{}", true, false),
            (r#"{"Future":1}"#, false, false),
            (r#"{"HostConfig":{"Binds":["data:/d"]}}"#, false, false),
            (r#"{"HostConfig":{"Privileged":true}}"#, false, true),
        ] {
            let case = create(body, Rules::new());
            assert_eq!((case.is_closed(), case.is_refused()), (is_closed, is_refused), "{body}");
        }
        let audit = Rules::new().with(Variable::Admission, "audit").expect("a word");
        assert!(!create(r#"{"HostConfig":{"Privileged":true}}"#, audit).is_refused());
    }

    #[test]
    fn what_nobody_knows_is_told_of_what_passes() {
        let passed = create(r#"{"Future":1}"#, Rules::new()).close().expect("passes");
        assert_eq!(passed.notes.unknown, ["Future"]);
        let finding = Finding::of(Cause::Closed, "is closed");
        let would_refuse = Findings::of(vec![finding.clone()]);
        assert!(Notes::default().is_empty());
        for notes in [
            passed.notes,
            Notes { would_refuse, ..Notes::default() },
            Notes { stripped: vec![finding], ..Notes::default() },
        ] {
            assert!(!notes.is_empty(), "{notes:?}");
        }
    }

    #[test]
    fn a_question_without_an_answer_refuses() {
        let mut case = create(r#"{"HostConfig":{"Binds":["data:/d"]}}"#, Rules::new());
        case.unanswered();
        assert_eq!(case.close().expect_err("unanswered").cause(), Cause::Unanswered);
    }

    #[test]
    fn so_many_questions_are_asked_and_no_more() {
        for (count, passes) in [(QUESTIONS_MAX, true), (QUESTIONS_MAX + 1, false)] {
            let many: Vec<String> = (0..count).map(|n| format!("\"v{n}:/e{n}\"")).collect();
            let body = format!(r#"{{"HostConfig":{{"Binds":[{}]}}}}"#, many.join(","));
            assert_eq!(create(&body, Rules::new()).question().is_some(), passes, "{count}");
        }
    }

    fn case(operation: Operation, query: &str, name: &str) -> Case {
        let examiner = Examiner::find(operation).expect("examined");
        Case::of(examiner, &Arc::new(Rules::new()), Some(query.as_bytes()), Some(name))
    }

    #[test]
    fn only_a_forced_removal_asks_what_a_volume_is() {
        for (query, asks) in [("force=1", true), ("force=no", false), ("", false)] {
            let case = case(Operation::VolumeDelete, query, "data");
            assert_eq!(case.question().is_some(), asks, "{query}");
        }
        let mut case = case(Operation::VolumeDelete, "force=true", "data");
        let bound = br#"{"Driver":"local","Options":{"type":"none","o":"bind","device":"/etc"}}"#;
        case.answer(200, bound);
        let findings = case.close().expect_err("bound");
        assert_eq!(findings.cause(), Cause::Withheld(Variable::BindMounts));
    }

    #[test]
    fn what_may_mean_the_gates_container_is_read_whole_in_every_mode() {
        let options: Vec<String> = (0..40).map(|n| format!("\"x{n}\":\"1\"")).collect();
        let options = options.join(",");
        let many =
            format!(r#"{{"EndpointConfig":{{"DriverOpts":{{{options}}}}},"Container":"x"}}"#);
        let deep = format!(r#"{{"X":{}{},"Container":"x"}}"#, "[".repeat(200), "]".repeat(200));
        for mode in ["audit", "off"] {
            let rules = Rules::new().with(Variable::Admission, mode).expect("a word");
            let own = rules.clone().with_own(Own::new(Some("0f".to_owned()), "", []));
            for (operation, query, body) in [
                (Operation::NetworkConnect, "", many.as_str()),
                (Operation::NetworkConnect, "", r#"{"Container":"x"}y"#),
                (Operation::NetworkDisconnect, "", deep.as_str()),
                (Operation::ImageCommit, "container=x&comment=%ff", ""),
            ] {
                let examiner = Examiner::find(operation).expect("examined");
                for (rules, is_refused) in [(&rules, false), (&own, true)] {
                    let query = Some(query.as_bytes());
                    let mut case = Case::of(examiner, &Arc::new(rules.clone()), query, None);
                    case.read(body.as_bytes().to_vec());
                    assert_eq!(case.is_refused(), is_refused, "{mode} {operation:?} {body}");
                }
            }
        }
    }

    #[test]
    fn a_shield_is_asked_about_among_many_volumes() {
        let rules = Rules::new().with(Variable::Admission, "audit").expect("a word");
        let examiner = Examiner::find(Operation::PutContainerArchive).expect("examined");
        let mut case = Case::of(examiner, &Arc::new(rules), None, Some("web"));
        let mount = |n| format!(r#"{{"Type":"volume","Name":"v{n}","Destination":"/v{n}"}}"#);
        let mounts: Vec<String> = (0..=QUESTIONS_MAX).map(mount).collect();
        let container = format!(r#"{{"Id":"0f","Mounts":[{}]}}"#, mounts.join(","));
        case.answer(200, container.as_bytes());
        while case.question().is_some() {
            case.answer(200, b"{}");
        }
        assert!(case.is_refused());
    }

    #[test]
    fn a_container_that_the_daemon_has_named_is_judged_once() {
        let mut start = case(Operation::ExecStart, "", "e1");
        assert_eq!(start.asks_about(), None);
        start.answer(200, br#"{"ContainerID":"0f","ProcessConfig":{}}"#);
        assert_eq!(start.asks_about(), Some("0f"));
        start.answer_as_before();
        let passed = start.close().expect("judged before");
        let ids: Vec<_> = passed.resolved.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["0f"]);
        // Its id may be another's name by now.
        assert_eq!(case(Operation::ContainerExec, "", &"0f".repeat(32)).asks_about(), None);
    }

    #[test]
    fn a_decided_case_asks_nothing() {
        let body = r#"{"HostConfig":{"Binds":["/etc:/e","data:/d"]}}"#;
        assert_eq!(create(body, Rules::new()).question(), None);
        let body = r#"{"HostConfig":{"Binds":["data:/d"],"Privileged":true}}"#;
        assert_eq!(create(body, Rules::new()).question(), None);
        let many: Vec<String> = (0..200).map(|n| format!("\"v{n}:/e{n}\"")).collect();
        let body = format!(r#"{{"HostConfig":{{"Binds":[{}]}}}}"#, many.join(","));
        assert!(create(&body, Rules::new()).close().is_err());
    }
}
