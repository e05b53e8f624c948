//! The engines that the trials are held against, one row each; where they differ there is a column.

use std::path::PathBuf;
use std::process::Command;

use crate::router::{Debug, Router};

pub struct Engine {
    /// The major version of Docker Engine; `ENGINE` has it where one is to be tried alone.
    pub name: &'static str,
    /// Where its programs are: below `trees()`, or installed on this machine.
    tree: Option<&'static str>,
    /// The newest API version that it speaks, as a prefix of paths.
    pub version: &'static str,
    /// What it is started with beside what all are.
    pub options: &'static [&'static str],
    /// The method and target of a call, where a line of its debug log tells of one.
    pub call: fn(&str) -> Option<String>,
    /// The method and path of a route, where a line of its debug log tells that it has one.
    pub registered: fn(&str) -> Option<String>,
    /// Which of its routes are there without a version before them, or for any method.
    pub debug: Debug,
    /// Whether a create reads the fields of `HostConfig` at the body's top level too.
    pub embeds_host_config: bool,
    /// What the docker client's builds with `BuildKit` take beside `SESSION=1`.
    pub builds_with: &'static str,
    /// What stands between the parts of a name that docker-compose gives.
    pub joint: &'static str,
    /// Operations that its router does not have.
    pub absent: &'static [&'static str],
    /// Further ones that are there under an older API version than `version` only.
    pub outdated: &'static [&'static str],
}

/// Routes that no engine has any more, or has in another form.
macro_rules! absent {
    ($($more:literal),*) => {
        &["ContainerListOld", "ImagesViz", "ImageInsert", "PluginInspectOld", "AuthGet", $($more),*]
    };
}

pub const ENGINES: &[Engine] = &[
    Engine {
        name: "20",
        tree: None,
        version: "/v1.41",
        options: &[],
        call: calling,
        registered: registering,
        debug: Debug::AnyMethod,
        embeds_host_config: true,
        builds_with: "BUILD=1",
        joint: "_",
        absent: absent!["DebugPprofSymbol", "ImageAttestations", "VolumeUpdate"],
        outdated: &["ContainerCopy"],
    },
    Engine {
        name: "26",
        tree: Some("26"),
        version: "/v1.45",
        options: &["--ip6tables=false"],
        call: calling,
        registered: registering,
        debug: Debug::AnyMethod,
        embeds_host_config: false,
        builds_with: "GRPC=1",
        joint: "-",
        absent: absent!["DebugPprofSymbol", "ImageAttestations", "ContainerCopy"],
        outdated: &[],
    },
    Engine {
        name: "28",
        tree: Some("28"),
        version: "/v1.51",
        options: &["--ip6tables=false"],
        call: handling,
        registered: registering_route,
        debug: Debug::AsOthers,
        embeds_host_config: false,
        builds_with: "GRPC=1",
        joint: "-",
        absent: absent!["DebugPprofSymbol", "ImageAttestations", "ContainerCopy"],
        outdated: &[],
    },
];

impl Engine {
    /// The engine of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENGINES.iter().find(|engine| engine.name == name)
    }

    /// The model of its router.
    pub fn router(&self) -> Router {
        Router::without(self.absent, self.debug)
    }

    /// The directory that its programs see as `/`; `None`: this machine's own.
    pub fn root(&self) -> Option<PathBuf> {
        self.tree.map(|name| trees().join(name))
    }

    /// What this machine has not; `None`: the engine can be started.
    pub fn missing(&self) -> Option<String> {
        let root = self.root().unwrap_or_else(|| "/".into());
        let programs = ["usr/sbin/dockerd", "usr/bin/docker", "usr/bin/docker-compose"];
        let missing =
            programs.map(|program| root.join(program)).into_iter().find(|path| !path.exists());
        missing.map(|path| format!("{} is missing", path.display())).or_else(|| self.other())
    }

    /// Setup looks at the versions of the trees; what is installed may be another engine.
    fn other(&self) -> Option<String> {
        if self.tree.is_some() {
            return None;
        }
        let said = Command::new("/usr/sbin/dockerd").arg("--version").output();
        let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let said = said.unwrap_or_else(|error| error.to_string());
        let is_it = said.starts_with(&format!("Docker version {}.", self.name));
        (!is_it).then(|| format!("what is installed here is another engine, {}", said.trim()))
    }
}

/// Where `scripts/setup.sh` makes them.
pub fn trees() -> PathBuf {
    let place = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = place("XDG_CACHE_HOME").or_else(|| Some(place("HOME")?.join(".cache")));
    cache.unwrap_or_default().join("dockgate/engines")
}

/// Up to 27: `msg="Calling GET /path"`, and perhaps what it is traced by.
fn calling(line: &str) -> Option<String> {
    let (_, call) = line.split_once("msg=\"Calling ")?;
    Some(until_quote(call).to_owned())
}

/// From 28 on: `msg="handling GET request" method=GET module=api request-url=/path vars="map[]"`.
fn handling(line: &str) -> Option<String> {
    let (_, call) = line.split_once("msg=\"handling ")?;
    let (_, call) = call.split_once(" method=")?;
    let (method, call) = call.split_once(' ')?;
    let (_, url) = call.split_once("request-url=")?;
    let url = match url.strip_prefix('"') {
        Some(quoted) => until_quote(quoted),
        None => url.split(' ').next()?,
    };
    Some(format!("{method} {url}"))
}

/// Up to 27: `msg="Registering GET, /path"`.
fn registering(line: &str) -> Option<String> {
    let (_, route) = line.split_once("msg=\"Registering ")?;
    let (method, path) = until_quote(route).split_once(", ")?;
    // It registers other things in these words too.
    path.starts_with('/').then(|| format!("{method} {path}"))
}

/// From 28 on: `msg="Registering route" method=GET path="/path"`.
fn registering_route(line: &str) -> Option<String> {
    let (_, route) = line.split_once("msg=\"Registering route\" method=")?;
    let (method, path) = route.split_once(" path=")?;
    Some(format!("{method} {}", path.trim_matches('"')))
}

/// What comes before a quotation mark that no backslash stands before.
fn until_quote(text: &str) -> &str {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text, |end| &text[..end])
}
