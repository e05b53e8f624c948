//! Shields: published weaknesses of engines that a request of the Docker API triggers, one line
//! each. Such a request is refused while the engine is not known to have the fix. Which weaknesses
//! are not here, and why: `docs/shields.md`.
//!
//! Distributions bring fixes to old versions and forks number their own, so an engine is known to be
//! fixed or unknown, never known to be weak. `ENGINE_FIXED` says what its version does not.

use super::engine::{Argument, EngineVersion, release};
use super::finding::{Cause, Finding, Step};
use super::host_path;
use super::json::Json;
use super::judge::Judge;
use super::lookup::Question;
use super::rules::Rules;
use super::variable::Variable;
use crate::api::Operation as Op;

/// What of a request, or of what it is about, a shield looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Whether processes can change what is around the mounts of the container that is named.
    MountsInMotion,
    /// Whether the first bytes of the body are those of a compressed archive.
    FirstBytes,
    /// The directory that a process begins in.
    WorkingDirectory,
    /// Where a volume is mounted.
    VolumeTarget,
    /// Whether a plugin is given privileges, and not any that it likes.
    PluginPrivileges,
}

impl Looks {
    /// Whether it is something that neither the head nor an examined body says: it is looked at in
    /// every mode, and is not known to `dockgate check`.
    #[must_use]
    pub fn is_outside(self) -> bool {
        matches!(self, Self::MountsInMotion | Self::FirstBytes)
    }
}

/// The program that has the weakness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The engine itself: its version says whether it is fixed.
    Engine,
    /// The runtime, whose version the engine does not say.
    Runc,
}

/// A published weakness.
#[derive(Debug, PartialEq, Eq)]
pub struct Shield {
    /// What it is called, in `ENGINE_FIXED` too: first the name it is shown by. Weaknesses with one
    /// trigger and one fix are one line.
    pub names: &'static [&'static str],
    /// Which operations trigger it.
    pub operations: &'static [Op],
    /// What is looked at.
    pub looks: Looks,
    /// Which program has it.
    pub program: Program,
    /// The releases that brought the fix, oldest first. One before the last fixes its own minor
    /// version only.
    pub fixed: &'static [EngineVersion],
    /// What is refused, why, and what helps.
    pub refusal: &'static str,
}

