//! What confines a container: capabilities, security options, masked paths, devices.

use super::engine::{Argument, EngineVersion, release};
use super::field::{Field, Object, Rule, examined, harmless, harmless_map};
use super::finding::Cause;
use super::host_path;
use super::item;
use super::json::Json;
use super::judge::Judge;
use super::rules::List;
use super::sha256;
use super::variable::Variable;

/// The capabilities that every container has unless it drops them (moby `oci/caps/defaults.go`):
/// adding one back gives nothing that was not there.
const DEFAULT_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// What every version of the daemon masks by default (moby `daemon/pkg/oci/defaults.go`).
const MASKED_PATHS: &[&str] = &[
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];

/// What later releases mask too: each path with the first release of each series that does. Later
/// series all do.
const MASKED_SINCE: &[(&str, &[EngineVersion])] = &[
    ("/sys/devices/virtual/powercap", &[release(20, 10, 27), release(23, 0, 8), release(24, 0, 7)]),
    ("/proc/interrupts", &[release(28, 1, 0)]),
];

/// What is read-only in every container, likewise.
const READONLY_PATHS: &[&str] =
    &["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The CLI's name for unmasked paths (docker-run(1), `--security-opt`).
const UNMASKED: &str = "systempaths=unconfined";

/// The words of Go's `strconv.ParseBool` for true.
const TRUE: &[&str] = &["1", "t", "T", "TRUE", "true", "True"];

const CAPABILITY_REASON: &str = "is a capability that containers do not have";
const ROOT_CAPABILITY_REASON: &str =
    "is a capability that containers do not have, and with which one is root on the host";

/// Capabilities that open the host to a container with nothing else of it (capabilities(7)).
const ROOT_CAPABILITIES: &[&str] = &[
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "MAC_ADMIN",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
];

/// `HostConfig.CapAdd`.
pub const CAP_ADD: Field = capabilities("CapAdd");
/// `HostConfig.Capabilities`, of daemons with API 1.40.
pub const CAPABILITIES: Field = capabilities("Capabilities");
/// A service's `CapabilityAdd`.
pub const CAPABILITY_ADD: Field = capabilities("CapabilityAdd");

/// `HostConfig.SecurityOpt`.
pub const SECURITY_OPT: Field = examined(
    "SecurityOpt",
    Rule::By(|judge, value| judge.each_text(value, security_opt)),
    Variable::SecurityOpt,
    "loosens what confines the container",
);

/// `HostConfig.MaskedPaths`.
pub const MASKED: Field = examined(
    "MaskedPaths",
    Rule::By(masked_paths),
    Variable::SecurityOpt,
    "unmasks kernel files of the host",
);
/// `HostConfig.ReadonlyPaths`.
pub const READONLY: Field = examined(
    "ReadonlyPaths",
    Rule::By(|judge, value| kernel_paths(judge, value, READONLY_PATHS)),
    Variable::SecurityOpt,
    "makes kernel files of the host writable",
);

/// `HostConfig.Devices`.
pub const DEVICES: Field = examined(
    "Devices",
    Rule::Each(&Rule::Object(&DEVICE)),
    Variable::Devices,
    "is a device of the host",
);
const DEVICE: Object = Object::of(&[
    harmless("PathOnHost"),
    harmless("PathInContainer"),
    harmless("CgroupPermissions"),
])
.then(device);

/// `HostConfig.DeviceCgroupRules`.
pub const DEVICE_CGROUP_RULES: Field = examined(
    "DeviceCgroupRules",
    Rule::Words(&[]),
    Variable::Devices,
    "lets the container make and open devices of the host",
);

/// `HostConfig.DeviceRequests`.
pub const DEVICE_REQUESTS: Field = examined(
    "DeviceRequests",
    Rule::Each(&Rule::Object(&DEVICE_REQUEST)),
    Variable::Devices,
    "asks a driver for devices of the host",
);
const DEVICE_REQUEST: Object = Object::of(&[
    harmless("Driver"),
    harmless("Count"),
    harmless("DeviceIDs"),
    harmless("Capabilities"),
    harmless_map("Options"),
])
.then(|judge, request| {
    let driver = request.field("Driver").and_then(Json::text).filter(|driver| !driver.is_empty());
    let driver = driver.unwrap_or("gpu");
    if !judge.is_open(driver) {
        judge.withhold(driver, driver);
    }
});

const fn capabilities(name: &'static str) -> Field {
    examined(
        name,
        Rule::By(|judge, value| judge.each_text(value, capability)),
        Variable::Capabilities,
        CAPABILITY_REASON,
    )
}

/// The daemon's form of a capability's name: in capitals, without `CAP_`.
fn capability_name(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    upper.strip_prefix("CAP_").map_or(upper.clone(), str::to_owned)
}

fn capability(judge: &mut Judge<'_>, text: &str) {
    let name = capability_name(text);
    let allowed: Vec<String> =
        judge.rules.list(Variable::Capabilities).iter().map(capability_name).collect();
    let is_open = |item: &String| match item.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => item == "ALL" || *item == name,
    };
    // Where all must be dropped, each that is wanted back must be listed.
    let is_default = DEFAULT_CAPABILITIES.contains(&name.as_str())
        && !judge.rules.is_on(Variable::RequireCapDropAll);
    if is_default || allowed.iter().any(is_open) {
        return;
    }
    if item::CAPABILITIES.contains(&name.as_str()) {
        let is_root = ROOT_CAPABILITIES.contains(&name.as_str());
        let reason = if is_root { ROOT_CAPABILITY_REASON } else { CAPABILITY_REASON };
        judge.withhold_for(Variable::Capabilities, text, &name, reason);
    } else {
        judge.bad_text(text, "is no capability (capabilities(7))");
    }
}

