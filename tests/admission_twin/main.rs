//! The admission's twin: a second, slow reader of bodies and queries that does with them what the
//! daemon does. Whatever the gate lets pass, the twin finds nothing in it that reaches the host.

mod bodies;
mod compare;
mod daemon;
mod reader;

use bodies::Tape;
use compare::{is_beyond, is_same, mounts_apart, repeats, repeats_somewhere};
use daemon::{Generation, effective};
use dockgate::admission::json::{self, Keys};
use dockgate::admission::verdict::Case;
use dockgate::admission::{Examiner, Question, Rules, Variable};
use dockgate::api::Operation;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use reader::Manner;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

const CASES: u32 = 3000;

const GENERATIONS: [Generation; 2] = [Generation::Old, Generation::New];

/// Runs a property on what tapes make.
fn check(property: impl Fn(&mut Tape<'_>) -> Result<(), TestCaseError>) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&vec(any::<u8>(), 0..160), |tape| property(&mut Tape::new(&tape)))
        .unwrap_or_else(|error| panic!("{error}"));
}

fn examiner(operation: Operation) -> &'static Examiner {
    Examiner::find(operation).expect("it is examined")
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn both_readers_find_the_same_or_nothing() {
    let read = Cell::new(0_u32);
    check(|tape| {
        for body in [bodies::soup(tape), bodies::create(tape)] {
            let (ours, theirs) = (json::read(&body), reader::read(&body, Manner::Strict));
            match (ours, theirs) {
                (Ok(ours), Some(theirs)) => {
                    prop_assert!(is_same(&ours, &theirs), "{}", shown(&body));
                    for keys in [Keys::Folded, Keys::Exact] {
                        let expected = repeats(&theirs, keys);
                        prop_assert_eq!(
                            repeats_somewhere(&ours, keys),
                            expected,
                            "{}",
                            shown(&body)
                        );
                    }
                    read.set(read.get() + 1);
                }
                (Err(_), None) => {}
                (Err(_), Some(theirs)) => {
                    prop_assert!(is_beyond(&theirs), "{}", shown(&body));
                }
                (Ok(_), None) => prop_assert!(false, "only we can read {}", shown(&body)),
            }
        }
        Ok(())
    });
    assert!((CASES / 2..CASES * 2).contains(&read.get()), "{} were read", read.get());
}

/// What the engine says of itself.
const ENGINE: &[u8] = br#"{"DefaultRuntime":"runc","ServerVersion":"20.10.24"}"#;

#[test]
fn what_passes_holds_nothing_that_reaches_the_host() {
    let (passed, withheld, confined) = (Cell::new(0_u32), Cell::new(0_u32), Cell::new(0_u32));
    let rules = Rules::new();
    let asking = rules.clone().with(Variable::RequireReadonlyRootfs, "1").expect("a switch");
    check(|tape| {
        let body = bodies::create(tape);
        let examined = examiner(Operation::ContainerCreate).examine(&rules, &body);
        let volume = |question: &Question| match question {
            Question::Volume(used) => Some(used.name.clone()),
            Question::Container(_)
            | Question::Exec(_)
            | Question::Service(_)
            | Question::Node(_)
            | Question::Engine(_)
            | Question::Network(_) => None,
        };
        let asked: BTreeSet<String> = examined.questions.iter().filter_map(volume).collect();
        // What depends on the engine, one with these defaults decides.
        let of_engine = |question: &Question| match question {
            Question::Engine(_) => question.answered(&rules, 200, ENGINE).examined.findings.len(),
            Question::Volume(_)
            | Question::Container(_)
            | Question::Exec(_)
            | Question::Service(_)
            | Question::Node(_)
            | Question::Network(_) => 0,
        };
        let is_clear = examined.findings.is_empty()
            && examined.questions.iter().map(of_engine).sum::<usize>() == 0;
        passed.set(passed.get() + u32::from(is_clear));
        let is_confined =
            examiner(Operation::ContainerCreate).examine(&asking, &body).findings.is_empty();
        confined.set(confined.get() + u32::from(is_confined));
        for generation in GENERATIONS {
            let Some(effective) = effective(&body, generation) else { continue };
            let is_writable = is_confined && !effective.host.readonly_rootfs;
            prop_assert!(!is_writable, "{generation:?} may write in {}", shown(&body));
            let forbidden = effective.forbidden(&[]);
            withheld.set(withheld.get() + u32::from(!forbidden.is_empty()));
            if is_clear {
                let what = format!("{generation:?}: {}", shown(&body));
                prop_assert!(forbidden.is_empty(), "{forbidden:?} passes in {what}");
                prop_assert!(effective.volumes().is_subset(&asked), "nobody asks: {what}");
            }
        }
        let repeats =
            reader::read(&body, Manner::AsGo).is_some_and(|node| repeats(&node, Keys::Exact));
        prop_assert!(!(is_clear && repeats), "a key is there twice: {}", shown(&body));
        Ok(())
    });
    assert!(passed.get() > CASES / 8, "only {} passed", passed.get());
    assert!(confined.get() > CASES / 32, "only {} were confined", confined.get());
    assert!(withheld.get() > CASES / 8, "only {} did harm", withheld.get());
}

#[test]
fn strip_takes_out_forbidden_mounts_and_nothing_else() {
    let stripped = Cell::new(0_u32);
    let rules = Rules::new().with(Variable::BindMountAction, "strip").expect("a word");
    let open = rules.clone().with(Variable::BindMounts, "/srv/a").expect("a path");
    let rules = [(Arc::new(rules), &[][..]), (Arc::new(open), &["/srv/a"][..])];
    check(|tape| {
        let body = if tape.once_in(4) { bodies::create(tape) } else { bodies::mounting(tape) };
        for (rules, allowed) in &rules {
            let mut case = Case::of(examiner(Operation::ContainerCreate), rules, None, None);
            case.read(body.clone());
            while case.question().is_some() {
                case.answer(404, b"{}");
            }
            let Ok(passed) = case.close() else { continue };
            for generation in GENERATIONS {
                let sent = effective(&passed.body, generation);
                let forbidden = sent.map(|sent| sent.forbidden(allowed)).unwrap_or_default();
                prop_assert!(
                    forbidden.is_empty(),
                    "{forbidden:?} passes in {}",
                    shown(&passed.body)
                );
            }
            if passed.notes.stripped.is_empty() {
                prop_assert!(passed.body == body, "{}", shown(&body));
                continue;
            }
            stripped.set(stripped.get() + 1);
            let apart = |body: &[u8]| {
                let node = reader::read(body, Manner::Strict).expect("what is sent can be read");
                mounts_apart(&shown(body), &node)
            };
            let ((before, rest_before), (after, rest_after)) = (apart(&body), apart(&passed.body));
            prop_assert_eq!(rest_before, rest_after);
            prop_assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(&after) {
                let mut kept = after.iter().peekable();
                for element in before {
                    if kept.peek() == Some(&element) {
                        kept.next();
                    } else {
                        prop_assert!(
                            is_forbidden_alone(element, allowed),
                            "{element} was taken out"
                        );
                    }
                }
                prop_assert_eq!(
                    kept.next(),
                    None,
                    "{} has become {}",
                    shown(&body),
                    shown(&passed.body)
                );
            }
        }
        Ok(())
    });
    assert!(stripped.get() > CASES / 50, "only {} were stripped", stripped.get());
}

/// Whether a bind or a mount, as it is written, would be forbidden in a body of its own.
fn is_forbidden_alone(element: &str, allowed: daemon::Allowed<'_>) -> bool {
    ["Binds", "Mounts"].iter().any(|list| {
        let body = format!("{{\"HostConfig\":{{\"{list}\":[{element}]}}}}");
        effective(body.as_bytes(), Generation::New)
            .is_some_and(|effective| !effective.forbidden(allowed).is_empty())
    })
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Go's `ParseQuery`: what can't be read is dropped, and the rest counts.
fn parse_query(query: &[u8]) -> (Pairs, bool) {
    let mut pairs = Pairs::new();
    let mut is_whole = true;
    for part in query.split(|&byte| byte == b'&') {
        if part.contains(&b';') {
            is_whole = false;
            continue;
        }
        if part.is_empty() {
            continue;
        }
        let at = part.iter().position(|&byte| byte == b'=');
        let (key, value) = at.map_or((part, &[][..]), |at| (&part[..at], &part[at + 1..]));
        match (unescape(key), unescape(value)) {
            (Some(key), Some(value)) => pairs.push((key, value)),
            (_, _) => is_whole = false,
        }
    }
    (pairs, is_whole)
}

fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: Option<&u8>| u8::try_from(char::from(*byte?).to_digit(16)?).ok();
    let mut bytes = text.iter();
    let mut plain = Vec::new();
    while let Some(&byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next())? * 16 + digit(bytes.next())?,
            other => other,
        });
    }
    Some(plain)
}

