//! Containers that exist. Who runs a command in one, puts files into it or reads through its
//! mounts has what it has; so it is judged by the tables that a create is judged by, and by its
//! mounts as the daemon reports them.

use super::container;
use super::field::Rule;
use super::finding::Step;
use super::host_config::HOST_CONFIG;
use super::json::Json;
use super::judge::Judge;
use super::limit;
use super::lookup::{ContainerLookup, Question, ReferencePlace};
use super::mount;
use super::own;
use super::rules::{Mode, Rules};
use super::shield;
use super::variable::Variable;
use crate::api::Operation;
use std::borrow::Cow;

/// What a request does with a container that it refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerUse {
    /// Runs something in it or takes over its terminal.
    Run,
    /// Puts files into it, which its next start runs.
    Write,
    /// Reads its files, those of its mounts included.
    Read,
    /// Acts on it as a whole: only the gate's own container is closed.
    Manage,
}

impl ContainerUse {
    /// The operation that copies files so, where it is one.
    #[must_use]
    pub fn archive(self) -> Option<Operation> {
        match self {
            Self::Write => Some(Operation::PutContainerArchive),
            Self::Read => Some(Operation::ContainerArchive),
            Self::Run | Self::Manage => None,
        }
    }

    /// How much of the container is judged by these rules.
    #[must_use]
    pub fn extent(self, rules: &Rules) -> Extent {
        let is_judged = rules.judges_existing();
        match self {
            Self::Run | Self::Write if is_judged => Extent::Whole,
            Self::Read if is_judged => Extent::Mounts,
            // What is written through a mount is on the host, whatever else the container has.
            Self::Write if rules.mode() != Mode::Off => Extent::WritableMounts,
            Self::Run | Self::Write | Self::Read | Self::Manage => Extent::Nothing,
        }
    }
}

/// How much of a container is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Nothing of it.
    Nothing,
    /// The mounts that may be written.
    WritableMounts,
    /// Every mount.
    Mounts,
    /// Everything that it was created with, and every mount.
    Whole,
}

/// Fields of `HostConfig` that say nothing of what a process inside has.
const EXEMPT: [&str; 2] = [
    // The daemon's part; where the operator has set another default, each container has it.
    "LogConfig",
    // What it has taken over is among its mounts.
    "VolumesFrom",
];

/// Whether a field is not judged of a container that exists.
#[must_use]
pub fn is_exempt(name: &str) -> bool {
    EXEMPT.contains(&name)
}

/// Judges the answer to `ContainerInspect`; the container's full id. `None` where the answer can't
/// be read: without an id the request could only go to whoever bears the name.
pub fn judge(
    judge: &mut Judge<'_>,
    lookup: &ContainerLookup,
    container: &Json<'_>,
) -> Option<String> {
    let id = container.field("Id").and_then(Json::text)?;
    // It becomes a part of the request.
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_plain || !matches!(container.field("Mounts"), None | Some(Json::Null | Json::List(_))) {
        return None;
    }
    if !own::is_denied(judge, id, &lookup.reference) {
        let extent = lookup.usage.extent(judge.rules);
        judge.step(Step::Container(lookup.reference.clone()), |judge| {
            match extent {
                Extent::Nothing => {}
                Extent::WritableMounts => {
                    mounts(judge, container, |is_read_only| !is_read_only, false);
                }
                Extent::Mounts => mounts(judge, container, |_| true, true),
                Extent::Whole => whole(judge, container),
            }
            if let Some(operation) = lookup.usage.archive() {
                shield::of_archive(judge, operation, container);
            }
        });
    }
    Some(id.to_owned())
}

/// Judges the answer to `ExecInspect`: the process's own privileges, whoever made it, and then its
/// container. False where it can't be read.
pub fn exec(judge: &mut Judge<'_>, id: &str, inspect: &Json<'_>) -> bool {
    let Some(container) = inspect.field("ContainerID").and_then(Json::text) else { return false };
    let process = inspect.field("ProcessConfig").unwrap_or(&Json::Null);
    if judge.rules.judges_existing() {
        judge.step(Step::Exec(id.to_owned()), |judge| {
            let is_privileged = process.field("privileged") == Some(&Json::Bool(true));
            if is_privileged && !judge.rules.is_on(Variable::ExecPrivileged) {
                let reason = "was created with every capability";
                judge.withhold_for(Variable::ExecPrivileged, "", "1", reason);
            }
            limit::exec_user(judge, process.field("user").unwrap_or(&Json::Null));
        });
    }
    judge.examined.questions.push(Question::Container(ContainerLookup {
        reference: container.to_owned(),
        usage: ContainerUse::Run,
        place: ReferencePlace::Nowhere,
    }));
    true
}

