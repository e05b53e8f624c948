//! What only the daemon knows, and must be asked before a request may pass: how a volume that is
//! named was made, and what a container that is written to has mounted. Asking is the caller's
//! part; here are the questions, and what the answers mean.

use super::finding::{Cause, Finding, Step, shown};
use super::json;
use super::judge::{Examined, Judge};
use super::rules::Rules;
use super::{archive, mount, network};
use std::fmt::Write as _;

/// A volume that a request names: what it is, only the daemon knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeUse {
    /// Its name.
    pub name: String,
    /// Where the request names it.
    pub path: Vec<Step>,
    /// Whether it is only to be read.
    pub is_read_only: bool,
}

/// A network that a service names: by an id, or its beginning, it may be the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkUse {
    /// Its name, its id or the beginning of one.
    pub name: String,
    /// Where the request names it.
    pub path: Vec<Step>,
}

/// Where a daemon looks for a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Among its own.
    Local,
    /// Among the swarm's.
    Swarm,
}

impl Scope {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Local, Self::Swarm];
}

/// The networks that a service names, which may be the host's in that scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks {
    /// Where it is looked for.
    pub scope: Scope,
    /// What the service names; at least one.
    pub uses: Vec<NetworkUse>,
}

/// A question, answered by a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// How was this volume made? (`VolumeInspect`)
    Volume(VolumeUse),
    /// What has this container mounted? (`ContainerInspect`)
    Container(String),
    /// What ids has the host's network? (`NetworkList`, and `NetworkInspect` for the swarm's)
    Network(Networks),
}

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// What may not pass, and what else must be asked.
    pub examined: Examined,
    /// The container's full id: the name that was asked about may be another's a moment later.
    pub id: Option<String>,
}

impl Question {
    /// The path to GET.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Volume(used) => format!("/volumes/{}", encoded(&used.name)),
            Self::Container(name) => format!("/containers/{}/json", encoded(name)),
            Self::Network(networks) => match networks.scope {
                // filters={"driver":{"host":true}}: the list, since a name finds other scopes too.
                Scope::Local => "/networks?filters=%7B%22driver%22%3A%7B%22host%22%3Atrue%7D%7D",
                Scope::Swarm => "/networks/host?scope=swarm",
            }
            .to_owned(),
        }
    }

    /// Judges the daemon's answer.
    #[must_use]
    pub fn answered(&self, rules: &Rules, status: u16, body: &[u8]) -> Answered {
        let mut judge = Judge::new(rules);
        let mut id = None;
        let is_readable = match (status, json::read(body)) {
            (404, _) => {
                judge.examined.findings.extend(self.missing());
                true
            }
            (200, Ok(answer)) => match self {
                Self::Volume(used) => mount::existing_volume(&mut judge, used, &answer),
                Self::Container(_) => {
                    id = archive::existing_container(&mut judge, &answer);
                    id.is_some()
                }
                Self::Network(used) => network::existing_network(&mut judge, used, &answer),
            },
            (_, _) => false,
        };
        if !is_readable {
            judge.examined.findings.push(self.unanswered());
        }
        Answered { examined: judge.examined, id }
    }

    /// The finding where there is no such thing. A volume the daemon will make as the request, which
    /// has been judged, describes it; but sent on by its name, a request for a container could meet
    /// one that bears it by then.
    fn missing(&self) -> Option<Finding> {
        match self {
            Self::Volume(_) => None,
            // Outside a swarm the host's network has no id there.
            Self::Network(networks) if networks.scope == Scope::Swarm => None,
            Self::Network(_) => Some(self.unanswered()),
            Self::Container(_) => Some(Finding {
                cause: Cause::Missing,
                reason: "does not exist",
                ..self.unanswered()
            }),
        }
    }

    /// What to take for the answer where there is no daemon to ask: nothing that stands in the way.
    #[must_use]
    pub fn supposed(&self) -> (u16, &'static [u8]) {
        match self {
            Self::Volume(_) => (404, b""),
            Self::Network(networks) => match networks.scope {
                Scope::Local => (200, b"[]"),
                Scope::Swarm => (404, b""),
            },
            Self::Container(_) => (200, br#"{"Id":"0"}"#),
        }
    }

    /// The finding where no answer could be had.
    #[must_use]
    pub fn unanswered(&self) -> Finding {
        let empty = String::new();
        let (path, name) = match self {
            Self::Volume(used) => (used.path.clone(), &used.name),
            Self::Network(networks) => match networks.uses.first() {
                Some(used) => (used.path.clone(), &used.name),
                None => (Vec::new(), &empty),
            },
            Self::Container(name) => (Vec::new(), name),
        };
        let reason = "has to be looked up, and the daemon did not say what it is";
        Finding { path, value: shown(name), ..Finding::of(Cause::Unanswered, reason) }
    }
}