#[test]
fn a_query_that_passes_is_fine_in_the_daemons_reading() {
    let rules = Rules::new();
    let passed = Cell::new(0_u32);
    check(|tape| {
        let query = bodies::query(tape);
        let (pairs, is_whole) = parse_query(&query);
        let first = |name: &str| {
            let mut values = pairs.iter().filter(|(key, _)| key == name.as_bytes());
            let value = values.next().map(|(_, value)| value.clone()).unwrap_or_default();
            (value, values.next().is_none())
        };
        let are_texts = pairs.iter().flat_map(|(key, value)| [key, value]);
        let are_texts = are_texts.clone().all(|text| std::str::from_utf8(text).is_ok());
        let lines: [(Operation, &str, &[&str]); 4] = [
            (Operation::ImageBuild, "networkmode", &["", "default", "bridge", "none"]),
            (Operation::ImageBuild, "remote", &["", "client-session"]),
            (Operation::ImageBuild, "cgroupparent", &[""]),
            (Operation::ImageCreate, "fromSrc", &["", "-"]),
        ];
        for operation in [Operation::ImageBuild, Operation::ImageCreate] {
            let is_clear = examiner(operation).head(&rules, Some(&query), None).findings.is_empty();
            let lines = || lines.iter().filter(|line| line.0 == operation);
            let is_fine = lines()
                .all(|(_, name, fine)| fine.iter().any(|fine| first(name).0 == fine.as_bytes()));
            prop_assert!(!is_clear || is_fine && is_whole, "{}", shown(&query));
            let is_single = lines().all(|(_, name, _)| first(name).1) && first("fromImage").1;
            if is_fine && is_whole && is_single && are_texts {
                prop_assert!(is_clear, "{}", shown(&query));
            }
            passed.set(passed.get() + u32::from(is_clear));
        }
        Ok(())
    });
    assert!(passed.get() > CASES / 4, "only {} passed", passed.get());
}
