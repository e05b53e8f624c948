//! The gate's own container. Whoever runs a command in it, replaces its program or mounts what it
//! has mounted is behind the gate; so it is closed to every client unless `ALLOW_GATE=1`.
//!
//! Its id is known at start, from what is mounted in it; its name and its mounts when the daemon
//! has said them.

use super::existing::ContainerUse;
use super::finding::{Cause, Finding};
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

/// Why a request that may be about the gate's container is denied.
const UNREAD: &str = "may mean the gate's own container, and can't be read in one way to its end";

/// Hexadecimal digits of a full id.
const ID_BYTES: usize = 64;

/// What the daemon says of the gate's container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnContainer {
    /// Its full id.
    pub id: String,
    /// Its name, without the leading slash.
    pub name: String,
    /// Its service's id, where it is a task of a swarm's service.
    service: Option<String>,
    /// Its named and anonymous volumes: name and path on the host.
    volumes: Vec<(String, String)>,
    /// What is mounted in it: where, and which path of the host. Cleaned.
    mounts: Vec<(String, String)>,
}

impl OwnContainer {
    /// Reads the answer to `ContainerInspect`; `None` where it can't be read.
    #[must_use]
    pub fn of(inspect: &Json<'_>) -> Option<Self> {
        let text = |value: &Json<'_>, name| {
            value.field(name).and_then(Json::text).unwrap_or_default().to_owned()
        };
        let labels = inspect.field("Config").and_then(|config| config.field("Labels"));
        let service = labels.and_then(|labels| labels.field("com.docker.swarm.service.id"));
        let mut own = Self {
            id: inspect.field("Id").and_then(Json::text)?.to_owned(),
            name: inspect.field("Name").and_then(Json::text)?.trim_start_matches('/').to_owned(),
            service: service.and_then(Json::text).map(str::to_owned),
            ..Self::default()
        };
        if let Some(Json::List(mounts)) = inspect.field("Mounts") {
            for mount in mounts {
                let (source, target) = (text(mount, "Source"), text(mount, "Destination"));
                if text(mount, "Type") == "volume" {
                    own.volumes.push((text(mount, "Name"), source.clone()));
                }
                if source.starts_with('/') {
                    own.mounts.push((host_path::clean(&target), host_path::clean(&source)));
                }
            }
        }
        Some(own)
    }

    /// The path of the host that a path inside is, where a mount holds it.
    fn on_host(&self, path: &str) -> Option<String> {
        let holds = |(target, _): &&(String, String)| host_path::is_within(path, target);
        let (target, source) =
            self.mounts.iter().filter(holds).max_by_key(|(target, _)| target.len())?;
        let rest = path.strip_prefix(target.as_str())?;
        Some(host_path::clean(&format!("{source}/{rest}")))
    }
}

/// The containers of a list (`ContainerList`) that share the network of another and may be the gate's,
/// since they have this socket mounted: their ids.
#[must_use]
pub fn sharing_network(list: &Json<'_>, id: &str, own: &Own) -> Vec<String> {
    let Json::List(containers) = list else { return Vec::new() };
    let mode_of_sharing = format!("container:{id}");
    let is_sharing = |container: &&Json<'_>| {
        let mode = container.field("HostConfig").and_then(|config| config.field("NetworkMode"));
        let is_mounted = |mount: &Json<'_>| {
            let target = mount.field("Destination").and_then(Json::text);
            target
                .is_some_and(|target| host_path::is_within(&own.socket, &host_path::clean(target)))
        };
        let has_socket = match container.field("Mounts") {
            Some(Json::List(mounts)) => mounts.iter().any(is_mounted),
            // What it does not say, its inspection will.
            Some(_) | None => true,
        };
        mode.and_then(Json::text) == Some(&mode_of_sharing) && has_socket
    };
    let id = |container: &Json<'_>| container.field("Id").and_then(Json::text).map(str::to_owned);
    containers.iter().filter(is_sharing).filter_map(id).collect()
}

/// What the gate is to its own daemon.
#[derive(Debug, Default)]
pub struct Own {
    /// The id that its surroundings bear: 64 hexadecimal digits. A container that shares another's
    /// network has that one's. `None` where it is no container, or may be acted on.
    id: Option<String>,
    /// The daemon's socket, as it sees it, cleaned.
    socket: String,
    /// Its files and sockets, likewise.
    files: Vec<String>,
    /// Learned once; none where the daemon knows no such container.
    containers: OnceLock<Vec<OwnContainer>>,
    /// Where its files, and what is mounted in it, are on the host; with the containers.
    paths: OnceLock<Vec<String>>,
}

impl Own {
    /// A gate with this daemon's socket and these files; `id` is its container's, where it is one.
    #[must_use]
    pub fn new(id: Option<String>, socket: &str, files: impl IntoIterator<Item = String>) -> Self {
        let files = files.into_iter().map(|file| host_path::clean(&file)).collect();
        Self { id, socket: host_path::clean(socket), files, ..Self::default() }
    }

    /// The id to ask the daemon about, as long as it has not been asked.
    #[must_use]
    pub fn unknown(&self) -> Option<&str> {
        self.id.as_deref().filter(|_| self.containers.get().is_none())
    }

    /// Whether a container has what the gate must have: the daemon's socket mounted.
    #[must_use]
    pub fn has_socket(&self, container: &OwnContainer) -> bool {
        container.on_host(&self.socket).is_some()
    }

    /// Learns which containers are the gate's own: one, or where several could be, all of them.
    pub fn learn(&self, containers: Vec<OwnContainer>) {
        let mut paths = Vec::new();
        for own in &containers {
            paths.extend(own.mounts.iter().map(|(_, source)| source.clone()));
            paths.extend(self.files.iter().filter_map(|file| own.on_host(file)));
        }
        self.paths.get_or_init(|| paths);
        self.containers.get_or_init(|| containers);
    }