/// One security option. The daemon splits at the first `=`, or at the first `:` where there is
/// none (moby `daemon/daemon_unix.go`, `parseSecurityOpt`).
pub fn security_opt(judge: &mut Judge<'_>, text: &str) {
    let (key, value) = match text {
        "disable" => ("label", "disable"),
        text => text.split_once('=').or_else(|| text.split_once(':')).unwrap_or((text, "")),
    };
    let confines = match key {
        // "apparmor=" and "seccomp=" mean the daemon's own, the others moby's: those that a container
        // has anyway, unless the daemon was given one of the operator's own as default (moby
        // `daemon/seccomp_linux.go`; before 23.0 "builtin" is no profile, and refused).
        "apparmor" => matches!(value, "" | "docker-default"),
        "seccomp" => matches!(value, "" | "builtin"),
        "no-new-privileges" => key == text || TRUE.contains(&value),
        _ => false,
    };
    if confines || is_listed(judge.rules.list(Variable::SecurityOpt), key, value) {
        return;
    }
    match key {
        "seccomp" if value != "unconfined" => profile(judge, value),
        _ if value.is_empty() => judge.withhold(text, key),
        _ => judge.withhold(text, &format!("{key}={value}")),
    }
}

/// A system-call filter of the client's own, which may well let everything through. It is no item of a
/// list, so its digest is: of the text as it is sent.
pub fn profile(judge: &mut Judge<'_>, text: &str) {
    let item = format!("seccomp=sha256:{}", sha256::hex(text.as_bytes()));
    if !judge.is_open(&item) {
        judge.withhold_for(Variable::SecurityOpt, text, &item, PROFILE_REASON);
    }
}

const PROFILE_REASON: &str = "is a system-call filter of the client's own";

fn is_listed(list: &List, key: &str, value: &str) -> bool {
    list.has(&format!("{key}={value}")) || value.is_empty() && list.has(key)
}

/// Whether `HostConfig.SecurityOpt` holds a `no-new-privileges` that counts.
#[must_use]
pub fn has_no_new_privileges(options: Option<&Json<'_>>) -> bool {
    let Some(Json::List(options)) = options else { return false };
    let mut found = false;
    for option in options.iter().filter_map(Json::text) {
        let Some(rest) = option.strip_prefix("no-new-privileges") else { continue };
        let is_true = rest.is_empty()
            || rest.strip_prefix(['=', ':']).is_some_and(|value| TRUE.contains(&value));
        if !is_true {
            return false;
        }
        found = true;
    }
    found
}

