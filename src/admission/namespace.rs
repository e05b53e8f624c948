//! Namespaces that a container takes from the host or from another container
//! (moby `api/types/container/hostconfig.go`).

use super::engine::Argument;
use super::field::{Field, Rule, examined};
use super::json::Json;
use super::judge::Judge;
use super::own;
use super::variable::Variable;

/// Why the host's network is withheld, wherever it is asked for.
pub const HOST_NETWORK: &str =
    "shares the host's network: its loopback services and abstract sockets";

/// Why the host's cgroup namespace is withheld.
pub const HOST_CGROUPS: &str = "sees the host's cgroups";

const OF_CONTAINER: &str = "joins a namespace of another container";

/// `HostConfig.NetworkMode`.
pub const NETWORK_MODE: Field = examined(
    "NetworkMode",
    Rule::By(|judge, mode| judge.text(mode, network)),
    Variable::HostNamespaces,
    HOST_NETWORK,
);
/// `HostConfig.PidMode`.
pub const PID_MODE: Field = examined(
    "PidMode",
    Rule::By(|judge, mode| mode_of(judge, mode, "pid", &["private"])),
    Variable::HostNamespaces,
    "sees and signals the host's processes",
);
/// `HostConfig.IpcMode`.
pub const IPC_MODE: Field = examined(
    "IpcMode",
    Rule::By(|judge, mode| mode_of(judge, mode, "ipc", &["private", "none", "shareable"])),
    Variable::HostNamespaces,
    "shares the host's memory segments and semaphores",
);
/// `HostConfig.UTSMode`.
pub const UTS_MODE: Field = examined(
    "UTSMode",
    Rule::By(|judge, mode| mode_of(judge, mode, "uts", &["private"])),
    Variable::HostNamespaces,
    "shares the host's name",
);
/// `HostConfig.UsernsMode`.
pub const USERNS_MODE: Field = examined(
    "UsernsMode",
    Rule::By(|judge, mode| mode_of(judge, mode, "user", &["private"])),
    Variable::HostNamespaces,
    "takes the host's user ids: its root is the host's",
);
/// `HostConfig.CgroupnsMode`.
pub const CGROUPNS_MODE: Field = examined(
    "CgroupnsMode",
    Rule::By(|judge, mode| {
        if judge.is_existing() && mode.text() == Some("host") && !judge.is_open("cgroup") {
            return judge.ask_engine(Argument::HostCgroups);
        }
        mode_of(judge, mode, "cgroup", &["private"]);
    }),
    Variable::HostNamespaces,
    HOST_CGROUPS,
);
/// `HostConfig.Cgroup`.
pub const CGROUP: Field = examined(
    "Cgroup",
    Rule::By(|judge, mode| mode_of(judge, mode, "cgroup", &[])),
    Variable::ContainerNamespaces,
    OF_CONTAINER,
);

/// Whether a `HostConfig` gives the container a network namespace of its own: it does unless
/// `NetworkMode` says otherwise in these words (moby `daemon/oci_linux.go`; a network's id, the
/// host's one included, is a network to join from a namespace of its own).
#[must_use]
pub fn has_own_network(config: &Json<'_>) -> bool {
    match config.field("NetworkMode") {
        None | Some(Json::Null) => true,
        Some(Json::Text(mode)) => {
            let mode = mode.to_ascii_lowercase();
            mode != "host" && mode != "container" && !mode.starts_with("container:")
        }
        Some(_) => false,
    }
}

/// Judges the name of a network: the two that are none.
pub fn network(judge: &mut Judge<'_>, mode: &str) {
    if !is_shared(judge, mode, "network") && mode.contains(':') {
        judge.bad_text(mode, "is no network's name");
    }
}

/// A mode that is the daemon's default, one of `own`, or shared.
fn mode_of(judge: &mut Judge<'_>, value: &Json<'_>, kind: &'static str, own: &[&str]) {
    judge.text(value, |judge, mode| {
        if !mode.is_empty() && !own.contains(&mode) && !is_shared(judge, mode, kind) {
            judge.bad_text(mode, "is no mode of that namespace");
        }
    });
}

/// Whether a mode names the host's namespace or another container's, which it then judges. The
/// daemon compares exactly; what differs in case only is not worth telling apart.
fn is_shared(judge: &mut Judge<'_>, mode: &str, kind: &'static str) -> bool {
    let lower = mode.to_ascii_lowercase();
    let is_open = |judge: &Judge<'_>, variable| judge.rules.list(variable).has(kind);
    if lower == "host" {
        if !is_open(judge, Variable::HostNamespaces) {
            judge.withhold(mode, kind);
        }
        true
    } else if lower == "container" || lower.starts_with("container:") {
        if !is_open(judge, Variable::ContainerNamespaces) {
            judge.withhold_for(Variable::ContainerNamespaces, mode, kind, OF_CONTAINER);
        } else if let Some((before, reference)) = mode.split_once(':') {
            own::look_up(judge, &format!("{before}:"), reference, "");
        }
        true
    } else {
        false
    }
}
