//! What only the daemon knows, and must be asked before a request may pass: how a volume that is
//! named was made, what a container that exists has, which one a reference means, what the engine
//! does by default. Asking is the caller's part; here are the questions, and what the answers mean.

use super::engine::{Engine, EngineUse, EngineVersion};
use super::existing::{self, ContainerUse, Extent};
use super::finding::{Cause, Finding, Step, shown};
use super::json;
use super::judge::{Examined, Judge};
use super::rules::{Mode, Rules};
use super::swarm::{self, RoleUse};
use super::{mount, network, own, query, service, shield};
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

/// Where a request refers to a container. There the full id is put before it is sent on: what a
/// name or the beginning of an id means may be another a moment later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferencePlace {
    /// In its path.
    Path,
    /// In this parameter of its query.
    Query(&'static str),
    /// In its body, in a text that has something before and after the reference.
    Body {
        /// The steps to the text.
        path: Vec<Step>,
        /// What is before it.
        before: String,
        /// What is after it.
        after: String,
    },
    /// Nowhere: the request names something of the container's.
    Nowhere,
}

/// A reference to a container, and what the request does with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerLookup {
    /// A name, an id or the beginning of one.
    pub reference: String,
    /// What for.
    pub usage: ContainerUse,
    /// Where it stands.
    pub place: ReferencePlace,
}

impl ContainerLookup {
    /// A reference that must not mean the gate's own container.
    #[must_use]
    pub fn managed(reference: &str, place: ReferencePlace) -> Self {
        Self { reference: reference.to_owned(), usage: ContainerUse::Manage, place }
    }

    /// What it comes to, where the container's full id is `id`.
    #[must_use]
    pub fn resolved(&self, id: String) -> Resolved {
        Resolved { id, place: self.place.clone(), usage: self.usage }
    }
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

/// A service that is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLookup {
    /// Its name, its id or the beginning of one.
    pub reference: String,
    /// It is to become what it was before: the version that it must have then, as the request names
    /// it, so that nothing comes in between.
    pub rollback: Option<String>,
}

impl ServiceLookup {
    /// The service of a request with this query. One that can't be read may say anything.
    #[must_use]
    pub fn of(reference: &str, query: Option<&[u8]>) -> Self {
        let parameters = query::read(query.unwrap_or_default());
        let first = |name| {
            let parameters = parameters.as_ref()?;
            parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        let rolls_back =
            parameters.is_none() || first("rollback").is_some_and(|word| !word.is_empty());
        let rollback = rolls_back.then(|| first("version").unwrap_or_default());
        Self { reference: reference.to_owned(), rollback }
    }
}

/// A question, answered by a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// How was this volume made? (`VolumeInspect`)
    Volume(VolumeUse),
    /// Which container is this, and what does it have? (`ContainerInspect`)
    Container(ContainerLookup),
    /// Whose is this exec? (`ExecInspect`)
    Exec(String),
    /// Is this the service that the gate runs in, and what was it before? (`ServiceInspect`)
    Service(ServiceLookup),
    /// What ids has the host's network? (`NetworkList`, and `NetworkInspect` for the swarm's)
    Network(Networks),
    /// Has this node that role already? (`NodeInspect`)
    Node(RoleUse),
    /// What does the engine do by default? (`SystemInfo`)
    Engine(EngineUse),
}

/// A container that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its full id.
    pub id: String,
    /// Where the request refers to it.
    pub place: ReferencePlace,
    /// What for.
    pub usage: ContainerUse,
}

/// What an answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// What may not pass, and what else must be asked.
    pub examined: Examined,
    /// The container that it is about.
    pub resolved: Option<Resolved>,
    /// The engine's release, where it has said that.
    pub version: Option<EngineVersion>,
}

impl Question {
    /// What is asked about the container in the path of a request that uses it so.
    #[must_use]
    pub fn of_path(reference: &str, usage: ContainerUse) -> Self {
        let reference = reference.to_owned();
        Self::Container(ContainerLookup { reference, usage, place: ReferencePlace::Path })
    }