/// Whether a list of capabilities, or the one text that stands for it, holds `ALL`.
#[must_use]
pub fn has_all(capabilities: Option<&Json<'_>>) -> bool {
    let is_all = |value: &Json<'_>| value.text().is_some_and(|text| capability_name(text) == "ALL");
    match capabilities {
        Some(Json::List(values)) => values.iter().any(is_all),
        Some(value) => is_all(value),
        None => false,
    }
}

/// Paths that are masked: all that the engine masks by default. A container that exists may have been
/// made by an older engine.
fn masked_paths(judge: &mut Judge<'_>, value: &Json<'_>) {
    if matches!(value, Json::Null) {
        return;
    }
    let before = judge.examined.findings.len();
    kernel_paths(judge, value, MASKED_PATHS);
    let is_fine = judge.examined.findings.len() == before;
    if is_fine && !judge.is_existing() && !judge.is_open(UNMASKED) {
        let mut paths = Vec::new();
        judge.each_text(value, |_, path| paths.push(path.to_owned()));
        let is_masked = |(path, _): &(&str, _)| paths.iter().any(|other| other == path);
        if !MASKED_SINCE.iter().all(is_masked) {
            judge.ask_engine(Argument::MaskedPaths(paths));
        }
    }
}

/// Judges masked paths by what the engine of this release masks; of an unknown one, by what any
/// does.
pub fn judge_masked_paths(judge: &mut Judge<'_>, paths: &[String], engine: Option<EngineVersion>) {
    let masks = |since: &[EngineVersion]| {
        engine.is_none_or(|engine| {
            let in_series =
                since.iter().find(|v| (v.major, v.minor) == (engine.major, engine.minor));
            in_series.or(since.last()).is_none_or(|&first| engine >= first)
        })
    };
    let is_unmasked = |path: &str| !paths.iter().any(|other| other == path);
    if MASKED_SINCE.iter().any(|(path, since)| masks(since) && is_unmasked(path)) {
        let reason = "unmasks kernel files of the host that this engine masks by default";
        judge.withhold_for(Variable::SecurityOpt, "", UNMASKED, reason);
    }
}

/// Masked and read-only paths: at least what every container has. A client that copies a
/// container's settings sends the whole list.
fn kernel_paths(judge: &mut Judge<'_>, value: &Json<'_>, least: &[&str]) {
    let mut paths = Vec::new();
    judge.each_text(value, |_, path| paths.push(path.to_owned()));
    let is_loosened = !matches!(value, Json::Null)
        && least.iter().any(|path| !paths.iter().any(|other| other == path));
    if is_loosened && !judge.is_open(UNMASKED) {
        judge.withhold("", UNMASKED);
    }
}

/// A device, or a directory with all devices below it.
fn device(judge: &mut Judge<'_>, device: &Json<'_>) {
    let Some(path) = device.field("PathOnHost").and_then(Json::text) else {
        return judge.bad_text("", "names no device (PathOnHost)");
    };
    let is_listed = |item: &str| match item.strip_suffix('*') {
        Some(beginning) => beginning.starts_with('/') && path.starts_with(beginning),
        None => item.starts_with('/') && host_path::is_within(path, &host_path::clean(item)),
    };
    // The daemon looks the path up as it is, following what links it finds before a `..`.
    let is_plain = path.starts_with('/') && host_path::clean(path) == path;
    let list = judge.rules.list(Variable::Devices);
    if list.has_everything() || is_plain && list.iter().any(is_listed) {
        return;
    }
    if is_plain {
        judge.withhold(path, path);
    } else {
        let reason =
            "is no path that ALLOW_DEVICES can list: it has an empty part, a . or a .. in it";
        judge.find(Cause::Withheld(Variable::Devices), path, reason, String::new());
    }
}
