//! What is said at start of settings that open more than a user may think.

use super::config::Config;
use crate::admission::{Mode, Rules, Variable, host_path};
use crate::policy::{self, Settings};
use crate::proxy::listener::{Listener, Place};
use std::fs;
use std::io;
use std::path::Path;
use tracing::{info, warn};

/// Lists in which `*` is root on the host, and items that are it too.
const THE_HOST: &[(Variable, &[&str])] = &[
    (Variable::Capabilities, &["ALL", "SYS_ADMIN", "CAP_SYS_ADMIN"]),
    (Variable::Devices, &[]),
    (Variable::VolumeDrivers, &["local:*"]),
    (Variable::PluginPrivileges, &[]),
    (Variable::Runtimes, &[]),
    (Variable::Annotations, &[]),
];

/// Variables that open more than their name says.
const MORE_THAN_IT_SEEMS: &[(policy::Variable, &str)] = &[
    (
        policy::Variable::Swarm,
        "clients may read the swarm's join tokens, with which a manager of theirs commands this host",
    ),
    (
        policy::Variable::Grpc,
        "BuildKit's control API is not looked into; it may use the host's network",
    ),
];

/// Doors in the admission that are open to the whole host, said loudly.
pub fn of_open_arguments(rules: &Rules) {
    match rules.mode() {
        Mode::Enforce => {}
        Mode::Audit => {
            warn!("ADMISSION=audit: arguments that would be refused are let through and logged");
        }
        Mode::Off => warn!(
            "ADMISSION=off: arguments are not examined; a client that may create a container is root on the host"
        ),
    }
    for &(variable, items) in THE_HOST {
        let is_whole = |one: &str| items.iter().any(|item| one.eq_ignore_ascii_case(item));
        let list = rules.list(variable);
        if list.has_everything() || list.iter().any(is_whole) {
            let text = rules.text(variable);
            warn!("{variable}={text}: a client that may use this is root on the host");
        }
    }
    for prefix in rules.prefixes().iter().filter(|prefix| prefix.path != "/") {
        if rules.guarded().any(|guarded| host_path::is_within(guarded, &prefix.path)) {
            warn!(
                "ALLOW_BIND_MOUNTS has {}: with a socket of the daemon's a client is root on the host",
                prefix.path
            );
        }
    }
    let linked: Vec<String> = rules
        .prefixes()
        .iter()
        .filter(|prefix| !prefix.is_read_only && !prefix.is_exact && prefix.path != "/")
        .filter(|prefix| !rules.sockets.contains(&prefix.path))
        .map(|prefix| prefix.path.clone())
        .collect();
    if let Some(first) = linked.first() {
        warn!(
            "ALLOW_BIND_MOUNTS has {}: a client that can write there can make a symbolic link and mount what it points \
             to, which may be any path of the host ({first}:exact allows that path and nothing below it)",
            linked.join(", ")
        );
    }
    if rules.is_on(Variable::Privileged) {
        warn!("ALLOW_PRIVILEGED=1: a client that may create a container is root on the host");
    }
    if let Some(prefix) = rules.prefixes().iter().find(|prefix| prefix.path == "/") {
        let how = if prefix.is_read_only { "read" } else { "read and write" };
        warn!(
            "ALLOW_BIND_MOUNTS has /: a client that may create a container may {how} every file of the host"
        );
    }
}

/// What a user may not have meant.
pub fn of_open_doors(config: &Config, listeners: &[Listener]) {
    let on = |variable| config.policy.is_on(variable);
    if let Some(words) = of_readable_containers(config.policy) {
        info!("{words}");
    }
    for &(variable, words) in MORE_THAN_IT_SEEMS {
        if on(variable) {
            warn!("{variable}=1: {words}");
        }
    }
    let everywhere = listeners.iter().any(|listener| match listener.place() {
        Place::Everywhere(_) => true,
        Place::Tcp(address) => address.ip().is_unspecified(),
        Place::Unix(_) => false,
    });
    let words = "listening on all addresses without TLS or authentication: never publish this port";
    if everywhere && is_in_container() {
        // Its networks are all that can reach it, unless its port is published.
        info!("{words}");
    } else if everywhere {
        warn!("{words}; LISTEN=127.0.0.1:2375 listens for this machine alone");
    }
}

