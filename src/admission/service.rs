//! `ServiceCreate` and `ServiceUpdate`: containers on any node of the swarm, by the same rules.

use super::field::{Object, Rule, examined, harmless, harmless_map, inside};
use super::finding::{Cause, Step};
use super::json::{Json, Keys};
use super::judge::Judge;
use super::limit::{self, Confinement};
use super::variable::Variable;
use super::{log_driver, mount, network, privileges, publish, registry, security, shield, sysctl};

/// The body of both.
pub const SERVICE: Object = Object::of(&[
    harmless("Name"),
    harmless_map("Labels"),
    inside("TaskTemplate", Rule::Object(&TASK)),
    // How many, and on which nodes: containers that are judged, wherever they run.
    harmless("Mode"),
    harmless("UpdateConfig"),
    harmless("RollbackConfig"),
    network::NETWORKS,
    inside("EndpointSpec", Rule::Object(&ENDPOINT)),
])
.then(|judge, service| {
    sysctls(judge, service);
    confined(judge, service);
});

/// Judges what a service was before (`ServiceInspect`), where it is to become that again: whoever made
/// it, it is what the client asks for. The service must be at the version that the request names, at
/// which alone the daemon does it.
pub fn previous(judge: &mut Judge<'_>, version: &str, service: &Json<'_>) {
    let index = service.field("Version").and_then(|version| version.field("Index"));
    let is_now = matches!(index, Some(Json::Integer(index)) if index.to_string() == version);
    if !is_now {
        let reason = "is not the service's version: update out of sequence";
        return judge.find(Cause::BadValue, version, reason, String::new());
    }
    judge.step(Step::Field("PreviousSpec"), |judge| {
        let spec = service.field("PreviousSpec").unwrap_or(&Json::Null);
        judge.apply(&Rule::Object(&SERVICE), spec);
    });
}

const TASK: Object = Object::of(&[
    inside("ContainerSpec", Rule::Object(&CONTAINER)),
    examined(
        "PluginSpec",
        Rule::Empty,
        Variable::PluginPrivileges,
        "installs a plugin on every node, with what privileges it likes",
    ),
    // What attaches a container that exists, on a node's own word.
    harmless("NetworkAttachmentSpec"),
    inside("Resources", Rule::Object(&RESOURCES)),
    harmless("RestartPolicy"),
    harmless("Placement"),
    network::NETWORKS,
    log_driver::LOG_DRIVER,
    harmless("ForceUpdate"),
    examined(
        "Runtime",
        Rule::Word(&["container", "attachment"]),
        Variable::PluginPrivileges,
        "installs a plugin on every node, with what privileges it likes",
    ),
]);

const CONTAINER: Object = Object::of(&[
    examined(
        "Image",
        Rule::By(|judge, value| judge.text(value, registry::image_of_service)),
        Variable::Registries,
        registry::REASON,
    ),
    harmless_map("Labels"),
    harmless("Command"),
    harmless("Args"),
    harmless("Hostname"),
    harmless("Env"),
    inside("Dir", Rule::By(shield::working_directory)),
    harmless("User"),
    harmless("Groups"),
    inside("Privileges", Rule::Object(&privileges::PRIVILEGES)),
    harmless("Init"),
    harmless("StopSignal"),
    harmless("TTY"),
    harmless("OpenStdin"),
    harmless("ReadOnly"),
    mount::MOUNTS,
    harmless("StopGracePeriod"),
    harmless("Healthcheck"),
    harmless("Hosts"),
    harmless("DNSConfig"),
    inside(
        "Secrets",
        Rule::By(|judge, value| {
            kept(judge, value, judge.rules.opens_secrets, "SECRETS=1");
        }),
    ),
    inside(
        "Configs",
        Rule::By(|judge, value| {
            kept(judge, value, judge.rules.opens_configs, "CONFIGS=1");
        }),
    ),
    harmless("Isolation"),
    sysctl::SYSCTLS,
    security::CAPABILITY_ADD,
    harmless("CapabilityDrop"),
    // As in `HostConfig`.
    harmless("Ulimits"),
    examined(
        "OomScoreAdj",
        Rule::By(limit::oom),
        Variable::OomProtection,
        "makes the kernel end others first when memory runs out",
    ),
]);