/// Every shield.
pub const SHIELDS: [Shield; 5] = [
    Shield {
        names: &["CVE-2026-42306", "GHSA-rg2x-37c3-w2rh", "CVE-2026-41568", "GHSA-vp62-88p7-qqf5"],
        operations: &[
            Op::ContainerArchive,
            Op::ContainerArchiveInfo,
            Op::PutContainerArchive,
            Op::ContainerCopy,
        ],
        looks: Looks::MountsInMotion,
        program: Program::Engine,
        fixed: &[release(25, 0, 17), release(29, 5, 1)],
        refusal: "runs: while the daemon sets up its mounts to copy files, a process in the container can \
                  redirect them to any path of the host (CVE-2026-42306, CVE-2026-41568; fixed in Docker \
                  Engine 25.0.17 and 29.5.1). Stop the container before you copy, update the engine, or set \
                  ENGINE_FIXED=CVE-2026-42306 if yours has the fix",
    },
    Shield {
        names: &["CVE-2026-41567", "GHSA-x86f-5xw2-fm2r"],
        operations: &[Op::PutContainerArchive],
        looks: Looks::FirstBytes,
        program: Program::Engine,
        fixed: &[release(25, 0, 17), release(29, 5, 1)],
        refusal: "is a compressed archive: to unpack it, the daemon may run the container's own xz or \
                  unpigz as root on the host (CVE-2026-41567; fixed in Docker Engine 25.0.17 and 29.5.1). \
                  Send it as an uncompressed tar, update the engine, or set ENGINE_FIXED=CVE-2026-41567 if \
                  yours has the fix",
    },
    Shield {
        names: &["CVE-2024-21626", "GHSA-xr7r-f8xq-vfvv"],
        operations: &[
            Op::ContainerCreate,
            Op::ContainerExec,
            Op::ImageCommit,
            Op::ServiceCreate,
            Op::ServiceUpdate,
        ],
        looks: Looks::WorkingDirectory,
        program: Program::Runc,
        fixed: &[release(1, 1, 12)],
        refusal: "is a process's own directory below /proc: with a runc that leaks a directory of the \
                  host, the process begins outside of the container (CVE-2024-21626; fixed in runc \
                  1.1.12). Name another directory, or set ENGINE_FIXED=CVE-2024-21626 if runc has the fix",
    },
    Shield {
        names: &[
            "CVE-2025-31133",
            "GHSA-9493-h29p-rfm2",
            "CVE-2025-52565",
            "GHSA-qw9x-cqr3-wc7r",
            "CVE-2025-52881",
            "GHSA-cgrx-mc8f-2prm",
        ],
        operations: &[Op::ContainerCreate, Op::ImageCommit, Op::ServiceCreate, Op::ServiceUpdate],
        looks: Looks::VolumeTarget,
        program: Program::Runc,
        fixed: &[release(1, 2, 8), release(1, 3, 3), release(1, 4, 0)],
        refusal: "puts a volume over /dev or /proc: whoever shares it can swap files that runc relies on \
                  while it sets up the container (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881; fixed in \
                  runc 1.2.8, 1.3.3 and 1.4.0). Mount it elsewhere, or set ENGINE_FIXED=CVE-2025-31133 if \
                  runc has the fix",
    },
    Shield {
        names: &["CVE-2026-33997", "GHSA-pxq6-2prw-chj9"],
        operations: &[Op::PluginPull, Op::PluginUpgrade],
        looks: Looks::PluginPrivileges,
        program: Program::Engine,
        fixed: &[release(25, 0, 16), release(29, 3, 1)],
        refusal: "is given to a plugin by a daemon that may not compare it with what the plugin takes \
                  (CVE-2026-33997; fixed in Docker Engine 25.0.16 and 29.3.1), so that \
                  ALLOW_PLUGIN_PRIVILEGES can't hold it to a list. Update the engine, or set \
                  ENGINE_FIXED=CVE-2026-33997 if yours has the fix",
    },
];

impl Shield {
    /// The name that it is shown by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Whether requests are refused for it, given the engine's version, where that is known.
    #[must_use]
    pub fn stands(&self, rules: &Rules, engine: Option<EngineVersion>) -> bool {
        !self.is_lifted(rules) && !engine.is_some_and(|version| self.is_fixed_in(version))
    }

    /// Whether the operator says that the fix is there.
    fn is_lifted(&self, rules: &Rules) -> bool {
        let fixed = rules.list(Variable::EngineFixed);
        let is_named = |item: &str| self.names.iter().any(|name| name.eq_ignore_ascii_case(item));
        fixed.has_everything() || fixed.iter().any(is_named)
    }

    /// Whether an engine of that version is known to have the fix.
    fn is_fixed_in(&self, engine: EngineVersion) -> bool {
        let line = |version: EngineVersion| (version.major, version.minor);
        match self.program {
            Program::Runc => false,
            Program::Engine => {
                self.fixed.last().is_some_and(|&last| engine >= last)
                    || self
                        .fixed
                        .iter()
                        .any(|&fixed| line(engine) == line(fixed) && engine >= fixed)
            }
        }
    }

    /// Refuses what is where the walk is, unless an engine of that version is known to have the fix.
    pub fn judge(&self, judge: &mut Judge<'_>, value: &str, engine: Option<EngineVersion>) {
        // Once is enough, and among many other findings too: in other modes those may pass.
        let is_said = |finding: &Finding| finding.reason == self.refusal;
        if self.stands(judge.rules, engine) && !judge.examined.findings.iter().any(is_said) {
            judge.examined.findings.push(self.finding(judge.path().to_vec(), value));
        }
    }

    /// The finding of a request that it refuses.
    #[must_use]
    pub fn finding(&self, path: Vec<Step>, value: &str) -> Finding {
        let value = super::finding::shown(value);
        Finding { path, value, ..Finding::of(Cause::Shield, self.refusal) }
    }
}

