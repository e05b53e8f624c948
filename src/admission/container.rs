//! `ContainerCreate`, `ContainerUpdate` and `ContainerStart`.

use super::field::{Field, Object, Rule, harmless, harmless_map, inside};
use super::host_config::{self, HOST_CONFIG};
use super::json::{Json, Keys};
use super::judge::Judge;
use super::limit::{self, Confinement};
use super::{network, own, registry, security, shield, sysctl};

/// The body of `ContainerCreate`. Daemons up to 26 find the fields of `HostConfig` beside it too.
pub const CONTAINER_CREATE: Object =
    Object::of(CREATE).embeds(&[&CONFIG, &HOST_CONFIG]).then(|judge, body| {
        host_config::whole(judge, body);
        confined(judge, body, body.field("HostConfig").unwrap_or(&Json::Null));
    });

/// The body of `ContainerUpdate`: the resources of `HostConfig` and its restart policy.
pub const CONTAINER_UPDATE: Object = Object::of(HOST_CONFIG.fields).then(|judge, body| {
    limit::quota_of_update(judge, body);
    // What the container's network is, an update does not say.
    sysctl::of(judge, body, false);
});

/// The query of `ContainerCreate` and `ContainerRename`.
pub const NAME_QUERY: &[Field] = &[inside("name", Rule::By(own::name))];

/// The query of `ContainerStart` (experimental): restoring from a directory of the host.
pub const CONTAINER_START_QUERY: &[Field] = &[
    inside("checkpoint", Rule::By(super::checkpoint::name)),
    super::checkpoint::directory("checkpoint-dir"),
];

/// `Config`: what the image says too, none of it about the host.
pub const CONFIG: Object = Object::of(&[
    harmless("Hostname"),
    harmless("Domainname"),
    harmless("User"),
    harmless("AttachStdin"),
    harmless("AttachStdout"),
    harmless("AttachStderr"),
    harmless_map("ExposedPorts"),
    harmless("Tty"),
    harmless("OpenStdin"),
    harmless("StdinOnce"),
    // Whoever may make a container runs in it what they like.
    harmless("Env"),
    harmless("Cmd"),
    harmless("Healthcheck"),
    harmless("ArgsEscaped"),
    registry::image_field("Image"),
    // Anonymous volumes, whatever the path looks like.
    inside(
        "Volumes",
        Rule::By(|judge, value| {
            judge.each_entry(value, |judge, target, value| {
                judge.read_once(value, Keys::Folded);
                shield::volume_target(judge, target);
            });
        }),
    ),
    inside("WorkingDir", Rule::By(shield::working_directory)),
    harmless("Entrypoint"),
    harmless("NetworkDisabled"),
    // Its own, on networks that don't reach the host's interfaces.
    harmless("MacAddress"),
    harmless("OnBuild"),
    // Other tools may obey labels: whoever lets them is who must not trust every container's.
    harmless_map("Labels"),
    harmless("StopSignal"),
    harmless("StopTimeout"),
    harmless("Shell"),
]);

const CREATE: &[Field] = &[
    inside("HostConfig", Rule::Object(&HOST_CONFIG)),
    inside("NetworkingConfig", Rule::Object(&NETWORKING_CONFIG)),
    // The oldest name of CpusetCpus.
    harmless("Cpuset"),
];

const NETWORKING_CONFIG: Object = Object::of(&[network::ENDPOINTS_CONFIG]);

/// What the variables ask of a container. Only what stands in `HostConfig` counts: newer daemons
/// obey it nowhere else.
pub fn confined(judge: &mut Judge<'_>, config: &Json<'_>, host_config: &Json<'_>) {
    if !limit::is_asked(judge.rules) {
        return;
    }
    limit::require(
        judge,
        &Confinement {
            user: config.field("User"),
            no_new_privileges: security::has_no_new_privileges(host_config.field("SecurityOpt")),
            readonly_rootfs: host_config.field("ReadonlyRootfs"),
            cap_drop: host_config.field("CapDrop"),
            memory: host_config.field("Memory"),
            nano_cpus: limit::nano_cpus(host_config),
            pids: host_config.field("PidsLimit"),
        },
    );
}
