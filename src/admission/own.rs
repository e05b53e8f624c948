//! The gate's own container. Whoever runs a command in it, replaces its program or mounts what it
//! has mounted is behind the gate; so it is closed to every client unless `ALLOW_GATE=1`.
//!
//! Its id is known at start, from what is mounted in it; its name and its mounts when the daemon
//! has said them.

use super::existing::ContainerUse;
use super::host_path;
use super::json::Json;
use super::judge::Judge;
use super::lookup::{ContainerLookup, Question, ReferencePlace, Resolved};
use super::variable::Variable;
use std::sync::OnceLock;

/// Why an act on the gate's own container is denied.
const OWN: &str = "is the gate's own container: it has the daemon's socket";

/// Why a change to the gate's own service is denied.
const OWN_SERVICE: &str = "is the service that the gate runs in: it has the daemon's socket";

/// Why a volume of the gate's own container is denied.
const OWN_VOLUME: &str = "is a volume of the gate's own container";

/// Why the gate's name is denied.
const OWN_NAME: &str = "is the name of the gate's own container";

/// Hexadecimal digits of a full id.
const ID_BYTES: usize = 64;

/// What the daemon says of the gate's container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnContainer {
    /// Its name, without the leading slash.
    pub name: String,
    /// Its service's id, where it is a task of a swarm's service.
    pub service: Option<String>,
    /// Its named and anonymous volumes: name and path on the host.
    volumes: Vec<(String, String)>,
    /// Paths of the host, cleaned, that are mounted in it, and those of its files.
    paths: Vec<String>,
}

/// What the gate is to its own daemon.
#[derive(Debug, Default)]
pub struct Own {
    /// Its container's id: 64 hexadecimal digits. `None` where it is no container, or may be acted
    /// on.
    id: Option<String>,
    /// Files and sockets of the gate, as it sees them, cleaned.
    files: Vec<String>,
    /// Learned once; `Some(None)` where the daemon knows no such container.
    container: OnceLock<Option<OwnContainer>>,
}

impl Own {
    /// A gate with these files; `id` is its container's, where it is one.
    #[must_use]
    pub fn new(id: Option<String>, files: impl IntoIterator<Item = String>) -> Self {
        let files = files.into_iter().map(|file| host_path::clean(&file)).collect();
        Self { id, files, container: OnceLock::new() }
    }