/// The shields that stand, given the engine's version, where that is known.
pub fn standing(
    rules: &Rules,
    engine: Option<EngineVersion>,
) -> impl Iterator<Item = &'static Shield> {
    SHIELDS.iter().filter(move |shield| shield.stands(rules, engine))
}

/// Those of them that look at one thing.
fn looking(
    looks: Looks,
    rules: &Rules,
    engine: Option<EngineVersion>,
) -> impl Iterator<Item = &'static Shield> {
    standing(rules, engine).filter(move |shield| shield.looks == looks)
}

/// Whether a shield is about what only the daemon, or the body's first bytes, say of a request for
/// that operation. It stands whether arguments are examined or not.
#[must_use]
pub fn guards(rules: &Rules, operation: Op) -> bool {
    standing(rules, None)
        .any(|shield| shield.looks.is_outside() && shield.operations.contains(&operation))
}

/// The shield that looks at the first bytes of a body of that operation, where one stands.
#[must_use]
pub fn of_first_bytes(
    rules: &Rules,
    operation: Op,
    engine: Option<EngineVersion>,
) -> Option<&'static Shield> {
    looking(Looks::FirstBytes, rules, engine).find(|shield| shield.operations.contains(&operation))
}

/// Judges an archive operation on a container (`ContainerInspect`): where its mounts could be moved,
/// the engine's version decides.
pub fn of_archive(judge: &mut Judge<'_>, operation: Op, container: &Json<'_>) {
    if !is_in_motion(container) {
        return;
    }
    let shields = looking(Looks::MountsInMotion, judge.rules, None);
    for shield in shields.filter(|shield| shield.operations.contains(&operation)) {
        judge.ask_engine(Argument::Weakness(shield, String::new()));
    }
}

/// Files that the daemon mounts into each container by itself, whatever else it has, and mounts again
/// to copy files (moby `daemon/volumes_unix.go`, `setupMounts`).
const NETWORK_FILES: [&str; 3] = ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"];

/// Whether a process could move the places where the daemon mounts things to copy files: the container
/// runs, or one of the places lies in a mount, which containers that run may share. What can't be read
/// is in motion.
fn is_in_motion(container: &Json<'_>) -> bool {
    let state = container.field("State");
    let is_off = |name| state.and_then(|state| state.field(name)) == Some(&Json::Bool(false));
    if !is_off("Running") || !is_off("Restarting") {
        return true;
    }
    let mounts = match container.field("Mounts") {
        None | Some(Json::Null) => return false,
        Some(Json::List(mounts)) => mounts,
        Some(_) => return true,
    };
    // A tmpfs is not there while the container is off.
    let is_kept = |mount: &&Json<'_>| mount.field("Type").and_then(Json::text) != Some("tmpfs");
    let target = |mount: &Json<'_>| mount.field("Destination")?.text().map(host_path::clean);
    let Some(targets) = mounts.iter().filter(is_kept).map(target).collect::<Option<Vec<_>>>()
    else {
        return true;
    };
    let places = targets.iter().map(String::as_str).chain(NETWORK_FILES);
    let is_inside =
        |place: &str| targets.iter().any(|t| t != place && host_path::is_within(place, t));
    places.into_iter().any(is_inside)
}

/// Judges the directory that a process begins in.
pub fn working_directory(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, directory| {
        if is_of_process(directory) && !judge.is_existing() {
            refuse(judge, Looks::WorkingDirectory, directory);
        }
    });
}