    /// What is known of the gate's containers.
    #[must_use]
    pub fn known(&self) -> &[OwnContainer] {
        self.containers.get().map_or(&[], Vec::as_slice)
    }

    /// Whether requests may be about the gate's own container, so that references to containers
    /// must be looked up.
    #[must_use]
    pub fn is_container(&self) -> bool {
        self.id.is_some() && self.containers.get().is_none_or(|known| !known.is_empty())
    }

    /// Whether this is its id, in full.
    #[must_use]
    pub fn is(&self, id: &str) -> bool {
        self.known().iter().any(|own| own.id == id) || self.unknown() == Some(id)
    }

    /// Whether it is a task of a swarm's service.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.known().iter().any(|own| own.service.is_some())
    }

    /// Its paths: a mount of one of them, or of a directory above one, must be listed itself.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let mounted = self.paths.get().into_iter().flatten();
        self.files.iter().chain(mounted).map(String::as_str)
    }

    fn volume(&self, name: &str) -> Option<&str> {
        let mut volumes = self.known().iter().flat_map(|own| &own.volumes);
        volumes.find(|(own, _)| own == name).map(|(_, source)| source.as_str())
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

/// The finding about what may mean the gate's own container and was not read as the daemon would.
#[must_use]
pub fn unread() -> Finding {
    let needs = format!("{}=1", Variable::Gate);
    Finding { needs, ..Finding::of(Cause::Withheld(Variable::Gate), UNREAD) }
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
    if judge.rules.own.known().iter().any(|own| own.service.as_deref() == Some(id)) {
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
        if judge.rules.own.known().iter().any(|own| own.name == name) {
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
    use crate::admission::lookup::ServiceLookup;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn own() -> Own {
        let files = ["/run/gate/docker.sock".to_owned(), "/tmp/x".to_owned()];
        Own::new(Some(ID.to_owned()), "/run/docker.sock", files)
    }

    fn container(id: &str, mounts: &str) -> OwnContainer {
        let inspect = format!(
            r#"{{"Id":"{id}","Name":"/gate","Config":{{"Labels":{{"com.docker.swarm.service.id":"s1"}}}},
               "Mounts":[{mounts}]}}"#
        );
        OwnContainer::of(&json::read(inspect.as_bytes()).expect("json")).expect("readable")
    }

    fn learned() -> Own {
        let own = own();
        let mounts = r#"{"Type":"bind","Source":"/srv/../srv/gate","Destination":"/run/gate/"},
                        {"Type":"bind","Source":"/srv/run","Destination":"/run"},
                        {"Type":"volume","Name":"audit","Source":"/v/audit/_data","Destination":"/var/log"}"#;
        own.learn(vec![container(ID, mounts)]);
        own
    }

    #[test]
    fn it_is_unknown_until_it_is_learned() {
        assert_eq!(Own::default().unknown(), None);
        let own = own();
        assert_eq!(own.unknown(), Some(ID));
        assert!(own.is_container() && own.is(ID));
        own.learn(Vec::new());
        assert!(own.unknown().is_none() && !own.is_container() && !own.is(ID));
        for unreadable in ["{}", "[]", r#"{"Id":"0f"}"#, r#"{"Id":1,"Name":"/x"}"#] {
            let unreadable = json::read(unreadable.as_bytes()).expect("json");
            assert_eq!(OwnContainer::of(&unreadable), None);
        }
    }

    #[test]
    fn its_files_are_where_the_host_has_them() {
        let own = learned();
        assert!(own.is_container() && own.is(ID) && !own.is("0123") && own.is_service());
        let names: Vec<_> = own.known().iter().map(|own| own.name.as_str()).collect();
        assert_eq!(names, ["gate"]);
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

    #[test]
    fn it_has_the_daemons_socket_whatever_its_surroundings_bear() {
        let own = own();
        for (mounts, has) in [
            ("", false),
            (r#"{"Source":"/run/docker.sock","Destination":"/run/docker.sock"}"#, true),
            (r#"{"Source":"/run","Destination":"/run/"}"#, true),
            (r#"{"Source":"/run/docker.sock","Destination":"/other.sock"}"#, false),
        ] {
            assert_eq!(own.has_socket(&container(ID, mounts)), has, "{mounts}");
        }
        let list = format!(
            r#"[{{"Id":"a","HostConfig":{{"NetworkMode":"container:{ID}"}}}},
                {{"Id":"b","HostConfig":{{"NetworkMode":"default"}}}},{{"Id":"c"}},
                {{"Id":"d","HostConfig":{{"NetworkMode":"container:{ID}"}},"Mounts":[{{"Destination":"/run"}}]}},
                {{"Id":"e","HostConfig":{{"NetworkMode":"container:{ID}"}},"Mounts":[{{"Destination":"/srv"}}]}}]"#
        );
        let list = json::read(list.as_bytes()).expect("json");
        assert_eq!(sharing_network(&list, ID, &own), ["a", "d"]);
        own.learn(vec![container("a", ""), container("b", "")]);
        assert!(own.is("a") && own.is("b") && !own.is(ID));
    }

    #[test]
    fn its_service_is_known_by_its_id() {
        let mut rules = crate::admission::Rules::new();
        rules.own = std::sync::Arc::new(learned());
        let question = Question::Service(ServiceLookup::of("x", None));
        assert!(question.is_needed(&rules));
        assert!(!question.is_needed(&crate::admission::Rules::new()));
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
}
