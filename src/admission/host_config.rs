//! `HostConfig`: what a container gets of the host. Each field of every API description has its
//! line.

use super::field::{Field, Object, Rule, examined, harmless, harmless_map, inside};
use super::json::{Json, Keys};
use super::judge::Judge;
use super::variable::Variable;
use super::{
    engine, host_path, limit, log_driver, mount, namespace, publish, security, sysctl, volume,
};

/// `HostConfig`, and with it the body of `ContainerUpdate`.
pub const HOST_CONFIG: Object = Object::of(FIELDS).then(whole);

/// What fields of it mean together.
pub fn whole(judge: &mut Judge<'_>, config: &Json<'_>) {
    limit::quota_of(judge, config);
    sysctl::of(judge, config, namespace::has_own_network(config));
}

const FIELDS: &[Field] = &[
    mount::BINDS,
    harmless("ContainerIDFile"),
    log_driver::LOG_CONFIG,
    namespace::NETWORK_MODE,
    publish::PORT_BINDINGS,
    // Restarting is what restart policies are for.
    harmless("RestartPolicy"),
    harmless("AutoRemove"),
    volume::VOLUME_DRIVER,
    mount::VOLUMES_FROM,
    // The size of the client's terminal.
    harmless("ConsoleSize"),
    examined(
        "Annotations",
        Rule::By(annotations),
        Variable::Annotations,
        "is an annotation, which may tell the runtime anything",
    ),
    security::CAP_ADD,
    harmless("CapDrop"),
    security::CAPABILITIES,
    namespace::CGROUPNS_MODE,
    // How the container itself resolves names.
    harmless("Dns"),
    harmless("DnsOptions"),
    harmless("DnsSearch"),
    harmless("ExtraHosts"),
    // Groups matter to files that are mounted, and those are judged.
    harmless("GroupAdd"),
    namespace::IPC_MODE,
    namespace::CGROUP,
    // Names and environment of a container that ContainerInspect shows as well.
    harmless("Links"),
    examined(
        "OomScoreAdj",
        Rule::By(limit::oom),
        Variable::OomProtection,
        "makes the kernel end others first when memory runs out",
    ),
    namespace::PID_MODE,
    examined(
        "Privileged",
        Rule::Off,
        Variable::Privileged,
        "gives every capability and device and no filter: root on the host",
    ),
    publish::PUBLISH_ALL_PORTS,
    harmless("ReadonlyRootfs"),
    security::SECURITY_OPT,
    // A quota.
    harmless_map("StorageOpt"),
    mount::TMPFS,
    namespace::UTS_MODE,
    namespace::USERNS_MODE,
    // Counts as the container's memory.
    harmless("ShmSize"),
    sysctl::SYSCTLS,
    examined(
        "Runtime",
        Rule::By(engine::runtime),
        Variable::Runtimes,
        "is a runtime that may confine less, or nothing",
    ),
    // Windows only: a container's own kernel, or none.
    harmless("Isolation"),
    // Resources, in the order of the daemon's struct.
    // Weights, which matter where others want the same.
    harmless("CpuShares"),
    inside("Memory", Rule::By(limit::memory)),
    inside("NanoCpus", Rule::By(limit::processors)),
    examined(
        "CgroupParent",
        Rule::By(cgroup_parent),
        Variable::CgroupParents,
        "puts the container below a cgroup of the host",
    ),
    harmless("BlkioWeight"),
    harmless("BlkioWeightDevice"),
    harmless("BlkioDeviceReadBps"),
    harmless("BlkioDeviceWriteBps"),
    harmless("BlkioDeviceReadIOps"),
    harmless("BlkioDeviceWriteIOps"),
    harmless("CpuPeriod"),
    inside("CpuQuota", Rule::By(limit::quota)),
    // Of what the daemon was given to share (`--cpu-rt-runtime`): nothing, unless the operator did.
    harmless("CpuRealtimePeriod"),
    harmless("CpuRealtimeRuntime"),
    harmless("CpusetCpus"),
    harmless("CpusetMems"),
    security::DEVICES,
    security::DEVICE_CGROUP_RULES,
    security::DEVICE_REQUESTS,
    // Limits that daemons once had.
    harmless("KernelMemory"),
    harmless("KernelMemoryTCP"),
    harmless("DiskQuota"),
    harmless("MemoryReservation"),
    inside("MemorySwap", Rule::By(limit::memory_swap)),
    harmless("MemorySwappiness"),
    examined(
        "OomKillDisable",
        Rule::By(limit::oom),
        Variable::OomProtection,
        "makes the kernel spare the container when memory runs out",
    ),
    inside("PidsLimit", Rule::By(limit::pids)),
    // Per process; what they can take together is Memory and PidsLimit.
    harmless("Ulimits"),
    harmless("CpuCount"),
    harmless("CpuPercent"),
    harmless("IOMaximumIOps"),
    harmless("IOMaximumBandwidth"),
    mount::MOUNTS,
    security::MASKED,
    security::READONLY,
    harmless("Init"),
    // Daemons of API 1.25 ran it, as root, before they knew better.
    inside(
        "InitPath",
        Rule::By(|judge, value| {
            if !value.is_empty() {
                judge.close(
                    value.text().unwrap_or_default(),
                    "is a program of the host that old daemons run",
                );
            }
        }),
    ),
];

/// Annotations that describe an image (OCI image-spec, annotations.md), which no runtime obeys. Of all
/// others each runtime takes its own: runc `org.systemd.property.*` and `org.criu.config`, crun
/// `run.oci.*` too, kata `io.katacontainers.*`, and a runtime that nobody here knows whatever it likes.
const DESCRIPTIVE: &str = "org.opencontainers.image.";

/// Notes that Podman itself makes on a container of what its create asked for, for its own later use
/// (Podman `libpod/define/annotations.go`).
const PODMANS: &str = "io.podman.annotations.";

fn annotations(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.each_entry(value, |judge, key, value| {
        judge.read_once(value, Keys::Folded);
        // An empty key is named by no item.
        let item = if key.is_empty() { "*" } else { key };
        let is_plain =
            key.starts_with(DESCRIPTIVE) || judge.is_existing() && key.starts_with(PODMANS);
        if !is_plain && !judge.is_open(item) {
            judge.withhold(key, item);
        }
    });
}

/// A cgroup, or a systemd slice; the daemon cleans it (`../../x` is `/x`).
pub fn cgroup_parent(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, parent| {
        let cleaned = host_path::clean(parent);
        let list = judge.rules.list(Variable::CgroupParents);
        let is_below =
            |item: &str| item == "*" || host_path::is_within(&cleaned, &host_path::clean(item));
        if !parent.is_empty() && !list.iter().any(is_below) {
            judge.withhold(parent, parent);
        }
    });
}