/// Whether a directory is, by its text, one that /proc has for each process. Going up from there by
/// `..` leads elsewhere than the text says.
fn is_of_process(directory: &str) -> bool {
    let is_process = |name: &str| {
        matches!(name, "self" | "thread-self")
            || !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_below = |path: &str| {
        let mut names = path.split('/').filter(|name| !matches!(*name, "" | "."));
        names.next() == Some("proc") && names.next().is_some_and(is_process)
    };
    let has = |name: &str| directory.split('/').any(|part| part == name);
    is_below(directory)
        || is_below(&host_path::clean(&format!("/{directory}")))
        || has("..") && has("proc")
}

/// Judges where a volume is mounted.
pub fn volume_target(judge: &mut Judge<'_>, target: &str) {
    let cleaned = host_path::clean(target);
    let is_relied_on =
        matches!(cleaned.as_str(), "/dev" | "/dev/pts") || host_path::is_within(&cleaned, "/proc");
    // Of a container that exists runc has set up what it relies on.
    if is_relied_on && !judge.is_existing() {
        refuse(judge, Looks::VolumeTarget, target);
    }
}

/// Judges where a path of the host is mounted, which other containers may have mounted as well. Below
/// `/proc` runc itself lets nothing be mounted but over a few files that tell numbers. The host's own
/// `/dev` and `/proc` are the host's anyway.
pub fn bind_target(judge: &mut Judge<'_>, source: &str, target: &str) {
    let source = host_path::clean(source);
    let is_kernels = ["/dev", "/proc"].iter().any(|root| host_path::is_within(&source, root));
    let is_relied_on = matches!(host_path::clean(target).as_str(), "/dev" | "/dev/pts" | "/proc");
    if is_relied_on && !is_kernels {
        volume_target(judge, target);
    }
}

/// Judges a privilege that a plugin is given and that `ALLOW_PLUGIN_PRIVILEGES` lists.
pub fn plugin_privilege(judge: &mut Judge<'_>, privilege: &str) {
    if !judge.rules.list(Variable::PluginPrivileges).has_everything() {
        refuse(judge, Looks::PluginPrivileges, privilege);
    }
}

/// Has a shield judge what is where the walk is: at once, or when the engine has said its version.
fn refuse(judge: &mut Judge<'_>, looks: Looks, value: &str) {
    for shield in looking(looks, judge.rules, None) {
        // Once is enough, of a body that is full of it.
        let is_asked = |question: &Question| {
            matches!(question, Question::Engine(used)
                if matches!(used.argument, Argument::Weakness(one, _) if one == shield))
        };
        match shield.program {
            Program::Runc => shield.judge(judge, value, None),
            Program::Engine if judge.examined.questions.iter().any(is_asked) => {}
            Program::Engine => {
                judge.ask_engine(Argument::Weakness(shield, super::finding::shown(value)));
            }
        }
    }
}

/// Whether a name in `ENGINE_FIXED` is a shield's.
#[must_use]
pub fn is_named(name: &str) -> bool {
    name == "*"
        || SHIELDS
            .iter()
            .flat_map(|shield| shield.names)
            .any(|known| known.eq_ignore_ascii_case(name))
}

/// What `ENGINE_FIXED` takes, for people, with what is wrong with `text`.
#[must_use]
pub fn expected(text: &str) -> String {
    let names: Vec<&str> = SHIELDS.iter().map(Shield::name).collect();
    let takes = format!("some of {}, separated by commas, or *", names.join(", "));
    let strangers =
        text.split(',').map(str::trim).filter(|item| !item.is_empty() && !is_named(item));
    let told: Vec<String> = strangers.map(stranger).collect();
    if told.is_empty() { takes } else { format!("{takes}; {}", told.join("; ")) }
}

/// What to say of a name that no shield has.
fn stranger(name: &str) -> String {
    /// Slips that somebody makes who copies a name.
    const SLIPS_MAX: usize = 3;
    let upper = name.to_ascii_uppercase();
    let known = SHIELDS.iter().flat_map(|shield| shield.names).copied();
    let nearest = known
        .map(|known| (strsim::osa_distance(&upper, &known.to_ascii_uppercase()), known))
        .min_by_key(|&(slips, _)| slips)
        .filter(|&(slips, _)| slips <= SLIPS_MAX);
    let name = super::finding::shown(name);
    match nearest {
        Some((_, known)) => format!("{name} is no shield (did you mean {known}?)"),
        None => format!("{name} is no shield (docs/shields.md lists them)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::engine::Engine;
    use crate::admission::json;
    use crate::admission::judge::Examined;
    use std::collections::BTreeSet;

    fn shield(name: &str) -> &'static Shield {
        SHIELDS.iter().find(|shield| shield.names.contains(&name)).expect("a shield")
    }

    fn with(text: &str) -> Rules {
        Rules::new().with(Variable::EngineFixed, text).expect("names")
    }

    fn version(text: &str) -> EngineVersion {
        EngineVersion::parse(text).expect("a release")
    }

    #[test]
    fn a_shield_stands_unless_the_version_has_the_fix() {
        let docker_cp = shield("CVE-2026-42306");
        for (text, stands) in [
            ("20.10.24+dfsg1", true),
            ("24.0.9", true),
            ("25.0.16", true),
            ("25.0.17", false),
            ("25.0.18+dfsg1", false),
            ("25.1.17", true),
            ("26.1.5+dfsg1", true),
            ("28.5.2+dfsg4", true),
            ("29.5.0", true),
            ("29.5.1", false),
            ("29.6.0", false),
            ("30.0.0", false),
        ] {
            assert_eq!(docker_cp.stands(&Rules::new(), Some(version(text))), stands, "{text}");
        }
        for shield in &SHIELDS {
            assert!(shield.stands(&Rules::new(), None), "{}", shield.name());
            let is_engine = shield.program == Program::Engine;
            assert_eq!(shield.stands(&Rules::new(), Some(version("99.0.0"))), !is_engine);
        }
    }

    #[test]
    fn a_shield_is_lifted_by_each_of_its_names_and_by_all_at_once() {
        for one in &SHIELDS {
            for name in one.names {
                for text in [(*name).to_owned(), name.to_ascii_lowercase()] {
                    let left: Vec<_> = standing(&with(&text), None).map(Shield::name).collect();
                    assert_eq!(left.len(), SHIELDS.len() - 1, "{text}: {left:?}");
                    assert!(!left.contains(&one.name()), "{text}");
                }
            }
        }
        assert_eq!(standing(&with("*"), None).count(), 0);
        assert_eq!(standing(&with("CVE-2026-41567, cve-2024-21626"), None).count(), 3);
    }

    #[test]
    fn a_name_that_no_shield_has_stops_the_start_with_a_suggestion() {
        for (text, said) in [
            ("CVE-2026-42305", "CVE-2026-42305 is no shield (did you mean CVE-2026-42306?)"),
            ("CVE-2024-21626,2026-41567", "2026-41567 is no shield"),
            ("GHSA-x86f-5xw2-fm2", "did you mean GHSA-x86f-5xw2-fm2r?"),
            ("CVE-2019-5736", "CVE-2019-5736 is no shield (docs/shields.md lists them)"),
            ("CVE-2026-*", "CVE-2026-* is no shield"),
        ] {
            let error = Rules::new().with(Variable::EngineFixed, text).expect_err(text);
            assert!(
                error.starts_with("some of CVE-2026-42306, ") && error.contains(said),
                "{error}"
            );
        }
        assert!(Rules::new().with(Variable::EngineFixed, "1").is_err());
        assert!(Rules::new().with(Variable::EngineFixed, "0").is_ok());
    }

    #[test]
    fn a_refusal_names_the_weakness_the_fix_and_the_variable() {
        let mut names = BTreeSet::new();
        for shield in &SHIELDS {
            let said = shield.finding(Vec::new(), "").to_string();
            let weaknesses = shield.names.iter().filter(|name| name.starts_with("CVE-"));
            for name in weaknesses.chain([&shield.name()]) {
                assert!(said.contains(name), "{name}: {said}");
            }
            for EngineVersion { major, minor, patch } in shield.fixed {
                assert!(said.contains(&format!("{major}.{minor}.{patch}")), "{said}");
            }
            assert!(said.contains(&format!("ENGINE_FIXED={}", shield.name())), "{said}");
            assert!(!said.contains("  ") && shield.fixed.is_sorted(), "{said}");
            assert!(shield.names.iter().all(|name| names.insert(*name)), "{:?}", shield.names);
        }
    }

    /// What is found of an archive operation on this container.
    fn archived(operation: Op, container: &str, engine: Option<EngineVersion>) -> usize {
        let rules = Rules::new();
        let mut judge = Judge::new(&rules);
        let container = json::read(container.as_bytes()).expect("json");
        of_archive(&mut judge, operation, &container);
        let engine = Engine { version: engine, ..Engine::default() };
        for question in core::mem::take(&mut judge.examined.questions) {
            let Question::Engine(used) = question else { panic!("{question:?}") };
            used.judge(&mut judge, &engine);
        }
        judge.examined.findings.len()
    }

    const RUNS: &str = r#"{"State":{"Running":true,"Restarting":false},"Mounts":[{"Type":"volume","Destination":"/d"}]}"#;

    #[test]
    fn files_are_copied_where_no_process_can_move_the_mounts() {
        for (state, mounts, found) in [
            (r#"{"Running":true,"Restarting":false}"#, r#"[{"Destination":"/d"}]"#, 1),
            (r#"{"Running":true,"Paused":true}"#, r#"[{"Destination":"/d"}]"#, 1),
            (r#"{"Running":false,"Restarting":true}"#, r#"[{"Destination":"/d"}]"#, 1),
            (r#"{"Running":false,"Restarting":false}"#, r#"[{"Destination":"/d"}]"#, 0),
            // The daemon mounts files of its own.
            (r#"{"Running":true,"Restarting":false}"#, "[]", 1),
            (r#"{"Running":true,"Restarting":false}"#, "null", 1),
            (r#"{"Running":false,"Restarting":false}"#, "[]", 0),
            (r#"{"Running":false,"Restarting":false}"#, "null", 0),
            (r#"{"Running":false,"Restarting":false}"#, r#"[{"Destination":"/etc"}]"#, 1),
            (r#"{"Running":false,"Restarting":false}"#, r#"[{"Destination":"/etc/hosts"}]"#, 0),
            (
                r#"{"Running":false,"Restarting":false}"#,
                r#"[{"Type":"tmpfs","Destination":"/d"},{"Destination":"/d/e"}]"#,
                0,
            ),
            // Another container may share the outer one.
            (
                r#"{"Running":false,"Restarting":false}"#,
                r#"[{"Destination":"/d/e"},{"Destination":"/d/"}]"#,
                1,
            ),
            (
                r#"{"Running":false,"Restarting":false}"#,
                r#"[{"Destination":"/d"},{"Destination":"/de"}]"#,
                0,
            ),
            // What can't be read.
            ("null", r#"[{"Destination":"/d"}]"#, 1),
            (r#"{"Running":"false","Restarting":false}"#, r#"[{"Destination":"/d"}]"#, 1),
            (r#"{"Running":false,"Restarting":false}"#, r#"[{"Destination":1}]"#, 1),
            (r#"{"Running":false,"Restarting":false}"#, "{}", 1),
        ] {
            let container = format!(r#"{{"State":{state},"Mounts":{mounts}}}"#);
            assert_eq!(archived(Op::PutContainerArchive, &container, None), found, "{container}");
        }
        for (operation, found) in [
            (Op::ContainerArchive, 1),
            (Op::ContainerArchiveInfo, 1),
            (Op::PutContainerArchive, 1),
            (Op::ContainerExec, 0),
        ] {
            assert_eq!(archived(operation, RUNS, None), found, "{operation:?}");
            assert_eq!(archived(operation, RUNS, Some(version("29.5.1"))), 0, "{operation:?}");
        }
    }

    #[test]
    fn the_first_bytes_of_an_archive_are_looked_at_and_of_nothing_else() {
        let looked = |operation, engine| of_first_bytes(&Rules::new(), operation, engine).is_some();
        assert!(looked(Op::PutContainerArchive, None));
        assert!(looked(Op::PutContainerArchive, Some(version("28.5.2"))));
        assert!(!looked(Op::PutContainerArchive, Some(version("29.5.1"))));
        assert!(!looked(Op::ImageLoad, None) && !looked(Op::ImageBuild, None));
        let lifted = with("CVE-2026-41567");
        assert!(of_first_bytes(&lifted, Op::PutContainerArchive, None).is_none());
    }

    #[test]
    fn what_is_looked_at_outside_of_arguments_stands_in_every_mode() {
        let rules = Rules::new();
        assert!(guards(&rules, Op::PutContainerArchive) && guards(&rules, Op::ContainerArchive));
        assert!(!guards(&rules, Op::ContainerCreate));
        assert!(!guards(&with("*"), Op::PutContainerArchive));
        assert!(guards(&with("CVE-2026-41567"), Op::PutContainerArchive));
    }

    #[test]
    fn a_directory_of_a_process_is_known_by_its_text() {
        for directory in [
            "/proc/self/fd/7",
            "/proc/self",
            "//proc/./self/fd/8/",
            "/proc/thread-self/cwd",
            "/proc/1/root",
            "proc/self/fd/9",
            "/./proc/self/fd/8",
            "/tmp/../proc/self/fd/8",
            "/proc/self/fd/7/../../../../etc",
            "/x/../proc",
        ] {
            assert!(is_of_process(directory), "{directory}");
        }
        for directory in
            ["", "/", "/app", "/proc", "/proc/sys", "/srv/proc/self", "/process/self", "/app/../x"]
        {
            assert!(!is_of_process(directory), "{directory}");
        }
    }

    /// What comes of an examination with an engine that says this of itself, or nothing.
    fn told(rules: &Rules, examined: Examined, info: &str) -> Vec<String> {
        let mut findings = examined.findings;
        let asked = examined.questions.iter();
        for question in asked.filter(|question| matches!(question, Question::Engine(_))) {
            let answered = question.answered(rules, 200, info.as_bytes());
            findings.extend(answered.examined.findings);
        }
        findings.iter().map(ToString::to_string).collect()
    }

    /// Reasons that a body of this operation is refused for.
    fn found(operation: Op, rules: &Rules, body: &str) -> Vec<String> {
        let line = crate::admission::Examiner::find(operation).expect("a line");
        told(rules, line.examine(rules, body.as_bytes()), "")
    }

    #[test]
    fn a_process_begins_in_no_directory_of_a_process() {
        for (operation, body, at) in [
            (Op::ContainerCreate, r#"{"WorkingDir":"/proc/self/fd/7"}"#, "WorkingDir"),
            (Op::ContainerExec, r#"{"workingdir":"/proc/self/fd/7"}"#, "WorkingDir"),
            (Op::ImageCommit, r#"{"WorkingDir":"/proc/self/fd/7"}"#, "WorkingDir"),
            (
                Op::ServiceCreate,
                r#"{"TaskTemplate":{"ContainerSpec":{"Dir":"/proc/self/fd/7"}}}"#,
                "TaskTemplate.ContainerSpec.Dir",
            ),
            (
                Op::ServiceUpdate,
                r#"{"TaskTemplate":{"ContainerSpec":{"Dir":"/proc/self/fd/7"}}}"#,
                "TaskTemplate.ContainerSpec.Dir",
            ),
        ] {
            let said = found(operation, &Rules::new(), body);
            assert_eq!(said.len(), 1, "{body}: {said:?}");
            assert!(said[0].starts_with(&format!("{at} \"/proc/self/fd/7\" is ")), "{said:?}");
            assert_eq!(found(operation, &with("CVE-2024-21626"), body).len(), 0, "{body}");
            assert!(shield("CVE-2024-21626").operations.contains(&operation));
            let ordinary = body.replace("/proc/self/fd/7", "/app");
            assert_eq!(found(operation, &Rules::new(), &ordinary).len(), 0, "{ordinary}");
        }
    }

    #[test]
    fn no_volume_is_put_over_what_runc_relies_on() {
        let ordinary =
            ["/data", "/dev/shm", "/dev/log", "/devices", "/process", "/srv/dev", "/sys/x"];
        let relied_on = ["/dev", "/dev/", "//dev", "/x/../dev/pts", "/proc", "/proc/self/attr"];
        for (operation, body) in [
            (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["data:TARGET:ro"]}}"#),
            (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["TARGET"]}}"#),
            (
                Op::ContainerCreate,
                r#"{"HostConfig":{"Mounts":[{"Type":"volume","Source":"data","Target":"TARGET"}]}}"#,
            ),
            (
                Op::ContainerCreate,
                r#"{"HostConfig":{"Mounts":[{"Type":"volume","Target":"TARGET"}]}}"#,
            ),
            (Op::ContainerCreate, r#"{"Volumes":{"TARGET":{}}}"#),
            (Op::ImageCommit, r#"{"Volumes":{"TARGET":{}}}"#),
            (
                Op::ServiceCreate,
                r#"{"TaskTemplate":{"ContainerSpec":{"Mounts":[{"Type":"volume","Target":"TARGET"}]}}}"#,
            ),
            (
                Op::ServiceUpdate,
                r#"{"TaskTemplate":{"ContainerSpec":{"Mounts":[{"Type":"volume","Target":"TARGET"}]}}}"#,
            ),
        ] {
            assert!(shield("CVE-2025-31133").operations.contains(&operation));
            for target in relied_on {
                let body = body.replace("TARGET", target);
                let said = found(operation, &Rules::new(), &body);
                assert_eq!(said.len(), 1, "{body}: {said:?}");
                assert!(said[0].contains("CVE-2025-31133"), "{said:?}");
                assert_eq!(found(operation, &with("CVE-2025-52881"), &body).len(), 0, "{body}");
            }
            for target in ordinary {
                let body = body.replace("TARGET", target);
                assert_eq!(found(operation, &Rules::new(), &body).len(), 0, "{body}");
            }
        }
        let open = Rules::new().with(Variable::BindMounts, "/srv").expect("a path");
        for body in [
            r#"{"HostConfig":{"Binds":["/srv/d:TARGET:ro"]}}"#,
            r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv/d","Target":"TARGET"}]}}"#,
        ] {
            for (target, count) in
                [("/dev", 1), ("//dev/pts/", 1), ("/proc", 1), ("/proc/cpuinfo", 0), ("/data", 0)]
            {
                let body = body.replace("TARGET", target);
                assert_eq!(found(Op::ContainerCreate, &open, &body).len(), count, "{body}");
            }
        }
        // The host's own is the host's anyway, and listed or refused as that.
        let host = r#"{"HostConfig":{"Binds":["/dev:/dev"]}}"#;
        let open = Rules::new().with(Variable::BindMounts, "/dev").expect("a path");
        assert_eq!(found(Op::ContainerCreate, &open, host).len(), 0);
    }

    #[test]
    fn a_listed_privilege_can_only_be_held_to_by_a_daemon_that_compares() {
        let body = r#"[{"Name":"network","Value":["bridge"]},{"Name":"mount","Value":["/"]}]"#;
        let listed = "network,mount";
        let open =
            |rules: Rules, list| rules.with(Variable::PluginPrivileges, list).expect("a list");
        for operation in [Op::PluginPull, Op::PluginUpgrade] {
            let said = found(operation, &open(Rules::new(), listed), body);
            assert!(said.len() == 1 && said[0].contains("CVE-2026-33997"), "{said:?}");
            assert_eq!(found(operation, &open(with("CVE-2026-33997"), listed), body).len(), 0);
            assert_eq!(found(operation, &open(Rules::new(), "*"), body).len(), 0);
            assert_eq!(found(operation, &open(Rules::new(), listed), "[]").len(), 0);
            for (info, found) in [
                (r#"{"ServerVersion":"29.3.0"}"#, 1),
                (r#"{"ServerVersion":"29.3.1-rc.1"}"#, 1),
                (r#"{"ServerVersion":"29.3.1"}"#, 0),
                (r#"{"ServerVersion":"25.0.16+x"}"#, 0),
                ("{}", 1),
            ] {
                let rules = open(Rules::new(), listed);
                let line = crate::admission::Examiner::find(operation).expect("a line");
                let examined = line.examine(&rules, body.as_bytes());
                assert_eq!(told(&rules, examined, info).len(), found, "{info}");
            }
            assert!(shield("CVE-2026-33997").operations.contains(&operation));
        }
    }
}
