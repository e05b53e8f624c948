//! `dockgate check`: what the gate would do with a request, and why. The same code judges as in
//! the gate; no daemon is asked.

use super::config::Config;
use crate::admission::compressed::{self, Compression};
use crate::admission::finding::field_name;
use crate::admission::lookup::Scope;
use crate::admission::verdict::Notes;
use crate::admission::{Question, shield};
use crate::api::Operation;
use crate::http::{HeadScan, RequestHead};
use crate::policy::table::deciding;
use crate::policy::{Decision, Inquiry, Policy, Refusal};
use std::fmt::Write as _;

/// The largest head that is made here, in bytes: the command line is the limit.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// A line of a report: what it is, and what it says.
type Line = (&'static str, String);

const BECAUSE: &str = "because";
const WARNING: &str = "warning";

/// What would become of a request.
#[derive(Debug)]
pub struct Report {
    /// Whether it would be sent to the daemon.
    pub is_allowed: bool,
    /// The whole story, for people.
    pub text: String,
}

/// Judges a request. `None` where method and target can't make a request line at all.
#[must_use]
pub fn check(config: &Config, method: &str, target: &str, body: &[u8]) -> Option<Report> {
    let is_word = |text: &str| !text.is_empty() && !text.bytes().any(|byte| byte <= b' ');
    if !is_word(method) || !is_word(target) {
        return None;
    }
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    };
    let head = format!("{method} {target} HTTP/1.1\r\nHost: dockgate\r\n{length}\r\n");
    let found = HeadScan::default().find(head.as_bytes(), HEAD_BYTES_MAX);
    let head = match found.and_then(|_| RequestHead::parse(head.as_bytes())) {
        Ok(head) => head,
        Err(error) => {
            let why = [(BECAUSE, format!("{error} ({})", error.name()))];
            return Some(report("-", false, &format!("refused, {}", error.status()), &why));
        }
    };
    let policy = Policy::new(config.policy, config.api_version_min, config.rules.clone());
    Some(match policy.judge(&head) {
        Decision::Refuse(refusal) => refused(&refusal),
        Decision::Allow(grant) => allowed(config, grant.operation(), &Notes::default(), Vec::new()),
        Decision::Inquire(inquiry) => asked(config, *inquiry, body),
        Decision::Examine(examination) if body.len() > config.limits.json_bytes_max => {
            refused(&examination.too_long(config.limits.json_bytes_max))
        }
        Decision::Examine(examination) => match examination.judge(body.to_vec()) {
            Err(refusal) => refused(&refusal),
            Ok(inquiry) => {
                let mut report = asked(config, inquiry, b"");
                if report.is_allowed && body.is_empty() {
                    report
                        .add(WARNING, "no body was given (--body FILE); its arguments decide too");
                }
                report
            }
        },
    })
}

/// What hangs on the daemon's answers, which are supposed to be harmless, and on how a body begins
/// that is not examined.
fn asked(config: &Config, mut inquiry: Inquiry, body: &[u8]) -> Report {
    let operation = inquiry.operation();
    let mut questions = Vec::new();
    while let Some((question, _)) = inquiry.question() {
        let (status, body) = question.supposed();
        questions.extend(match question {
            // Told with the shields that stand.
            Question::Engine(used) if used.is_of_shield() => None,
            Question::Volume(used) => Some(format!(
                "volume {:?}: if it exists, it must not mount what is not allowed",
                used.name
            )),
            Question::Network(networks) => {
                let names = networks.uses.iter().map(|used| format!("{:?}", used.name));
                let names = names.collect::<Vec<_>>().join(", ");
                let scope = match networks.scope {
                    Scope::Local => "this daemon's",
                    Scope::Swarm => "the swarm's",
                };
                Some(format!(
                    "network {names} must not be the id of {scope} host network, or its beginning"
                ))
            }
            Question::Container(lookup) => Some(format!(
                "container {:?} must have nothing that a create might not ask for",
                lookup.reference
            )),
            Question::Exec(id) => Some(format!("exec {id:?} must not be privileged")),
            Question::Service(lookup) => Some(format!(
                "service {:?} must not be the gate's own, nor have been what is not allowed if it is rolled back",
                lookup.reference
            )),
            Question::Node(used) => {
                Some(format!("node {:?} must have the role {:?} already", used.node, used.role))
            }
            Question::Engine(used) => {
                Some(format!("{} must be what the engine has by default", field_name(&used.path)))
            }
        });
        inquiry.answer(Some((status, body)));
    }
    match inquiry.close() {
        Err(refusal) => refused(&refusal),
        Ok((grant, passed)) => match grant.first_bytes() {
            Some(shield) if compressed::detect(body) == Compression::Compressed => {
                refused(&grant.compressed(shield))
            }
            Some(_) | None => allowed(config, operation, &passed.notes, questions),
        },
    }
}

