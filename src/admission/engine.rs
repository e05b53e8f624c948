//! What the engine says of itself (`SystemInfo`, `GET /info`) that decides about an argument: its
//! version, its default runtime, the version of its cgroups.

use super::finding::Step;
use super::json::Json;
use super::judge::Judge;
use super::namespace;
use super::security;
use super::shield::Shield;
use super::variable::Variable;

/// Names of the runtime that a daemon without a setting uses: one program (moby
/// `daemon/runtime_unix.go`).
const RUNC: [&str; 2] = ["runc", "io.containerd.runc.v2"];

/// What Podman says of every container, whatever its runtime is (podman `libpod/define`).
const ANY_RUNTIME: &str = "oci";

/// Why a runtime other than the engine's default is denied.
const RUNTIME: &str = "is not the engine's default runtime and may confine less, or nothing";

/// A release of the engine: major, minor, patch. What a distribution or a builder adds to it, such
/// as `+dfsg1`, is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EngineVersion {
    /// 28 of 28.5.2.
    pub major: u32,
    /// 5 of 28.5.2.
    pub minor: u32,
    /// 2 of 28.5.2.
    pub patch: u32,
}

/// Returns the version `major.minor.patch`.
#[must_use]
pub const fn release(major: u32, minor: u32, patch: u32) -> EngineVersion {
    EngineVersion { major, minor, patch }
}

impl EngineVersion {
    /// Reads `28.5.2`, with or without `+SUFFIX` or `~SUFFIX`; `None` for anything else, such as a
    /// release candidate, which may come before what its number says.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let release = text.split(['+', '~']).next()?;
        let mut parts = release.split('.').map(|part| {
            let number = crate::http::number::decimal(part.as_bytes())?;
            u32::try_from(number).ok()
        });
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()?? };
        parts.next().is_none().then_some(version)
    }
}

/// What the engine says of itself. `None`: it does not say, or not in a form that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engine {
    /// Its release.
    pub version: Option<EngineVersion>,
    /// The runtime of a container that names none.
    pub default_runtime: Option<String>,
    /// The runtimes that it has.
    pub runtimes: Vec<String>,
    /// Whether the host has cgroups of version 1, where containers share the host's cgroup
    /// namespace by default.
    pub has_cgroup_v1: bool,
}

impl Engine {
    /// Reads the answer to `GET /info`; `None` where it is not an object.
    #[must_use]
    pub fn of(info: &Json<'_>) -> Option<Self> {
        info.entries()?;
        let text = |name| info.field(name).and_then(Json::text);
        Some(Self {
            version: text("ServerVersion").and_then(EngineVersion::parse),
            default_runtime: text("DefaultRuntime").map(str::to_owned),
            runtimes: info
                .field("Runtimes")
                .and_then(Json::entries)
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone().into_owned())
                .collect(),
            has_cgroup_v1: text("CgroupVersion") == Some("1"),
        })
    }

    fn calls_any_runtime(&self, name: &str) -> bool {
        name == ANY_RUNTIME && !self.runtimes.iter().any(|runtime| runtime == name)
    }

    fn is_default_runtime(&self, name: &str) -> bool {
        self.default_runtime.as_deref().is_some_and(|default| {
            default == name || RUNC.contains(&default) && RUNC.contains(&name)
        })
    }
}

/// An argument that depends on the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineUse {
    /// Where the request, or the container, has it.
    pub path: Vec<Step>,
    /// What it is.
    pub argument: Argument,
}

/// What may depend on the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A runtime: the engine's default may be named.
    Runtime(String),
    /// A list of masked paths: it must have what this engine masks by default.
    MaskedPaths(Vec<String>),
    /// The host's cgroup namespace of a container that exists: on hosts with cgroup version 1 the
    /// daemon chooses it by default.
    HostCgroups,
    /// What triggers a weakness, with the value at fault: while the shield stands for this engine.
    Weakness(&'static Shield, String),
    /// An archive, of which the first bytes will be looked at while the shield stands for this engine.
    FirstBytes(&'static Shield),
}

impl EngineUse {
    /// What it is, for people.
    #[must_use]
    pub fn shown(&self) -> &str {
        match &self.argument {
            Argument::Runtime(name) => name,
            Argument::MaskedPaths(_) | Argument::FirstBytes(_) => "",
            Argument::HostCgroups => "host",
            Argument::Weakness(_, value) => value,
        }
    }

    /// Whether it can be judged where the engine does not say what it is: as by an unknown one.
    #[must_use]
    pub fn is_of_shield(&self) -> bool {
        matches!(self.argument, Argument::Weakness(..) | Argument::FirstBytes(_))
    }

    /// An answer that does not stand in its way, where there is no engine to ask.
    #[must_use]
    pub fn supposed(&self) -> &'static [u8] {
        match self.argument {
            Argument::Runtime(_) => br#"{"DefaultRuntime":"runc"}"#,
            // The oldest of which all is known.
            Argument::MaskedPaths(_) => br#"{"ServerVersion":"20.10.0"}"#,
            Argument::HostCgroups => br#"{"CgroupVersion":"1"}"#,
            Argument::Weakness(..) | Argument::FirstBytes(_) => b"{}",
        }
    }

    /// Judges the argument, now that the engine is known.
    pub fn judge(&self, judge: &mut Judge<'_>, engine: &Engine) {
        judge.at(&self.path, |judge| match &self.argument {
            Argument::Runtime(name) => {
                let is_any = judge.is_existing() && engine.calls_any_runtime(name);
                if !is_any && !engine.is_default_runtime(name) {
                    judge.withhold_for(Variable::Runtimes, name, name, RUNTIME);
                }
            }
            Argument::MaskedPaths(paths) => {
                security::judge_masked_paths(judge, paths, engine.version);
            }
            Argument::HostCgroups => {
                if !engine.has_cgroup_v1 {
                    let variable = Variable::HostNamespaces;
                    judge.withhold_for(variable, "host", "cgroup", namespace::HOST_CGROUPS);
                }
            }
            Argument::Weakness(shield, value) => shield.judge(judge, value, engine.version),
            // The body will decide.
            Argument::FirstBytes(_) => {}
        });
    }
}