/// A name as one segment of a path (RFC 3986, section 2.3: what is unreserved stays).
fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // A String takes whatever is written to it.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::variable::Variable;

    fn volume(answer: &str, status: u16, rules: &Rules) -> Vec<String> {
        let used = VolumeUse { name: "data".to_owned(), path: Vec::new(), is_read_only: false };
        let answered = Question::Volume(used).answered(rules, status, answer.as_bytes());
        answered.examined.findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_volume_is_what_the_daemon_says_it_is() {
        let rules = Rules::new();
        assert!(volume("{\"message\":\"no such volume\"}", 404, &rules).is_empty());
        assert!(volume("{\"Driver\":\"local\",\"Options\":null}", 200, &rules).is_empty());
        assert!(
            volume("{\"Driver\":\"local\",\"Options\":{\"size\":\"1m\"}}", 200, &rules).is_empty()
        );
        let bound = "{\"Driver\":\"local\",\"Options\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/etc\"}}";
        assert_eq!(
            volume(bound, 200, &rules),
            [
                "\"data\" is a volume that was made to mount what is not allowed here: needs ALLOW_BIND_MOUNTS=/etc"
            ]
        );
        let open = rules.clone().with(Variable::BindMounts, "/etc").expect("a path");
        assert!(volume(bound, 200, &open).is_empty());
        for (answer, status) in [("{}", 500), ("", 200), ("{\"Driver\":1}", 200), ("[]", 200)] {
            assert_eq!(volume(answer, status, &rules).len(), 1, "{answer}");
        }
    }

    #[test]
    fn a_container_is_named_by_an_id_or_not_at_all() {
        let container = |answer: &str| {
            let question = Question::Container("web".to_owned());
            let answered = question.answered(&Rules::new(), 200, answer.as_bytes());
            (answered.id, answered.examined.findings.len())
        };
        assert_eq!(container(r#"{"Id":"0f","Mounts":[]}"#), (Some("0f".to_owned()), 0));
        for answer in [
            "{}",
            r#"{"Id":""}"#,
            r#"{"Id":1}"#,
            r#"{"Id":"0f/../x"}"#,
            r#"{"Id":"0f HTTP/1.1"}"#,
            r#"{"Id":"0f","Mounts":{}}"#,
        ] {
            assert_eq!(container(answer), (None, 1), "{answer}");
        }
    }

    fn network(scope: Scope, name: &str, path: &[Step]) -> Question {
        let used = NetworkUse { name: name.to_owned(), path: path.to_vec() };
        Question::Network(Networks { scope, uses: vec![used] })
    }

    fn questions() -> [Question; 4] {
        let path = vec![Step::Field("HostConfig"), Step::Field("Binds"), Step::Index(0)];
        let name = "x".to_owned();
        [
            Question::Volume(VolumeUse {
                name: name.clone(),
                path: path.clone(),
                is_read_only: true,
            }),
            network(Scope::Local, &name, &path),
            network(Scope::Swarm, &name, &path),
            Question::Container(name),
        ]
    }

    #[test]
    fn what_was_not_answered_is_named_where_the_request_names_it() {
        for (question, expected) in questions().iter().zip([
            "HostConfig.Binds[0] \"x\" has to be looked up",
            "HostConfig.Binds[0] \"x\" has to be looked up",
            "HostConfig.Binds[0] \"x\" has to be looked up",
            "\"x\" has to be looked up",
        ]) {
            let finding = question.unanswered();
            assert_eq!(finding.cause, Cause::Unanswered);
            assert!(finding.to_string().starts_with(expected), "{finding}");
        }
    }

    #[test]
    fn only_a_container_must_exist() {
        for question in questions() {
            let findings = question.answered(&Rules::new(), 404, b"").examined.findings;
            match question {
                Question::Volume(_) => assert_eq!(findings, []),
                Question::Network(networks) => {
                    let expected = usize::from(networks.scope == Scope::Local);
                    assert_eq!(findings.len(), expected, "{networks:?}");
                }
                Question::Container(_) => {
                    let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
                    assert_eq!(found, ["\"x\" does not exist"]);
                    assert!(findings.iter().all(|finding| finding.cause == Cause::Missing));
                }
            }
        }
    }

    #[test]
    fn what_is_supposed_stands_in_nobodys_way() {
        for question in questions() {
            let (status, body) = question.supposed();
            let answered = question.answered(&Rules::new(), status, body);
            assert_eq!(answered.examined, Examined::default(), "{question:?}");
        }
    }

    #[test]
    fn a_network_is_the_hosts_by_every_beginning_of_its_ids() {
        let found = |scope, name: &str, answer: &str| {
            let answered =
                network(scope, name, &[]).answered(&Rules::new(), 200, answer.as_bytes());
            let causes = answered.examined.findings.iter().map(|finding| finding.cause);
            causes.collect::<Vec<_>>()
        };
        let local = r#"[{"Name":"host","Id":"6a1f","Driver":"host"}]"#;
        let swarm = r#"{"Name":"host","Id":"k3xy","Driver":"host"}"#;
        let hosts = [Cause::Withheld(Variable::HostNamespaces)];
        for name in ["6", "6a1", "6a1f"] {
            assert_eq!(found(Scope::Local, name, local), hosts, "{name}");
        }
        for name in ["6a1f0", "a", "net", "k3"] {
            assert_eq!(found(Scope::Local, name, local), [], "{name}");
        }
        assert_eq!(found(Scope::Swarm, "k3", swarm), hosts);
        assert_eq!(found(Scope::Swarm, "6a1", swarm), []);
        for (scope, answer) in [
            (Scope::Local, "{}"),
            (Scope::Local, r#"[{"Name":"host","Driver":"host"}]"#),
            (Scope::Local, r#"[{"Name":"net","Id":"1","Driver":"bridge"}]"#),
            (Scope::Swarm, "[]"),
            (Scope::Swarm, r#"{"Name":"net","Id":"1","Driver":"overlay"}"#),
        ] {
            assert_eq!(found(scope, "6a1", answer), [Cause::Unanswered], "{answer}");
        }
        assert_eq!(found(Scope::Local, "6a1", "[]"), []);
    }

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(
            Question::Container("a/../b?c%".to_owned()).path(),
            "/containers/a%2F..%2Fb%3Fc%25/json"
        );
    }
}