    /// The id to ask the daemon about, as long as it has not been asked.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.id.as_deref().filter(|_| self.container.get().is_none())
    }

    /// Learns what the daemon says of the gate's container: status and body of `ContainerInspect`.
    /// False where that is no answer, and it must be asked again.
    pub fn learn(&self, status: u16, inspect: &Json<'_>) -> bool {
        let container = match status {
            // Of another engine than the one it serves.
            404 => None,
            200 => match self.read(inspect) {
                Some(container) => Some(container),
                None => return false,
            },
            _ => return false,
        };
        self.container.get_or_init(|| container);
        true
    }

    fn read(&self, inspect: &Json<'_>) -> Option<OwnContainer> {
        inspect.field("Id").and_then(Json::text).filter(|&id| self.is(id))?;
        let name = inspect.field("Name").and_then(Json::text)?;
        let labels = inspect.field("Config").and_then(|config| config.field("Labels"));
        let service = labels.and_then(|labels| labels.field("com.docker.swarm.service.id"));
        let mut own = OwnContainer {
            name: name.trim_start_matches('/').to_owned(),
            service: service.and_then(Json::text).map(str::to_owned),
            ..OwnContainer::default()
        };
        let mut mounted: Vec<(String, String)> = Vec::new();
        if let Some(Json::List(mounts)) = inspect.field("Mounts") {
            for mount in mounts {
                let text = |name| mount.field(name).and_then(Json::text).unwrap_or_default();
                let (source, target) = (text("Source"), text("Destination"));
                if text("Type") == "volume" {
                    own.volumes.push((text("Name").to_owned(), source.to_owned()));
                }
                if source.starts_with('/') {
                    own.paths.push(host_path::clean(source));
                    mounted.push((host_path::clean(target), host_path::clean(source)));
                }
            }
        }
        // Where its files are on the host: below the innermost mount that holds them.
        for file in &self.files {
            let holds = |(target, _): &&(String, String)| host_path::is_within(file, target);
            if let Some((target, source)) =
                mounted.iter().filter(holds).max_by_key(|(target, _)| target.len())
                && let Some(rest) = file.strip_prefix(target.as_str())
            {
                own.paths.push(host_path::clean(&format!("{source}/{rest}")));
            }
        }
        Some(own)
    }

    fn container(&self) -> Option<&OwnContainer> {
        self.container.get().and_then(Option::as_ref)
    }

    /// What the daemon has said of the gate's container, for the log.
    #[must_use]
    pub fn known(&self) -> Option<&OwnContainer> {
        self.container()
    }

    /// Whether requests may be about the gate's own container, so that references to containers
    /// must be looked up.
    #[must_use]
    pub fn is_container(&self) -> bool {
        self.id.is_some() && !matches!(self.container.get(), Some(None))
    }

    /// Whether this is its id, in full.
    #[must_use]
    pub fn is(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// Whether it is a task of a swarm's service.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.container().is_some_and(|own| own.service.is_some())
    }

    /// Its paths: a mount of one of them, or of a directory above one, must be listed itself.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let mounted = self.container().into_iter().flat_map(|own| &own.paths);
        self.files.iter().chain(mounted).map(String::as_str)
    }

    fn volume(&self, name: &str) -> Option<&str> {
        let volumes = self.container().into_iter().flat_map(|own| &own.volumes);
        volumes.into_iter().find(|(own, _)| own == name).map(|(_, source)| source.as_str())
    }
}

/// Denies an act on a container whose full id is `id`, where that is the gate's; whether it was.
pub fn is_denied(judge: &mut Judge<'_>, id: &str, reference: &str) -> bool {
    let is_own = judge.rules.own.is(id);
    if is_own {
        judge.withhold_for(Variable::Gate, reference, "1", OWN);
    }
    is_own
}

/// Judges the answer to `ServiceInspect`: the service must not be the gate's. `None` where the answer
/// can't be read.
pub fn existing_service(
    judge: &mut Judge<'_>,
    reference: &str,
    service: &Json<'_>,
) -> Option<Resolved> {
    let id = service.field("ID").and_then(Json::text)?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    if judge.rules.own.container().is_some_and(|own| own.service.as_deref() == Some(id)) {
        judge.withhold_for(Variable::Gate, reference, "1", OWN_SERVICE);
    }
    Some(Resolved { id: id.to_owned(), place: ReferencePlace::Path, usage: ContainerUse::Manage })
}

/// Denies a volume of the gate's own, unless its path on the host is listed.
pub fn volume(judge: &mut Judge<'_>, name: &str, is_read_only: bool) {
    if let Some(source) = judge.rules.own.volume(name).map(str::to_owned) {
        judge.host_path_with(&source, is_read_only, OWN_VOLUME, OWN_VOLUME);
    }
}

/// Judges the name that a container is to bear: not the gate's own, and none that could be taken for
/// an id. A container that was looked up is named by its id; when it is gone, the daemon would take
/// that for the name of another (moby `daemon/container.go`, `GetContainer`).
pub fn name(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, name| {
        let name = name.trim_start_matches('/');
        let is_hex = name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && name.len() == ID_BYTES {
            judge.close(name, "is a name that could be taken for a container's id");
        }
        let is_own = |own: &OwnContainer| own.name == name;
        if judge.rules.own.container().is_some_and(is_own) {
            judge.withhold_for(Variable::Gate, name, "1", OWN_NAME);
        }
    });
}

/// A field that refers to a container: it must not be the gate's own.
pub fn reference(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, reference| look_up(judge, "", reference, ""));
}