const RESOURCES: Object = Object::of(&[
    inside("Limits", Rule::Object(&LIMITS)),
    // What a node must have left; generic resources are names to count by.
    harmless("Reservations"),
    inside("SwapBytes", Rule::By(limit::memory_swap)),
    harmless("MemorySwappiness"),
]);

const LIMITS: Object = Object::of(&[
    inside("NanoCPUs", Rule::By(limit::processors)),
    inside("MemoryBytes", Rule::By(limit::memory)),
    inside("Pids", Rule::By(limit::pids)),
    // Of API 1.32 to 1.40, where no daemon reads them: it takes those of the reservations.
    harmless("GenericResources"),
]);

const ENDPOINT: Object =
    Object::of(&[harmless("Mode"), inside("Ports", Rule::Each(&Rule::Object(&PORT)))]);

const PORT: Object = Object::of(&[
    harmless("Name"),
    harmless("Protocol"),
    harmless("TargetPort"),
    publish::PUBLISHED_PORT,
    harmless("PublishMode"),
])
.then(publish::of_service);

/// Secrets or configs that the swarm keeps: a service shows them to whoever makes it.
fn kept(judge: &mut Judge<'_>, value: &Json<'_>, is_open: bool, needs: &'static str) {
    judge.read_once(value, Keys::Folded);
    if !value.is_empty() && !is_open {
        let reason = "shows the service what the swarm keeps";
        judge.find(Cause::Closed, "", reason, needs.to_owned());
    }
}

/// The parameters of its containers, whose networks are their own unless the host's may be joined:
/// where that is allowed, nobody asks what network an id means.
fn sysctls(judge: &mut Judge<'_>, service: &Json<'_>) {
    let task = service.field("TaskTemplate").unwrap_or(&Json::Null);
    let container = task.field("ContainerSpec").unwrap_or(&Json::Null);
    let names_some =
        |object: &Json<'_>| object.field("Networks").is_some_and(|value| !value.is_empty());
    let may_join = judge.rules.list(Variable::HostNamespaces).has("network");
    let is_own_network = !may_join || !names_some(task) && !names_some(service);
    judge.step(Step::Field("TaskTemplate"), |judge| {
        judge.step(Step::Field("ContainerSpec"), |judge| {
            sysctl::of(judge, container, is_own_network);
        });
    });
}

/// What the variables ask of the service's containers.
fn confined(judge: &mut Judge<'_>, service: &Json<'_>) {
    if !limit::is_asked(judge.rules) {
        return;
    }
    let task = service.field("TaskTemplate").unwrap_or(&Json::Null);
    let container = task.field("ContainerSpec").unwrap_or(&Json::Null);
    let privileges = container.field("Privileges").unwrap_or(&Json::Null);
    let limits = task.field("Resources").and_then(|resources| resources.field("Limits"));
    let limits = limits.unwrap_or(&Json::Null);
    let nano_cpus = match limits.field("NanoCPUs") {
        Some(Json::Integer(number)) => u64::try_from(*number).ok(),
        None | Some(_) => None,
    };
    judge.step(Step::Field("TaskTemplate"), |judge| {
        limit::require(
            judge,
            &Confinement {
                user: container.field("User"),
                no_new_privileges: privileges.field("NoNewPrivileges") == Some(&Json::Bool(true)),
                readonly_rootfs: container.field("ReadOnly"),
                cap_drop: container.field("CapabilityDrop"),
                memory: limits.field("MemoryBytes"),
                nano_cpus,
                pids: limits.field("Pids"),
            },
        );
    });
}