fn allowed(config: &Config, operation: Operation, notes: &Notes, more: Vec<String>) -> Report {
    let variables: Vec<String> =
        deciding(operation, config.policy).iter().map(|variable| format!("{variable}=1")).collect();
    let mut why = vec![("allowed by", variables.join(" and "))];
    why.extend(more.into_iter().map(|condition| ("depends on", condition)));
    let shields = shield::standing(&config.rules, None)
        .filter(|shield| shield.looks.is_outside() && shield.operations.contains(&operation));
    why.extend(shields.map(|shield| {
        let name = shield.name();
        (WARNING, format!("refused where it triggers {name} (docs/shields.md, ENGINE_FIXED)"))
    }));
    if let Some(findings) = &notes.would_refuse {
        let only_recorded = |finding| format!("ADMISSION=enforce would refuse it: {finding}");
        why.extend(findings.iter().map(|finding| (WARNING, only_recorded(finding))));
    }
    why.extend(notes.stripped.iter().map(|finding| ("removed", finding.to_string())));
    let unknown = |field: &String| (WARNING, format!("{field} is in no API description"));
    why.extend(notes.unknown.iter().map(unknown));
    report(operation.id(), true, "allowed", &why)
}

fn refused(refusal: &Refusal) -> Report {
    let mut why: Vec<Line> =
        refusal.findings().map(|finding| (BECAUSE, finding.to_string())).collect();
    if why.is_empty() {
        why.push((BECAUSE, refusal.to_string()));
    }
    let operation = refusal.operation.map_or("-", Operation::id);
    let verdict = format!("refused, {} {}", refusal.status(), refusal.name());
    report(operation, false, &verdict, &why)
}

fn report(operation: &str, is_allowed: bool, verdict: &str, why: &[Line]) -> Report {
    let mut report = Report { is_allowed, text: String::new() };
    report.add("operation", operation);
    report.add("verdict", verdict);
    for (label, text) in why {
        report.add(label, text);
    }
    report
}

impl Report {
    fn add(&mut self, label: &str, text: &str) {
        // A String takes whatever is written to it.
        let _ = writeln!(self.text, "{label:<10} {text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_with(environment: &[(&str, &str)], target: &str, body: &str) -> Report {
        let pairs = environment.iter().map(|&(name, value)| (name.into(), value.into()));
        let config = Config::read(pairs).expect("a configuration");
        check(&config, "POST", target, body.as_bytes()).expect("a request")
    }

    const OPEN: [(&str, &str); 2] = [("CONTAINERS", "1"), ("POST", "1")];

    #[test]
    fn every_field_that_decides_is_named_with_its_variable() {
        let body = r#"{"HostConfig":{"Privileged":true,"CapAdd":["SYS_ADMIN"]}}"#;
        let report = check_with(&OPEN, "/v1.47/containers/create?name=x", body);
        assert!(!report.is_allowed);
        for part in [
            "operation  ContainerCreate",
            "verdict    refused, 403 privileged",
            "needs ALLOW_PRIVILEGED=1",
            "HostConfig.CapAdd[0] \"SYS_ADMIN\"",
            "needs ALLOW_CAPABILITIES=SYS_ADMIN",
        ] {
            assert!(report.text.contains(part), "{part}: {}", report.text);
        }
    }

    #[test]
    fn what_is_allowed_says_by_what_and_on_what_terms() {
        let body = r#"{"HostConfig":{"Binds":["data:/d"],"NewField":1}}"#;
        let report = check_with(&OPEN, "/containers/create", body);
        assert!(report.is_allowed);
        for part in [
            "allowed by CONTAINERS=1 and POST=1",
            "depends on volume \"data\": if it exists",
            "warning    HostConfig.NewField is in no",
        ] {
            assert!(report.text.contains(part), "{part}: {}", report.text);
        }
    }

    #[test]
    fn a_request_that_triggers_a_weakness_is_refused_and_one_that_may_is_told_of() {
        let config = |more: &[(&str, &str)]| {
            let pairs = OPEN.iter().chain(more).map(|&(name, value)| (name.into(), value.into()));
            Config::read(pairs).expect("a configuration")
        };
        let put = |config: &Config, body: &[u8]| {
            check(config, "PUT", "/containers/x/archive?path=/", body).expect("a request")
        };
        let held = config(&[]);
        let report = put(&held, b"BZh9");
        assert!(
            !report.is_allowed && report.text.contains("403 engine-weakness"),
            "{}",
            report.text
        );
        assert!(report.text.contains("body is a compressed archive"), "{}", report.text);
        for body in [&b""[..], b"BZ", b"file"] {
            let report = put(&held, body);
            assert!(report.is_allowed, "{}", report.text);
            for name in ["where it triggers CVE-2026-42306 (", "where it triggers CVE-2026-41567 ("]
            {
                assert!(report.text.contains(name), "{}", report.text);
            }
        }
        let lifted = put(&config(&[("ENGINE_FIXED", "*")]), b"BZh9");
        assert!(lifted.is_allowed && !lifted.text.contains("CVE-"), "{}", lifted.text);
        let created = check(&held, "POST", "/containers/create", b"{}").expect("a request");
        assert!(!created.text.contains("CVE-"), "{}", created.text);
    }

    #[test]
    fn other_refusals_say_what_they_say_on_the_wire() {
        let report = check_with(&[], "/containers/create", "{}");
        assert!(report.text.contains("needs CONTAINERS=1 and POST=1"), "{}", report.text);
        let report = check_with(&OPEN, "/containers//create", "{}");
        assert!(
            !report.is_allowed && report.text.contains("redirected to /containers/create"),
            "{}",
            report.text
        );
        let config = Config::read(std::iter::empty()).expect("defaults");
        assert!(check(&config, "GET /x", "/y", b"").is_none());
        assert!(check(&config, "GET", "/y\r\nA: b", b"").is_none());
    }
}