/// Has a reference to a container looked up, which stands between `before` and `after` in the
/// value that is judged; it will be replaced by the container's full id.
pub fn look_up(judge: &mut Judge<'_>, before: &str, reference: &str, after: &str) {
    if !judge.rules.own.is_container() || reference.is_empty() || judge.is_existing() {
        return;
    }
    let place = ReferencePlace::Body {
        path: judge.path().to_vec(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let lookup = ContainerLookup::managed(reference, place);
    judge.examined.questions.push(Question::Container(lookup));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::json;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn own() -> Own {
        Own::new(Some(ID.to_owned()), ["/run/gate/docker.sock".to_owned(), "/tmp/x".to_owned()])
    }

    fn learned() -> Own {
        let own = own();
        let inspect = format!(
            r#"{{"Id":"{ID}","Name":"/gate","Config":{{"Labels":{{"com.docker.swarm.service.id":"s1"}}}},
               "Mounts":[{{"Type":"bind","Source":"/srv/../srv/gate","Destination":"/run/gate/"}},
                         {{"Type":"bind","Source":"/srv/run","Destination":"/run"}},
                         {{"Type":"volume","Name":"audit","Source":"/v/audit/_data","Destination":"/var/log"}}]}}"#
        );
        assert!(own.learn(200, &json::read(inspect.as_bytes()).expect("json")));
        own
    }

    #[test]
    fn it_is_asked_about_until_the_daemon_has_answered() {
        assert_eq!(Own::default().unknown(), None);
        let own = own();
        assert_eq!(own.unknown(), Some(ID));
        for (status, body) in [(500, "{}"), (200, "{}"), (200, r#"{"Id":"0f","Name":"/x"}"#)] {
            assert!(!own.learn(status, &json::read(body.as_bytes()).expect("json")), "{body}");
            assert!(own.unknown().is_some() && own.is_container());
        }
        assert!(own.learn(404, &Json::Null));
        assert!(own.unknown().is_none() && !own.is_container());
    }

    #[test]
    fn its_service_is_known_by_its_id() {
        let mut rules = crate::admission::Rules::new();
        rules.own = std::sync::Arc::new(learned());
        assert!(Question::Service("x".to_owned()).is_needed(&rules));
        assert!(!Question::Service("x".to_owned()).is_needed(&crate::admission::Rules::new()));
        for (answer, resolved, found) in [
            (r#"{"ID":"s1"}"#, Some("s1"), 1),
            (r#"{"ID":"s2"}"#, Some("s2"), 0),
            (r#"{"ID":"a/b"}"#, None, 0),
            ("{}", None, 0),
        ] {
            let mut judge = Judge::new(&rules);
            let answer = json::read(answer.as_bytes()).expect("json");
            let service = existing_service(&mut judge, "web", &answer).map(|one| one.id);
            assert_eq!((service.as_deref(), judge.examined.findings.len()), (resolved, found));
        }
    }

    #[test]
    fn a_name_is_neither_the_gates_nor_like_an_id() {
        let mut rules = crate::admission::Rules::new();
        rules.own = std::sync::Arc::new(learned());
        for (text, is_fine) in
            [("web", true), ("gate", false), ("/gate", false), (ID, false), (&ID[1..], true)]
        {
            let mut judge = Judge::new(&rules);
            name(&mut judge, &Json::Text(text.into()));
            assert_eq!(judge.examined.findings.is_empty(), is_fine, "{text}");
        }
    }

    #[test]
    fn its_files_are_where_the_host_has_them() {
        let own = learned();
        assert!(own.is_container() && own.is(ID) && !own.is("0123") && own.is_service());
        assert_eq!(own.known().map(|own| own.name.as_str()), Some("gate"));
        let paths: Vec<_> = own.paths().collect();
        assert_eq!(
            paths,
            [
                "/run/gate/docker.sock",
                "/tmp/x",
                "/srv/gate",
                "/srv/run",
                "/v/audit/_data",
                "/srv/gate/docker.sock"
            ]
        );
        assert_eq!(own.volume("audit"), Some("/v/audit/_data"));
        assert_eq!(own.volume("other"), None);
    }
}
