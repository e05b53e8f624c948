//! Any bytes as the arguments of any examined operation: the gate and its slow twin read the same;
//! examining them twice finds the same; what passes reaches nothing of the host; and what is stripped is
//! gone, with nothing else.
//!
//! The first line is the operation's id; where it has a query and a body, the second is the query.

use super::compare::{is_beyond, is_same, mounts_apart, repeats, repeats_somewhere};
use super::daemon::{Generation, effective};
use super::reader::{self, Manner};
use dockgate::admission::examiner::Examiner;
use dockgate::admission::finding::Step;
use dockgate::admission::json::{self, Keys};
use dockgate::admission::verdict::{Case, Notes, Passed, before_hijack};
use dockgate::admission::{Findings, Rules, Variable};
use dockgate::api::Operation;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// Paths that the second of the rules open.
const OPEN: &[&str] = &["/srv/a"];

static RULES: LazyLock<[Arc<Rules>; 3]> = LazyLock::new(|| {
    let with = |settings: &[(Variable, &str)]| {
        let rules = settings.iter().fold(Rules::new(), |rules, &(variable, text)| {
            rules.with(variable, text).expect("a value that can be read")
        });
        Arc::new(rules)
    };
    [
        with(&[]),
        with(&[(Variable::BindMountAction, "strip"), (Variable::BindMounts, "/srv/a")]),
        with(&[
            (Variable::UnknownFields, "deny"),
            (Variable::RequireNonRoot, "1"),
            (Variable::RequireCapDropAll, "1"),
            (Variable::MaxMemory, "1g"),
            (Variable::MaxCpus, "1"),
            (Variable::Registries, "docker.io"),
            (Variable::PublishPorts, "8000-9000"),
        ]),
    ]
});

/// Whether any of the rules lets them pass.
pub fn holds(input: &[u8]) -> bool {
    let (id, rest) = line(input);
    let known = Operation::TABLE.iter().find(|line| line.id.as_bytes() == id);
    let Some(examiner) = known.and_then(|line| Examiner::find(line.operation)) else {
        return false;
    };
    let has_both = examiner.body.is_some() && !examiner.query.is_empty();
    let (query, body) = if has_both { line(rest) } else { (rest, rest) };
    both_read_the_same(body);
    if before_hijack(rest).is_ok() {
        assert!(rest.is_empty() || json::read(rest).is_ok());
    }
    let mut has_passed = false;
    for (index, rules) in RULES.iter().enumerate() {
        let close = |body: &[u8]| close(examiner, rules, query, body);
        match (close(body), close(body)) {
            (Ok(one), Ok(other)) => {
                has_passed = true;
                assert_eq!((&one.body, &one.notes), (&other.body, &other.notes));
                if one.notes.stripped.is_empty() {
                    assert_eq!(one.body, body);
                } else {
                    only_that_is_gone(body, &one.body, &one.notes);
                    let again = close(&one.body).expect("what is left passes");
                    assert!(again.notes.stripped.is_empty() && again.body == one.body);
                }
                if examiner.body.is_some() && !body.is_empty() {
                    assert!(json::read(&one.body).is_ok());
                }
                if id == b"ContainerCreate" {
                    reaches_nothing(&one.body, if index == 1 { OPEN } else { &[] });
                }
            }
            (Err(one), Err(other)) => {
                assert_eq!(one, other);
                assert!(one.to_string().is_ascii());
            }
            (_, _) => panic!("two readings"),
        }
    }
    has_passed
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    (&bytes[..at], bytes.get(at + 1..).unwrap_or_default())
}

/// Has a case judged; what the daemon is asked about is there every other time.
fn close(
    examiner: &'static Examiner,
    rules: &Arc<Rules>,
    query: &[u8],
    body: &[u8],
) -> Result<Passed, Findings> {
    let name = std::str::from_utf8(query).ok();
    let mut case = Case::of(examiner, rules, Some(query), name);
    case.read(body.to_vec());
    let mut questions = 0;
    while let Some(question) = case.question() {
        assert!(question.path().starts_with('/') && !question.path().contains("/../"));
        let status = if questions % 2 == 0 { 404 } else { 200 };
        case.answer(status, b"{\"Driver\":\"local\",\"Options\":null}");
        questions += 1;
    }
    case.close()
}

fn both_read_the_same(body: &[u8]) {
    match (json::read(body), reader::read(body, Manner::Strict)) {
        (Ok(ours), Some(theirs)) => {
            assert!(is_same(&ours, &theirs), "another tree");
            for keys in [Keys::Folded, Keys::Exact] {
                assert_eq!(repeats_somewhere(&ours, keys), repeats(&theirs, keys), "{keys:?}");
            }
        }
        (Err(_), None) => {}
        (Err(error), Some(theirs)) => {
            assert!(is_beyond(&theirs), "only the twin reads it: {error:?}");
        }
        (Ok(_), None) => panic!("only the gate reads it"),
    }
}

/// Every list of mounts has lost the elements that the notes name, and nothing else is gone or changed.
fn only_that_is_gone(before: &[u8], after: &[u8], notes: &Notes) {
    let apart = |body: &[u8]| {
        let node = reader::read(body, Manner::Strict).expect("the twin reads it");
        mounts_apart(std::str::from_utf8(body).expect("text"), &node)
    };
    let ((lists_before, rest_before), (lists_after, rest_after)) = (apart(before), apart(after));
    assert_eq!(rest_before, rest_after);
    assert_eq!(lists_before.len(), lists_after.len());
    let mut gone = 0;
    for (before, after) in lists_before.iter().zip(&lists_after) {
        let mut kept = after.iter().peekable();
        for element in before {
            if kept.next_if_eq(&element).is_none() {
                gone += 1;
            }
        }
        assert_eq!(kept.next(), None, "it was not there before");
    }
    let is_list = |step: &Step| matches!(step, Step::Field("Binds" | "Mounts"));
    let named: BTreeSet<String> = notes
        .stripped
        .iter()
        .map(|finding| {
            let end = finding.path.iter().rposition(is_list).expect("a list of mounts") + 2;
            format!("{:?}", &finding.path[..end])
        })
        .collect();
    assert_eq!(gone, named.len(), "{named:?}");
}

fn reaches_nothing(body: &[u8], open: &[&str]) {
    for generation in [Generation::Old, Generation::New] {
        let forbidden = effective(body, generation).map(|effective| effective.forbidden(open));
        let forbidden = forbidden.unwrap_or_default();
        assert!(forbidden.is_empty(), "{generation:?}: {forbidden:?} passes");
    }
}