fn whole(judge: &mut Judge<'_>, container: &Json<'_>) {
    mounts(judge, container, |_| true, false);
    let part = |name| container.field(name).unwrap_or(&Json::Null);
    let config = without_implied(part("HostConfig"));
    judge.step(Step::Field("HostConfig"), |judge| {
        judge.apply(&Rule::Object(&HOST_CONFIG), &config);
    });
    container::confined(judge, part("Config"), part("HostConfig"));
    judge.merge_findings();
}

/// The security option that the daemon adds where `SELinux` could not confine a container anyway (moby
/// `daemon/create.go`, `generateSecurityOpt`).
const UNLABELLED: &str = "label=disable";

/// A container's `HostConfig` without what the daemon has added because of something else in it,
/// which is judged where it stands.
fn without_implied<'c>(config: &'c Json<'c>) -> Cow<'c, Json<'c>> {
    let is_host = |name| config.field(name).and_then(Json::text) == Some("host");
    let is_implied = config.field("Privileged") == Some(&Json::Bool(true))
        || is_host("PidMode")
        || is_host("IpcMode");
    let Some(entries) = config.entries().filter(|_| is_implied) else {
        return Cow::Borrowed(config);
    };
    let mut entries = entries.to_vec();
    for (name, value) in &mut entries {
        if let ("SecurityOpt", Json::List(options)) = (&**name, value) {
            options.retain(|option| option.text() != Some(UNLABELLED));
        }
    }
    Cow::Owned(Json::Object(entries))
}