/// `HostConfig.Runtime`. Naming the engine's default is naming none, and clients that copy a
/// container's settings name it.
pub fn runtime(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, name| {
        if !name.is_empty() && !judge.rules.list(Variable::Runtimes).has(name) {
            judge.ask_engine(Argument::Runtime(name.to_owned()));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Rules, json};

    #[test]
    fn releases_are_read_and_anything_else_is_unknown() {
        let version = |major, minor, patch| Some(release(major, minor, patch));
        for (text, expected) in [
            ("28.5.2", version(28, 5, 2)),
            ("20.10.24+dfsg1", version(20, 10, 24)),
            ("26.1.5+dfsg1~deb13u1", version(26, 1, 5)),
            ("28.0.0-rc.1", None),
            ("dev", None),
            ("28.5", None),
            ("28.5.2.1", None),
            ("28.+5.2", None),
            ("", None),
        ] {
            assert_eq!(EngineVersion::parse(text), expected, "{text:?}");
        }
        assert!(version(28, 0, 0) > version(27, 5, 1) && version(20, 10, 9) < version(20, 10, 10));
    }

    fn engine(info: &str) -> Option<Engine> {
        Engine::of(&json::read(info.as_bytes()).expect("json"))
    }

    #[test]
    fn an_engine_says_what_it_is_or_nothing() {
        let info = r#"{"ServerVersion":"28.5.2","DefaultRuntime":"crun","CgroupVersion":"1",
            "Runtimes":{"crun":{"path":"crun"},"runc":{}}}"#;
        assert_eq!(
            engine(info),
            Some(Engine {
                version: EngineVersion::parse("28.5.2"),
                default_runtime: Some("crun".to_owned()),
                runtimes: vec!["crun".to_owned(), "runc".to_owned()],
                has_cgroup_v1: true,
            })
        );
        assert_eq!(engine("{}"), Some(Engine::default()));
        assert_eq!(engine("[]"), None);
    }

    #[test]
    fn podmans_word_for_any_runtime_is_none() {
        let rules = Rules::new();
        let of_container = vec![Step::Container("web".to_owned()), Step::Field("Runtime")];
        for (runtimes, path, name, passes) in [
            (&["runc"][..], &of_container, "oci", true),
            (&["runc"], &Vec::new(), "oci", false),
            (&["runc", "oci"], &of_container, "oci", false),
            (&["runc"], &of_container, "crun", false),
        ] {
            let engine = Engine {
                default_runtime: Some("runc".to_owned()),
                runtimes: runtimes.iter().map(|&name| name.to_owned()).collect(),
                ..Engine::default()
            };
            let used =
                EngineUse { path: path.clone(), argument: Argument::Runtime(name.to_owned()) };
            let mut judge = Judge::new(&rules);
            used.judge(&mut judge, &engine);
            assert_eq!(judge.examined.findings.is_empty(), passes, "{runtimes:?} {path:?} {name}");
        }
    }

    #[test]
    fn only_the_engines_own_default_may_be_named() {
        let rules = Rules::new();
        for (default, name, passes) in [
            ("runc", "runc", true),
            ("runc", "io.containerd.runc.v2", true),
            ("io.containerd.runc.v2", "runc", true),
            ("runsc", "runsc", true),
            ("runsc", "runc", false),
            ("runc", "runsc", false),
        ] {
            let engine = Engine { default_runtime: Some(default.to_owned()), ..Engine::default() };
            let used = EngineUse { path: Vec::new(), argument: Argument::Runtime(name.to_owned()) };
            let mut judge = Judge::new(&rules);
            used.judge(&mut judge, &engine);
            assert_eq!(judge.examined.findings.is_empty(), passes, "{default} {name}");
        }
    }
}
