//! Items of lists that can match nothing: a setting that looks as if it allowed something, and does
//! not, is said at the start, with what to write in its place.

use super::host_path::{self, Prefix};
use super::image_name;
use super::rules::port_range;
use super::variable::{Kind, Variable};

/// What is asked of an item of a variable's list; the answer is what is wrong with it.
type Check = fn(&str) -> Result<(), String>;

/// One line for each list whose items have a form.
const CHECKS: &[(Variable, Check)] = &[
    (Variable::Registries, |item| {
        let write = |name| format!("is the name of no registry or image: write {name}");
        image_name::check(item).map_err(write)
    }),
    (Variable::Capabilities, capability),
    (Variable::Devices, device),
    (Variable::SecurityOpt, security_opt),
    (Variable::Sysctls, |item| match item.split_once('=') {
        Some((name, _)) => Err(format!("is no parameter's name: write {name}")),
        None => Ok(()),
    }),
    (Variable::VolumeDrivers, volume_driver),
    (Variable::SwarmPeers, peer),
    (Variable::Templates, |item| one_of(item, &["golang"])),
    (Variable::PluginPrivileges, |item| one_of(item, PLUGIN_PRIVILEGES)),
];

/// Lists in which an item may have blanks in it.
const WITH_BLANKS: &[Variable] = &[Variable::Devices, Variable::PluginPrivileges];

/// Lists in which a `*` inside an item means itself.
const WITH_STARS: &[Variable] = &[Variable::Devices];

/// What a plugin's privileges are called (moby `plugin/v2`, `plugin/backend_linux.go`), and a service
/// that installs one.
const PLUGIN_PRIVILEGES: &[&str] = &[
    "network",
    "host ipc namespace",
    "host pid namespace",
    "mount",
    "device",
    "allow-all-devices",
    "capabilities",
    "plugin",
];