    /// Notes that what it asks about stands in the query, in the parameter that its path names.
    pub fn stands_in_query(&mut self) {
        if let Self::Container(lookup) = self
            && let ReferencePlace::Body { path, .. } = &lookup.place
            && let Some(&Step::Field(name)) = path.first()
        {
            lookup.place = ReferencePlace::Query(name);
        }
    }

    /// Whether it matters to these rules.
    #[must_use]
    pub fn is_needed(&self, rules: &Rules) -> bool {
        let usage = match self {
            Self::Container(lookup) => lookup.usage,
            Self::Exec(_) => ContainerUse::Run,
            Self::Service(lookup) => {
                let is_judged = lookup.rollback.is_some() && rules.mode() != Mode::Off;
                return is_judged || rules.own.is_service();
            }
            Self::Volume(_) | Self::Network(_) | Self::Node(_) | Self::Engine(_) => return true,
        };
        let is_judged = usage.extent(rules) != Extent::Nothing;
        let is_shielded = usage.archive().is_some_and(|archive| shield::guards(rules, archive));
        is_judged || is_shielded || rules.own.is_container()
    }

    /// The path to GET.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Volume(used) => format!("/volumes/{}", encoded(&used.name)),
            Self::Container(lookup) => format!("/containers/{}/json", encoded(&lookup.reference)),
            Self::Exec(id) => format!("/exec/{}/json", encoded(id)),
            Self::Service(lookup) => format!("/services/{}", encoded(&lookup.reference)),
            Self::Node(used) => format!("/nodes/{}", encoded(&used.node)),
            Self::Network(networks) => match networks.scope {
                // filters={"driver":{"host":true}}: the list, since a name finds other scopes too.
                Scope::Local => "/networks?filters=%7B%22driver%22%3A%7B%22host%22%3Atrue%7D%7D",
                Scope::Swarm => "/networks/host?scope=swarm",
            }
            .to_owned(),
            Self::Engine(_) => "/info".to_owned(),
        }
    }

    /// Judges the daemon's answer.
    #[must_use]
    pub fn answered(&self, rules: &Rules, status: u16, body: &[u8]) -> Answered {
        let mut judge = Judge::new(rules);
        let (mut resolved, mut version) = (None, None);
        let is_readable = match (status, json::read(body)) {
            (404, _) => {
                judge.examined.findings.extend(self.missing());
                true
            }
            (200, Ok(answer)) => match self {
                Self::Volume(used) => mount::existing_volume(&mut judge, used, &answer),
                Self::Container(lookup) => {
                    let id = existing::judge(&mut judge, lookup, &answer);
                    resolved = id.map(|id| lookup.resolved(id));
                    resolved.is_some()
                }
                Self::Exec(id) => existing::exec(&mut judge, id, &answer),
                Self::Service(lookup) => {
                    resolved = own::existing_service(&mut judge, &lookup.reference, &answer);
                    if rules.mode() != Mode::Off
                        && let Some(version) = &lookup.rollback
                    {
                        service::previous(&mut judge, version, &answer);
                    }
                    resolved.is_some()
                }
                Self::Network(used) => network::existing_network(&mut judge, used, &answer),
                Self::Node(used) => {
                    resolved = swarm::existing_node(&mut judge, used, &answer);
                    resolved.is_some()
                }
                Self::Engine(used) => {
                    let known = Engine::of(&answer);
                    if let Some(engine) = &known {
                        used.judge(&mut judge, engine);
                    }
                    version = known.as_ref().and_then(|engine| engine.version);
                    known.is_some()
                }
            },
            (_, _) => false,
        };
        if !is_readable {
            self.judge_unanswered(&mut judge);
        }
        Answered { examined: judge.examined, resolved, version }
    }

    /// Judges the request where the daemon has not answered.
    pub fn judge_unanswered(&self, judge: &mut Judge<'_>) {
        match self {
            Self::Engine(used) if used.is_of_shield() => used.judge(judge, &Engine::default()),
            Self::Volume(_)
            | Self::Container(_)
            | Self::Exec(_)
            | Self::Service(_)
            | Self::Network(_)
            | Self::Node(_)
            | Self::Engine(_) => judge.examined.findings.push(self.unanswered()),
        }
    }

    /// The finding where there is no such thing. A volume the daemon will make as the request, which
    /// has been judged, describes it; but sent on by its name, a request for a container could meet
    /// one that bears it by then.
    fn missing(&self) -> Option<Finding> {
        let message = match self {
            Self::Volume(_) => return None,
            // Outside a swarm the host's network has no id there.
            Self::Network(networks) if networks.scope == Scope::Swarm => return None,
            Self::Network(_) | Self::Engine(_) => return Some(self.unanswered()),
            Self::Container(lookup) => format!("No such container: {}", shown(&lookup.reference)),
            Self::Exec(id) => format!("No such exec instance: {}", shown(id)),
            Self::Service(lookup) => format!("service {} not found", shown(&lookup.reference)),
            Self::Node(used) => format!("node {} not found", shown(&used.node)),
        };
        Some(Finding { value: message, ..Finding::of(Cause::Missing, "does not exist") })
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
            Self::Container(_) => {
                (200, br#"{"Id":"0","State":{"Running":false,"Restarting":false}}"#)
            }
            Self::Exec(_) => (200, br#"{"ContainerID":"0"}"#),
            Self::Service(_) => (200, br#"{"ID":"0"}"#),
            Self::Node(used) => (200, used.supposed()),
            Self::Engine(used) => (200, used.supposed()),
        }
    }

    /// The finding where no answer could be had.
    #[must_use]
    pub fn unanswered(&self) -> Finding {
        let (path, name, cause) = match self {
            Self::Volume(used) => (used.path.clone(), used.name.as_str(), Cause::Unanswered),
            Self::Network(networks) => {
                let used = networks.uses.first();
                let path = used.map(|used| used.path.clone()).unwrap_or_default();
                (path, used.map_or("", |used| used.name.as_str()), Cause::Unanswered)
            }
            Self::Container(lookup) => {
                (lookup.place.path(), lookup.reference.as_str(), Cause::Unresolved)
            }
            Self::Exec(name) | Self::Service(ServiceLookup { reference: name, .. }) => {
                (Vec::new(), name.as_str(), Cause::Unresolved)
            }
            Self::Node(used) => (Vec::new(), used.node.as_str(), Cause::Unresolved),
            Self::Engine(used) => (used.path.clone(), used.shown(), Cause::Unanswered),
        };
        let reason = "has to be looked up, and the daemon did not say what it is";
        Finding { path, value: shown(name), ..Finding::of(cause, reason) }
    }
}

impl ReferencePlace {
    fn path(&self) -> Vec<Step> {
        match self {
            Self::Path | Self::Nowhere => Vec::new(),
            Self::Query(name) => vec![Step::Field(name)],
            Self::Body { path, .. } => path.clone(),
        }
    }
}

/// A name as part of a path (RFC 3986, section 2.3: what is unreserved stays). The slashes of one
/// that has them stay too, as the daemon's routes take them; but of one that would be another path
/// when it is cleaned nothing is left to read in two ways.
fn encoded(name: &str) -> String {
    let is_clean = !name.split('/').any(|segment| matches!(segment, "" | "." | ".."));
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        let stays = b"-._~".contains(&byte) || byte == b'/' && is_clean;
        if byte.is_ascii_alphanumeric() || stays {
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

    fn web() -> Question {
        Question::of_path("web", ContainerUse::Run)
    }

    #[test]
    fn a_container_is_named_by_an_id_or_not_at_all() {
        let container = |answer: &str| {
            let answered = web().answered(&Rules::new(), 200, answer.as_bytes());
            (answered.resolved.map(|resolved| resolved.id), answered.examined.findings.len())
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

    fn questions() -> [Question; 5] {
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
            Question::of_path(&name, ContainerUse::Run),
            Question::Exec(name),
        ]
    }

    #[test]
    fn what_was_not_answered_is_named_where_the_request_names_it() {
        for (question, expected) in questions().iter().zip([
            "HostConfig.Binds[0] \"x\" has to be looked up",
            "HostConfig.Binds[0] \"x\" has to be looked up",
            "HostConfig.Binds[0] \"x\" has to be looked up",
            "\"x\" has to be looked up",
            "\"x\" has to be looked up",
        ]) {
            let finding = question.unanswered();
            assert_eq!(finding.cause.name(), "unanswered");
            assert!(finding.to_string().starts_with(expected), "{finding}");
        }
    }

    #[test]
    fn only_containers_and_their_processes_must_exist() {
        for question in questions() {
            let findings = question.answered(&Rules::new(), 404, b"").examined.findings;
            match question {
                Question::Volume(_) => assert_eq!(findings, []),
                Question::Network(networks) => {
                    let expected = usize::from(networks.scope == Scope::Local);
                    assert_eq!(findings.len(), expected, "{networks:?}");
                }
                Question::Container(_)
                | Question::Exec(_)
                | Question::Service(_)
                | Question::Node(_)
                | Question::Engine(_) => {
                    let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
                    assert!(found.concat().starts_with("No such "), "{found:?}");
                    assert!(findings.iter().all(|finding| finding.cause == Cause::Missing));
                }
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_told_in_few_words() {
        let question = Question::of_path(&"x".repeat(9000), ContainerUse::Run);
        let findings = question.answered(&Rules::new(), 404, b"").examined.findings;
        let said: String = findings.iter().map(ToString::to_string).collect();
        assert!(said.len() < 200 && said.starts_with("No such container: xxx"), "{said}");
    }

    #[test]
    fn what_is_supposed_stands_in_nobodys_way() {
        for question in questions() {
            let (status, body) = question.supposed();
            let answered = question.answered(&Rules::new(), status, body);
            assert_eq!(answered.examined.findings, [], "{question:?}");
            assert_eq!(
                answered.examined.questions.len(),
                usize::from(matches!(question, Question::Exec(_)))
            );
        }
    }

    #[test]
    fn a_name_keeps_its_slashes_unless_they_lead_elsewhere() {
        for (name, expected) in [
            ("a/../b?c%", "/containers/a%2F..%2Fb%3Fc%25/json"),
            ("web/redis", "/containers/web/redis/json"),
            ("a/b c", "/containers/a/b%20c/json"),
            ("/a", "/containers/%2Fa/json"),
            ("a//b", "/containers/a%2F%2Fb/json"),
        ] {
            assert_eq!(Question::of_path(name, ContainerUse::Run).path(), expected);
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
    fn an_exec_leads_to_its_container() {
        let exec = |rules: &Rules, answer: &str| {
            let answered = Question::Exec("e1".to_owned()).answered(rules, 200, answer.as_bytes());
            let found: Vec<_> =
                answered.examined.findings.iter().map(ToString::to_string).collect();
            (found, answered.examined.questions)
        };
        let rules = Rules::new();
        let (found, asked) = exec(&rules, r#"{"ContainerID":"0f","ProcessConfig":{"user":""}}"#);
        assert_eq!(found, Vec::<String>::new());
        let [Question::Container(lookup)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((lookup.reference.as_str(), &lookup.place), ("0f", &ReferencePlace::Nowhere));
        let privileged = r#"{"ContainerID":"0f","ProcessConfig":{"privileged":true}}"#;
        let (found, _) = exec(&rules, privileged);
        assert_eq!(
            found,
            [
                "exec \"e1\": was created with every capability: needs ALLOW_EXEC_PRIVILEGED=1 or ALLOW_EXISTING=1"
            ]
        );
        let open = Rules::new().with(Variable::Existing, "1").expect("a switch");
        assert_eq!(exec(&open, privileged).0, Vec::<String>::new());
        let non_root = Rules::new().with(Variable::RequireNonRoot, "1").expect("a switch");
        let (found, _) = exec(&non_root, r#"{"ContainerID":"0f","ProcessConfig":{"user":"0"}}"#);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(exec(&rules, "{}").0.len(), 1);
    }

    #[test]
    fn what_does_not_matter_is_not_asked() {
        use ContainerUse::{Manage, Read, Run, Write};
        let fixed = || Rules::new().with(Variable::EngineFixed, "*").expect("a list");
        let own = || own::Own::new(Some("0f".to_owned()), "", []);
        let with = |variable, text| fixed().with(variable, text).expect("a value");
        let shielded = Rules::new().with(Variable::Admission, "off").expect("a word");
        for (rules, needed) in [
            (fixed(), [true, true, true, false]),
            (shielded, [false, true, true, false]),
            (with(Variable::Existing, "1"), [false, true, false, false]),
            (with(Variable::Admission, "off"), [false; 4]),
            (with(Variable::Admission, "off").with_own(own()), [true; 4]),
            (with(Variable::Existing, "1").with_own(own()), [true; 4]),
            (with(Variable::Gate, "1").with_own(own()), [true, true, true, false]),
        ] {
            let is_needed = |usage| Question::of_path("x", usage).is_needed(&rules);
            assert_eq!([Run, Write, Read, Manage].map(is_needed), needed);
        }
    }

    #[test]
    fn what_is_missing_is_told_without_what_a_terminal_would_obey() {
        for question in [
            Question::of_path("a\u{1b}[2J", ContainerUse::Run),
            Question::Exec("a\u{1b}[2J".to_owned()),
        ] {
            let findings = question.answered(&Rules::new(), 404, b"").examined.findings;
            let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
            assert!(found.concat().ends_with(": a\\u{1b}[2J"), "{found:?}");
        }
    }

    #[test]
    fn a_service_that_is_rolled_back_is_judged_by_what_it_was() {
        let lookup = |query: &str| ServiceLookup::of("web", Some(query.as_bytes()));
        for (query, rollback) in [
            ("version=7", None),
            ("version=7&rollback=", None),
            ("version=7&rollback=previous", Some("7")),
            ("r%6Fllback=previous", Some("")),
            ("rollback=previous;", Some("")),
        ] {
            assert_eq!(lookup(query).rollback.as_deref(), rollback, "{query}");
        }
        let found = |version: &str, spec: &str| {
            let answer = format!(r#"{{"ID":"s1","Version":{{"Index":7}},"PreviousSpec":{spec}}}"#);
            let question =
                Question::Service(lookup(&format!("rollback=previous&version={version}")));
            assert!(question.is_needed(&Rules::new()));
            let answered = question.answered(&Rules::new(), 200, answer.as_bytes());
            let causes = answered.examined.findings.iter().map(|finding| finding.cause);
            (causes.collect::<Vec<_>>(), answered.resolved.map(|resolved| resolved.id))
        };
        let bound =
            r#"{"TaskTemplate":{"ContainerSpec":{"Mounts":[{"Type":"bind","Source":"/srv"}]}}}"#;
        let id = Some("s1".to_owned());
        assert_eq!(found("7", bound), (vec![Cause::Withheld(Variable::BindMounts)], id.clone()));
        assert_eq!(found("7", "{}"), (Vec::new(), id.clone()));
        // Something came in between, or will.
        for version in ["6", "8", "07", "", "x"] {
            assert_eq!(found(version, "{}"), (vec![Cause::BadValue], id.clone()), "{version}");
        }
    }
}
