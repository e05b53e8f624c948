//! Any bytes as the arguments of any examined operation: examining them twice finds the same, and
//! what is left of a body whose mounts were taken out passes as it is.
#![no_main]

use dockgate::admission::examiner::EXAMINERS;
use dockgate::admission::json;
use dockgate::admission::verdict::{Case, Passed, before_hijack};
use dockgate::admission::{Findings, Rules, Variable};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static RULES: LazyLock<[Arc<Rules>; 3]> = LazyLock::new(|| {
    let with = |settings: &[(Variable, &str)]| {
        let rules = settings.iter().fold(Rules::new(), |rules, &(variable, text)| {
            rules.with(variable, text).expect("a value that can be read")
        });
        Arc::new(rules)
    };
    [
        with(&[]),
        with(&[(Variable::BindMountAction, "strip"), (Variable::BindMounts, "/srv,/var/log:ro")]),
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

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let examiner = &EXAMINERS[usize::from(first) % EXAMINERS.len()];
    // An operation has a body, a query or a name; with both, the first line is the query.
    let (query, body) = match rest.iter().position(|&byte| byte == b'\n') {
        Some(at) if examiner.body.is_some() && !examiner.query.is_empty() => {
            (&rest[..at], &rest[at + 1..])
        }
        Some(_) | None => (rest, rest),
    };
    let name = std::str::from_utf8(rest).ok();
    for rules in RULES.iter() {
        let close = |body: &[u8]| -> Result<Passed, Findings> {
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
        };
        match (close(body), close(body)) {
            (Ok(one), Ok(other)) => {
                assert_eq!((&one.body, &one.notes), (&other.body, &other.notes));
                if one.notes.stripped.is_empty() {
                    assert_eq!(one.body, body);
                } else {
                    assert!(one.body.len() < body.len());
                    let again = close(&one.body).expect("what is left passes");
                    assert!(again.notes.stripped.is_empty() && again.body == one.body);
                }
                if examiner.body.is_some() && !body.is_empty() {
                    assert!(json::read(&one.body).is_ok());
                }
            }
            (Err(one), Err(other)) => {
                assert_eq!(one, other);
                assert!(one.to_string().is_ascii());
            }
            (_, _) => panic!("two readings"),
        }
    }
    if before_hijack(rest).is_ok() {
        assert!(rest.is_empty() || json::read(rest).is_ok());
    }
});