/// What `CONTAINERS=1` opens as well, for those who come from where it does not (linuxserver's image
/// has each of these at 0).
fn of_readable_containers(settings: Settings) -> Option<String> {
    const WITHHOLDING: [(policy::Variable, &str); 5] = [
        (policy::Variable::AllowArchive, "files"),
        (policy::Variable::AllowChanges, "changes"),
        (policy::Variable::AllowExport, "exports"),
        (policy::Variable::AllowLogs, "logs"),
        (policy::Variable::AllowTop, "processes"),
    ];
    let is_set = |&(variable, _): &(policy::Variable, _)| settings.get(variable).is_some();
    if !settings.is_on(policy::Variable::Containers) || WITHHOLDING.iter().any(is_set) {
        return None;
    }
    let what = WITHHOLDING.map(|(_, what)| what).join(", ");
    let how = WITHHOLDING.map(|(variable, _)| format!("{variable}=0")).join(" ");
    Some(format!(
        "CONTAINERS=1 also allows reading of containers: {what}; to disable that, as in linuxserver/socket-proxy, set {how}"
    ))
}

/// Whether this is a container, as Docker, Podman, containerd and Kubernetes mark theirs.
fn is_in_container() -> bool {
    const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];
    const WORDS: [&str; 5] = ["docker", "kubepods", "containerd", "libpod", "lxc"];
    let has_word = |path| {
        fs::read_to_string(path).is_ok_and(|text| WORDS.iter().any(|word| text.contains(word)))
    };
    MARKS.iter().any(|mark| Path::new(mark).exists()) || has_word("/proc/self/cgroup")
}

/// What to do where a place can't be listened at; empty where the kernel's word says it all.
#[must_use]
pub fn cure_of_binding(place: &Place, error: &io::Error) -> &'static str {
    match (error.kind(), place) {
        (io::ErrorKind::AddrInUse, Place::Unix(_)) => {
            ": somebody answers there, or it is a file of another kind; remove it, or set LISTEN to another path"
        }
        (io::ErrorKind::AddrInUse, _) => {
            ": another process listens there, a second gate perhaps; end it, or set LISTEN to another port"
        }
        (io::ErrorKind::AddrNotAvailable, _) => {
            ": no interface here has that address; set LISTEN to one of this machine's, or to :PORT for every one"
        }
        (io::ErrorKind::PermissionDenied, Place::Unix(_)) => {
            ": the directory can't be written to by the user dockgate is started as"
        }
        (io::ErrorKind::PermissionDenied, _) => {
            ": ports below 1024 take root or CAP_NET_BIND_SERVICE; set LISTEN to a higher port"
        }
        (io::ErrorKind::NotFound, Place::Unix(_)) => {
            ": its directory does not exist; make it, or mount it"
        }
        (io::ErrorKind::ReadOnlyFilesystem, Place::Unix(_)) => {
            ": the directory is read-only; mount a volume or a tmpfs there"
        }
        (_, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::Variable::{AllowArchive, AllowLogs, Containers};

    #[test]
    fn what_containers_open_as_well_is_said_with_the_settings_that_close_it() {
        let open = Settings::default().with(Containers, true);
        assert_eq!(
            of_readable_containers(open).as_deref(),
            Some(
                "CONTAINERS=1 also allows reading of containers: files, changes, exports, logs, processes; \
                 to disable that, as in linuxserver/socket-proxy, set ALLOW_ARCHIVE=0 ALLOW_CHANGES=0 \
                 ALLOW_EXPORT=0 ALLOW_LOGS=0 ALLOW_TOP=0"
            )
        );
        assert_eq!(of_readable_containers(open.with(AllowArchive, false)), None);
        assert_eq!(of_readable_containers(open.with(AllowLogs, true)), None);
        assert_eq!(of_readable_containers(Settings::default()), None);
    }
}