/// The capabilities of Linux (capabilities(7)), and the engine's word for every one.
pub const CAPABILITIES: &[&str] = &[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// Looks at one item.
///
/// # Errors
/// What is wrong with it.
pub fn check(variable: Variable, kind: Kind, item: &str) -> Result<(), String> {
    match kind {
        Kind::List => listed(variable, item),
        Kind::Words(words) => {
            let lower = item.to_ascii_lowercase();
            one_of(&lower, words)
        }
        Kind::Paths => path(item),
        Kind::Ports => match port_range(item) {
            Some(_) => Ok(()),
            None => Err("is neither a port nor a range of ports".to_owned()),
        },
        Kind::Switch
        | Kind::Shields
        | Kind::Choice(_)
        | Kind::Bytes
        | Kind::Processors
        | Kind::Count => Ok(()),
    }
}

fn listed(variable: Variable, item: &str) -> Result<(), String> {
    if item == "*" {
        return Ok(());
    }
    let bare = item.trim_matches(['"', '\'']);
    if bare != item {
        return Err(format!("is in quotes: write {bare}"));
    }
    if item.contains(char::is_whitespace) && !WITH_BLANKS.contains(&variable) {
        return Err("has a blank in it: separate items by commas".to_owned());
    }
    let inner = item.strip_suffix('*').unwrap_or(item);
    if inner.contains('*') && !WITH_STARS.contains(&variable) {
        return Err("has a * that is not at its end".to_owned());
    }
    let line = CHECKS.iter().find(|(other, _)| *other == variable);
    line.map_or(Ok(()), |(_, check)| check(item))
}

fn one_of(item: &str, words: &[&str]) -> Result<(), String> {
    let is_known = match item.strip_suffix('*') {
        Some(beginning) => words.iter().any(|word| word.starts_with(beginning)),
        None => words.contains(&item),
    };
    if is_known { Ok(()) } else { Err(format!("is none of {}", words.join(", "))) }
}

fn path(item: &str) -> Result<(), String> {
    if let Some(beginning) = item.strip_suffix('*') {
        let directory = host_path::clean(beginning);
        return Err(format!("has a *: write {directory}, which is with what is below it"));
    }
    match Prefix::parse_list(["/", item].into_iter()) {
        Some(_) => Ok(()),
        None => Err("is no absolute path with :ro or :exact behind it or without".to_owned()),
    }
}

fn capability(item: &str) -> Result<(), String> {
    let upper = item.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    let is_known = match name.strip_suffix('*') {
        Some(beginning) => CAPABILITIES.iter().any(|known| known.starts_with(beginning)),
        None => CAPABILITIES.contains(&name),
    };
    if is_known { Ok(()) } else { Err("is no capability (capabilities(7))".to_owned()) }
}

/// A path, a rule of the devices' cgroup, or a driver's name.
fn device(item: &str) -> Result<(), String> {
    if item.starts_with('/') {
        return Ok(());
    }
    let mut words = item.split(' ');
    let is_rule = match (words.next(), words.next(), words.next()) {
        (Some("a" | "b" | "c"), Some(numbers), Some(_)) => numbers.contains(':'),
        (_, _, _) => false,
    };
    if is_rule || !item.contains(['/', ' ', ':']) {
        Ok(())
    } else if item.contains('/') {
        Err(format!("is no absolute path: write /{item}"))
    } else {
        Err("is no path, no rule such as c 13:* rmw, and no driver's name".to_owned())
    }
}

/// An option with its value. Keys alone are what a few options are, or mean nothing.
fn security_opt(item: &str) -> Result<(), String> {
    match (item.split_once('='), item.split_once(':')) {
        (Some((key, _)), _) if !key.contains(':') => Ok(()),
        (_, Some((key, value))) => Err(format!("has no =: write {key}={value}")),
        (_, None) if matches!(item, "seccomp" | "apparmor" | "systempaths") => {
            Err(format!("opens nothing: write {item}=unconfined"))
        }
        (_, None) if item == "unconfined" => {
            Err("is no option: write seccomp=unconfined, or apparmor=unconfined".to_owned())
        }
        (_, None) => Ok(()),
    }
}

fn volume_driver(item: &str) -> Result<(), String> {
    match item {
        "local:none" | "local:bind" | "local:" => {
            Err("is a bind mount: set ALLOW_BIND_MOUNTS to its path".to_owned())
        }
        item if item.starts_with('/') => Err(format!("is a path: set ALLOW_BIND_MOUNTS={item}")),
        _ => Ok(()),
    }
}

fn peer(item: &str) -> Result<(), String> {
    let address = item.split_once("://").map_or(item, |(_, rest)| rest);
    let address = address.split('/').next().unwrap_or(address);
    if address == item { Ok(()) } else { Err(format!("is no address: write {address}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::rules::Rules;

    #[test]
    fn an_item_that_can_match_nothing_is_named_with_what_is_meant() {
        use Variable as V;
        for (variable, text, words) in [
            (
                V::Registries,
                "docker.io,https://ghcr.io",
                "\"https://ghcr.io\" is the name of no registry or image: write ghcr.io",
            ),
            (V::Registries, "ghcr.io/", "write ghcr.io"),
            (V::Registries, "acme/app", "write docker.io/acme/app"),
            (V::Registries, "docker.io ghcr.io", "separate items by commas"),
            (V::Registries, "\"docker.io\"", "is in quotes: write docker.io"),
            (V::Registries, "*.example.org", "a * that is not at its end"),
            (V::Capabilities, "NET_ADMIN,FOO", "\"FOO\" is no capability"),
            (V::Capabilities, "CAP_FOO*", "is no capability"),
            (V::Devices, "dev/dri", "write /dev/dri"),
            (V::Devices, "13:* rmw", "no rule such as c 13:* rmw"),
            (V::SecurityOpt, "seccomp:unconfined", "write seccomp=unconfined"),
            (V::SecurityOpt, "label:type:x", "write label=type:x"),
            (V::SecurityOpt, "seccomp", "write seccomp=unconfined"),
            (V::Sysctls, "net.core.somaxconn=512", "write net.core.somaxconn"),
            (V::VolumeDrivers, "local:none", "set ALLOW_BIND_MOUNTS"),
            (V::VolumeDrivers, "/srv", "ALLOW_BIND_MOUNTS=/srv"),
            (V::SwarmPeers, "tcp://10.0.0.1:2377", "write 10.0.0.1:2377"),
            (V::Templates, "go", "\"go\" is none of golang"),
            (V::PluginPrivileges, "mounts", "is none of network"),
            (V::LogDrivers, "syslog gelf", "separate items by commas"),
            (V::BindMounts, "/srv,data", "\"data\" is no absolute path"),
            (V::BindMounts, "/srv/*", "write /srv"),
            (V::BindMounts, "/srv:exactly", "\"/srv:exactly\" is no absolute path"),
            (V::PublishPorts, "80,http", "\"http\" is neither a port nor a range"),
            (V::HostNamespaces, "pid,net", "\"net\" is none of network"),
        ] {
            let error = Rules::new().with(variable, text).expect_err(text);
            assert!(error.contains(words), "{variable}={text}: {error}");
        }
    }

    #[test]
    fn an_item_that_can_match_something_is_taken() {
        use Variable as V;
        for (variable, text) in [
            (V::Registries, "docker.io,ghcr.io/acme/*,localhost:5000,sha256,load,*"),
            (V::Capabilities, "NET_ADMIN,cap_sys_ptrace,ALL,NET_*"),
            (V::Devices, "/dev/dri,/dev/video*,c 13:* rmw,a *:* rwm,gpu,cdi"),
            (
                V::SecurityOpt,
                "seccomp=unconfined,apparmor=*,label=type:spc_t,label,no-new-privileges=false,writable-cgroups=true",
            ),
            (V::Sysctls, "net.*,net/ipv4/ip_forward,kernel.sem"),
            (V::VolumeDrivers, "local:nfs,local:*,vieux/sshfs:latest"),
            (V::SwarmPeers, "10.0.0.1,manager.example:2377,[::1]:2377"),
            (V::PluginPrivileges, "network,host pid namespace,allow*"),
            (V::BindMounts, "/srv/a:ro,exact,/b:exact"),
            (V::Runtimes, "runc,/opt/kata/bin/shim"),
        ] {
            assert!(Rules::new().with(variable, text).is_ok(), "{variable}={text}");
        }
    }
}