/// Judges the mounts that are `meant`, by whether they are read-only; all as read-only ones where
/// they are only read through.
fn mounts(
    judge: &mut Judge<'_>,
    container: &Json<'_>,
    meant: impl Fn(bool) -> bool,
    only_reads: bool,
) {
    let Some(Json::List(mounts)) = container.field("Mounts") else { return };
    for (index, mount) in mounts.iter().enumerate() {
        let is_read_only = mount.field("RW") == Some(&Json::Bool(false));
        if !meant(is_read_only) {
            continue;
        }
        let text = |name| mount.field(name).and_then(Json::text).unwrap_or_default();
        let is_read_only = is_read_only || only_reads;
        judge.step(Step::Field("Mounts"), |judge| {
            judge.step(Step::Index(index), |judge| match text("Type") {
                "bind" => judge.host_path(text("Source"), is_read_only),
                "volume" if !text("Name").is_empty() => {
                    mount::volume(judge, text("Name"), is_read_only);
                }
                _ => {}
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Rules, json};

    fn lookup(usage: ContainerUse) -> ContainerLookup {
        ContainerLookup { reference: "web".to_owned(), usage, place: ReferencePlace::Path }
    }

    /// What is found, and what is asked.
    fn judged(rules: &Rules, usage: ContainerUse, inspect: &str) -> (Vec<String>, Vec<Question>) {
        let mut judge = Judge::new(rules);
        let container = json::read(inspect.as_bytes()).expect("json");
        let id = super::judge(&mut judge, &lookup(usage), &container);
        assert_eq!(id.as_deref(), Some("0f"));
        let found = judge.examined.findings.iter().map(ToString::to_string).collect();
        (found, judge.examined.questions)
    }

    fn with_mounts(mounts: &str) -> String {
        format!(r#"{{"Id":"0f","Mounts":{mounts}}}"#)
    }

    fn with_host_config(config: &str) -> String {
        format!(r#"{{"Id":"0f","Mounts":[],"Config":{{"User":""}},"HostConfig":{config}}}"#)
    }

    const USES: [ContainerUse; 4] =
        [ContainerUse::Run, ContainerUse::Write, ContainerUse::Read, ContainerUse::Manage];

    #[test]
    fn mounts_that_a_create_might_not_ask_for_are_denied() {
        let rules = Rules::new().with(Variable::BindMounts, "/srv:ro,/data").expect("paths");
        let rules = rules.with(Variable::EngineFixed, "*").expect("a list");
        let open = rules.clone().with(Variable::Existing, "1").expect("a switch");
        // Findings and questions of each use, and of each with ALLOW_EXISTING=1.
        for (mounts, counts, questions, open_counts) in [
            ("null", [0; 4], [0; 4], [0; 4]),
            (r#"[{"Type":"bind","Source":"/etc"}]"#, [1, 1, 1, 0], [0; 4], [0, 1, 0, 0]),
            (r#"[{"Type":"bind","Source":"/etc","RW":false}]"#, [1, 1, 1, 0], [0; 4], [0; 4]),
            (r#"[{"Type":"bind","Source":"/srv","RW":true}]"#, [1, 1, 0, 0], [0; 4], [0, 1, 0, 0]),
            (r#"[{"Type":"bind","Source":"/srv","RW":false}]"#, [0; 4], [0; 4], [0; 4]),
            (r#"[{"Type":"bind","Source":"/data","RW":true}]"#, [0; 4], [0; 4], [0; 4]),
            (r#"[{"Type":"volume","Name":"v","RW":true}]"#, [0; 4], [1, 1, 1, 0], [0; 4]),
            (r#"[{"Type":"volume","Name":"","RW":true}]"#, [0; 4], [0; 4], [0; 4]),
            (r#"[{"Type":"tmpfs","RW":true}]"#, [0; 4], [0; 4], [0; 4]),
        ] {
            for (index, usage) in USES.into_iter().enumerate() {
                let (found, asked) = judged(&rules, usage, &with_mounts(mounts));
                assert_eq!(found.len(), counts[index], "{mounts} {usage:?}: {found:?}");
                assert_eq!(asked.len(), questions[index], "{mounts} {usage:?}");
                let (found, _) = judged(&open, usage, &with_mounts(mounts));
                assert_eq!(found.len(), open_counts[index], "{mounts} {usage:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_container_is_judged_as_the_create_of_it_would_be() {
        for (config, needs) in [
            (r#"{"Privileged":true}"#, "ALLOW_PRIVILEGED=1"),
            (r#"{"CapAdd":["SYS_ADMIN"]}"#, "ALLOW_CAPABILITIES=SYS_ADMIN"),
            (r#"{"PidMode":"host"}"#, "ALLOW_HOST_NAMESPACES=pid"),
            (r#"{"NetworkMode":"container:x"}"#, "ALLOW_CONTAINER_NAMESPACES=network"),
            (r#"{"Devices":[{"PathOnHost":"/dev/sda"}]}"#, "ALLOW_DEVICES=/dev/sda"),
            (r#"{"SecurityOpt":["seccomp=unconfined"]}"#, "ALLOW_SECURITY_OPT=seccomp=unconfined"),
            (r#"{"MaskedPaths":[]}"#, "ALLOW_SECURITY_OPT=systempaths=unconfined"),
        ] {
            let inspect = with_host_config(config);
            for (usage, is_judged) in USES.into_iter().zip([true, true, false, false]) {
                let (found, _) = judged(&Rules::new(), usage, &inspect);
                let expected = format!("needs {needs} or ALLOW_EXISTING=1");
                assert_eq!(found.len(), usize::from(is_judged), "{config} {usage:?}: {found:?}");
                for finding in found {
                    assert!(finding.starts_with("container \"web\": HostConfig."), "{finding}");
                    assert!(finding.ends_with(&expected), "{finding}");
                }
            }
            let open = Rules::new().with(Variable::Existing, "1").expect("a switch");
            assert_eq!(judged(&open, ContainerUse::Run, &inspect).0, Vec::<String>::new());
        }
    }

    #[test]
    fn what_a_daemon_adds_to_an_ordinary_container_is_not_held_against_it() {
        let ordinary = r#"{"Binds":null,"LogConfig":{"Type":"fluentd","Config":{}},"NetworkMode":"default",
            "VolumesFrom":["data"],"CapAdd":null,"CgroupnsMode":"private","IpcMode":"private","PidMode":"",
            "SecurityOpt":null,"ShmSize":67108864,"Devices":[],"PidsLimit":null,"NewField":{"A":1,"a":2},
            "MaskedPaths":["/proc/asound","/proc/acpi","/proc/kcore","/proc/keys","/proc/latency_stats",
            "/proc/timer_list","/proc/timer_stats","/proc/sched_debug","/proc/scsi","/sys/firmware"],
            "ReadonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}"#;
        let rules = Rules::new().with(Variable::UnknownFields, "deny").expect("a word");
        let (found, asked) = judged(&rules, ContainerUse::Run, &with_host_config(ordinary));
        assert_eq!((found, asked), (Vec::new(), Vec::new()));
        // These depend on the engine.
        for config in [r#"{"Runtime":"runc"}"#, r#"{"CgroupnsMode":"host"}"#] {
            let (found, asked) = judged(&rules, ContainerUse::Run, &with_host_config(config));
            assert_eq!((found, asked.len()), (Vec::new(), 1), "{config}");
        }
    }

    #[test]
    fn what_follows_from_what_is_allowed_is_allowed() {
        for (variable, text, config, count) in [
            (Variable::Privileged, "1", r#""Privileged":true"#, 0),
            (Variable::HostNamespaces, "pid", r#""PidMode":"host""#, 0),
            (Variable::HostNamespaces, "ipc", r#""IpcMode":"host""#, 0),
            (Variable::HostNamespaces, "uts", r#""UTSMode":"host""#, 1),
            (Variable::Privileged, "1", r#""Privileged":false"#, 1),
        ] {
            let rules = Rules::new().with(variable, text).expect("a value");
            let inspect =
                with_host_config(&format!(r#"{{{config},"SecurityOpt":["label=disable"]}}"#));
            let (found, _) = judged(&rules, ContainerUse::Run, &inspect);
            assert_eq!(found.len(), count, "{config}: {found:?}");
        }
        let more = r#"{"Privileged":true,"SecurityOpt":["label=disable","seccomp=unconfined"]}"#;
        let rules = Rules::new().with(Variable::Privileged, "1").expect("a switch");
        assert_eq!(judged(&rules, ContainerUse::Run, &with_host_config(more)).0.len(), 1);
    }

    #[test]
    fn what_podman_adds_is_not_held_against_a_container_either() {
        let ordinary = r#"{"Binds":["v:/d:rw,rprivate,nosuid,nodev,rbind"],"LogConfig":{"Type":"json-file",
            "Config":null},"NetworkMode":"bridge","CapAdd":[],"CapDrop":["AUDIT_WRITE","MKNOD","NET_RAW"],
            "CgroupnsMode":"","IpcMode":"shareable","PidMode":"private","UTSMode":"private","Tmpfs":
            {"/t":"rw,rprivate,nosuid,nodev,tmpcopyup"},"MaskedPaths":null,"ReadonlyPaths":null,
            "Annotations":{"io.podman.annotations.pids-limit":"2048"}}"#;
        let (found, asked) = judged(&Rules::new(), ContainerUse::Run, &with_host_config(ordinary));
        assert_eq!((found, asked), (Vec::new(), Vec::new()));
        let (found, _) = judged(
            &Rules::new(),
            ContainerUse::Run,
            &with_host_config(r#"{"Binds":["v:/d:suid"]}"#),
        );
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn what_a_create_must_ask_for_a_container_must_have() {
        let rules = Rules::new().with(Variable::RequireNonRoot, "1").expect("a switch");
        let (found, _) = judged(&rules, ContainerUse::Run, &with_host_config("{}"));
        assert_eq!(found.len(), 1, "{found:?}");
        let inspect = r#"{"Id":"0f","Config":{"User":"1000"},"HostConfig":{}}"#;
        assert_eq!(judged(&rules, ContainerUse::Run, inspect).0, Vec::<String>::new());
    }

    #[test]
    fn one_mount_that_is_told_twice_is_one_finding() {
        let inspect = r#"{"Id":"0f","Mounts":[{"Type":"bind","Source":"/etc","RW":true}],
            "HostConfig":{"Binds":["/etc:/e","v:/v"]}}"#;
        let (found, asked) = judged(&Rules::new(), ContainerUse::Run, inspect);
        assert_eq!((found.len(), asked.len()), (1, 0), "{found:?}");
    }
}
