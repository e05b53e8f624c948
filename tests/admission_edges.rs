//! The edges of the admission's rules: what is next to what a setting allows stays refused, what is
//! next to what a rule refuses passes.

use dockgate::admission::{Examiner, Rules, Variable};
use dockgate::api::Operation as Op;

/// Operation, settings, body or query, and the names of what is found.
type Row = (Op, &'static str, &'static str, &'static [&'static str]);

const PASSES: &[&str] = &[];

#[rustfmt::skip]
const BODIES: &[Row] = &[
    (Op::ContainerCreate, "ALLOW_CGROUP_PARENTS=/x", r#"{"HostConfig":{"CgroupParent":"/x/y"}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_CGROUP_PARENTS=/x", r#"{"HostConfig":{"CgroupParent":"/x/../y"}}"#, &["cgroup-parents"]),
    (Op::ContainerCreate, "ALLOW_CGROUP_PARENTS=*", r#"{"HostConfig":{"CgroupParent":"/y"}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"Annotations":{"":"b"},"Sysctls":{"":"1"}}}"#, &["annotations", "sysctls"]),
    (Op::ContainerCreate, "ALLOW_ANNOTATIONS=a ALLOW_SYSCTLS=*", r#"{"HostConfig":{"Annotations":{"":"b"},"Sysctls":{"":"1"}}}"#, &["annotations"]),
    (Op::ContainerCreate, "ALLOW_CAPABILITIES=NET_ADMIN", r#"{"HostConfig":{"CapAdd":["SYS_ADMIN"]}}"#, &["capabilities"]),
    (Op::ContainerCreate, "ALLOW_CAPABILITIES=NET_ADMIN", r#"{"HostConfig":{"CapAdd":["ALL"]}}"#, &["capabilities"]),
    (Op::ContainerCreate, "ALLOW_CAPABILITIES=cap_all", r#"{"HostConfig":{"CapAdd":["SYS_ADMIN"]}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_CAPABILITIES=*", r#"{"HostConfig":{"CapAdd":["SYS_ADMIN"]}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"CapAdd":["CAP_CHOWN"]}}"#, PASSES),
    (Op::ContainerCreate, "REQUIRE_CAP_DROP_ALL=1", r#"{"HostConfig":{"CapDrop":["CHOWN","cap_all"]}}"#, PASSES),
    (Op::ContainerCreate, "REQUIRE_CAP_DROP_ALL=1", r#"{"HostConfig":{"CapDrop":"CHOWN"}}"#, &["cap-drop-all"]),
    (Op::ContainerCreate, "ALLOW_DEVICES=/dev/dri", r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/dri/card0"}]}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_DEVICES=/dev/dri", r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/sda"}]}}"#, &["devices"]),
    (Op::ContainerCreate, "ALLOW_DEVICES=/dev/dri", r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/dri/../dri/card0"}]}}"#, &["devices"]),
    (Op::ContainerCreate, "ALLOW_DEVICES=gpu", r#"{"HostConfig":{"Devices":[{"PathOnHost":"/gpu"}]}}"#, &["devices"]),
    (Op::ContainerCreate, "ALLOW_DEVICES=/dev/video*", r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/video0"}]}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_DEVICES=/dev/video*", r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/videa"}]}}"#, &["devices"]),
    (Op::ContainerCreate, "ALLOW_CAPABILITIES=NET_*", r#"{"HostConfig":{"CapAdd":["cap_net_admin","NETX","SYS_TIME"]}}"#, &["bad-value", "capabilities"]),
    (Op::ContainerCreate, "ALLOW_DEVICES=*", r#"{"HostConfig":{"Devices":[{}]}}"#, &["bad-value"]),
    (Op::ContainerCreate, "ALLOW_DEVICES=gpu", r#"{"HostConfig":{"DeviceRequests":[{"Driver":""}]}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_DEVICES=gpu", r#"{"HostConfig":{"DeviceRequests":[{"Driver":"cdi"}]}}"#, &["devices"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"SecurityOpt":["apparmor=docker-default","apparmor=","seccomp="]}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"SecurityOpt":["no-new-privileges","no-new-privileges=true","no-new-privileges:1"]}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"SecurityOpt":["no-new-privileges="]}}"#, &["security-opt"]),
    (Op::ContainerCreate, "ALLOW_SECURITY_OPT=seccomp=unconfined", r#"{"HostConfig":{"SecurityOpt":["seccomp={}","apparmor=unconfined"]}}"#, &["security-opt", "security-opt"]),
    (Op::ContainerCreate, "ALLOW_SECURITY_OPT=seccomp=sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", r#"{"HostConfig":{"SecurityOpt":["seccomp={\"a\":1}","seccomp={}","seccomp=unconfined"]}}"#, &["security-opt", "security-opt"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"SecurityOpt":["seccomp=builtin","seccomp:builtin"]}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"SecurityOpt":["seccomp=Builtin"]}}"#, &["security-opt"]),
    (Op::ContainerCreate, "ALLOW_SECURITY_OPT=label", r#"{"HostConfig":{"SecurityOpt":["label"]}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_SECURITY_OPT=label", r#"{"HostConfig":{"SecurityOpt":["label=disable"]}}"#, &["security-opt"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"MaskedPaths":null,"ReadonlyPaths":null}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"ReadonlyPaths":["/x","/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"ReadonlyPaths":["/x","/proc/bus","/proc/fs","/proc/irq","/proc/sys"]}}"#, &["security-opt"]),
    (Op::ContainerCreate, "REQUIRE_NO_NEW_PRIVILEGES=1 ALLOW_SECURITY_OPT=*", r#"{"HostConfig":{"SecurityOpt":["no-new-privileges=false","no-new-privileges"]}}"#, &["no-new-privileges"]),
    (Op::ContainerCreate, "REQUIRE_NO_NEW_PRIVILEGES=1 ALLOW_SECURITY_OPT=*", r#"{"HostConfig":{"SecurityOpt":["no-new-privilegesx"]}}"#, &["no-new-privileges"]),
    (Op::ContainerCreate, "REQUIRE_NO_NEW_PRIVILEGES=1", r#"{"HostConfig":{"SecurityOpt":["seccomp="]}}"#, &["no-new-privileges"]),
    (Op::ServiceCreate, "", r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"SELinuxContext":{"Disable":false},"Seccomp":{"Mode":"default"},"AppArmor":{"Mode":""}}}}}"#, PASSES),
    (Op::ServiceCreate, "", r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"Seccomp":{"Mode":"default","Profile":"e30="}}}}}"#, &["security-opt"]),
    (Op::ServiceCreate, "ALLOW_SECURITY_OPT=seccomp=unconfined", r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"Seccomp":{"Mode":"custom","Profile":"e30="}}}}}"#, &["security-opt"]),
    (Op::ServiceCreate, "ALLOW_SECURITY_OPT=seccomp=*", r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"Seccomp":{"Mode":"custom","Profile":"e30="}}}}}"#, PASSES),
    (Op::ServiceCreate, "ALLOW_SECURITY_OPT=seccomp=*", r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"AppArmor":{"Mode":"disabled"}}}}}"#, &["security-opt"]),
    (Op::ServiceCreate, "REQUIRE_NO_NEW_PRIVILEGES=1", r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"NoNewPrivileges":true}}}}"#, PASSES),
    (Op::ServiceCreate, "REQUIRE_NO_NEW_PRIVILEGES=1", r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"NoNewPrivileges":false}}}}"#, &["no-new-privileges"]),
    (Op::ServiceCreate, "REQUIRE_READONLY_ROOTFS=1", r#"{"TaskTemplate":{"ContainerSpec":{"ReadOnly":true}}}"#, PASSES),
    (Op::ServiceCreate, "REQUIRE_READONLY_ROOTFS=1", r#"{"TaskTemplate":{"ContainerSpec":{}}}"#, &["readonly-rootfs"]),
    (Op::ServiceCreate, "REQUIRE_CAP_DROP_ALL=1", r#"{"TaskTemplate":{"ContainerSpec":{"CapabilityDrop":["ALL"]}}}"#, PASSES),
    (Op::ServiceCreate, "REQUIRE_CAP_DROP_ALL=1", r#"{"TaskTemplate":{"ContainerSpec":{}}}"#, &["cap-drop-all"]),
    (Op::ServiceCreate, "REQUIRE_NON_ROOT=1", r#"{"TaskTemplate":{"ContainerSpec":{"User":"1"}}}"#, PASSES),
    (Op::ServiceCreate, "REQUIRE_NON_ROOT=1", r#"{"TaskTemplate":{"ContainerSpec":{"User":"0"}}}"#, &["non-root"]),
    (Op::ContainerExec, "REQUIRE_NON_ROOT=1", r#"{"User":""}"#, PASSES),
    (Op::ContainerExec, "REQUIRE_NON_ROOT=1", r#"{"User":"1000:0"}"#, PASSES),
    (Op::ContainerExec, "REQUIRE_NON_ROOT=1", r#"{"User":"0"}"#, &["non-root"]),
    (Op::ContainerExec, "REQUIRE_NON_ROOT=1", r#"{"User":"root"}"#, &["non-root"]),
    (Op::ContainerExec, "REQUIRE_NON_ROOT=1", r#"{"User":"4294967296"}"#, &["non-root"]),
    (Op::ContainerExec, "", r#"{"User":"root"}"#, PASSES),
    (Op::ContainerUpdate, "MAX_CPUS=1", r#"{"CpuPeriod":1000}"#, &["max-cpus"]),
    (Op::ContainerUpdate, "MAX_CPUS=1", r#"{"CpuQuota":-1,"CpuPeriod":1000}"#, &["max-cpus", "max-cpus"]),
    (Op::ContainerUpdate, "MAX_CPUS=1", r#"{"CpuQuota":0,"CpuPeriod":0}"#, PASSES),
    (Op::ContainerUpdate, "", r#"{"CpuQuota":100000}"#, PASSES),
    (Op::ContainerUpdate, "MAX_MEMORY=1k", r#"{"MemorySwap":2048}"#, PASSES),
    (Op::ContainerUpdate, "MAX_MEMORY=1k", r#"{"MemorySwap":2049}"#, &["max-memory"]),
    (Op::ContainerUpdate, "", r#"{"Memory":"1"}"#, &["bad-value"]),
    (Op::ContainerCreate, "MAX_PIDS=5", r#"{"HostConfig":{"PidsLimit":0}}"#, &["max-pids", "max-pids"]),
    (Op::ContainerCreate, "MAX_CPUS=1", r#"{"HostConfig":{"NanoCpus":0}}"#, &["max-cpus"]),
    (Op::ServiceCreate, "MAX_CPUS=1", r#"{"TaskTemplate":{"Resources":{"Limits":{"NanoCPUs":0}}}}"#, &["max-cpus"]),
    (Op::ContainerUpdate, "MAX_CPUS=1", r#"{"NanoCpus":0,"CpuQuota":200000,"CpuPeriod":100000}"#, &["max-cpus"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"OomScoreAdj":0,"OomKillDisable":false}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"OomScoreAdj":1}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"OomScoreAdj":"-1"}}"#, &["bad-value"]),
    (Op::ContainerCreate, "ALLOW_PUBLISH_PORTS=8000-8010", r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":""}]}}}"#, &["publish-ports"]),
    (Op::ContainerCreate, "ALLOW_PUBLISH_PORTS=0", r#"{"HostConfig":{"PublishAllPorts":true}}"#, PASSES),
    (Op::ServiceCreate, "ALLOW_PUBLISH_PORTS=8000", r#"{"EndpointSpec":{"Ports":[{"TargetPort":80}]}}"#, &["publish-ports"]),
    (Op::ServiceCreate, "ALLOW_PUBLISH_PORTS=8000", r#"{"EndpointSpec":{"Ports":[{"PublishedPort":8000}]}}"#, PASSES),
    (Op::ServiceCreate, "ALLOW_PUBLISH_PORTS=8000,0", r#"{"EndpointSpec":{"Ports":[{"TargetPort":80}]}}"#, PASSES),
    (Op::ServiceCreate, "", r#"{"EndpointSpec":{"Ports":[{"TargetPort":80}]}}"#, PASSES),
    (Op::NetworkConnect, "", r#"{"EndpointConfig":{"DriverOpts":{"com.docker.network.endpoint.ifname":"eth1"}}}"#, PASSES),
    (Op::NetworkConnect, "ALLOW_SYSCTLS=kernel.a", r#"{"EndpointConfig":{"DriverOpts":{"com.docker.network.endpoint.sysctls":"kernel.a=1,net.b=2,kernel.b=3,"}}}"#, &["sysctls"]),
    (Op::ContainerCreate, "ALLOW_HOST_NAMESPACES=network", r#"{"HostConfig":{"NetworkMode":"host","Sysctls":{"net.a":"1"}}}"#, &["sysctls"]),
    (Op::ContainerCreate, "ALLOW_HOST_NAMESPACES=network", r#"{"HostConfig":{"NetworkMode":null,"Sysctls":{"net.a":"1"}}}"#, PASSES),
    (Op::ServiceCreate, "ALLOW_HOST_NAMESPACES=network", r#"{"TaskTemplate":{"ContainerSpec":{"Sysctls":{"net.a":"1"}},"Networks":[{"Target":"6a1"}]}}"#, &["sysctls"]),
    (Op::ServiceCreate, "ALLOW_HOST_NAMESPACES=network", r#"{"TaskTemplate":{"ContainerSpec":{"Sysctls":{"net.a":"1"}}},"Networks":[{"Target":"6a1"}]}"#, &["sysctls"]),
    (Op::ServiceCreate, "ALLOW_HOST_NAMESPACES=network", r#"{"TaskTemplate":{"ContainerSpec":{"Sysctls":{"net.a":"1"}}}}"#, PASSES),
    (Op::SystemAuth, "ALLOW_REGISTRIES=ghcr.io", r#"{"serveraddress":""}"#, PASSES),
    (Op::SystemAuth, "", r#"{"serveraddress":"https://evil.example"}"#, PASSES),
    (Op::SystemAuth, "", r#"{"serveraddress":"http://localhost:5000/v2/"}"#, &["registries"]),
    (Op::SystemAuth, "", r#"{"serveraddress":"[::ffff:127.0.0.1]:5000"}"#, &["registries"]),
    (Op::SystemAuth, "", r#"{"serveraddress":"https://a@localhost"}"#, &["bad-value"]),
    (Op::SystemAuth, "ALLOW_REGISTRIES=localhost:5000", r#"{"serveraddress":"localhost:5000"}"#, PASSES),
    (Op::SystemAuth, "ALLOW_REGISTRIES=ghcr.io/acme/*", r#"{"serveraddress":"https://ghcr.io"}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_REGISTRIES=docker.io/acme", r#"{"Image":"acme/app@sha256:00"}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_REGISTRIES=docker.io/acme", r#"{"Image":"docker.io/library/acme"}"#, &["registries"]),
    (Op::ContainerCreate, "ALLOW_REGISTRIES=docker.io/acme", r#"{"HostConfig":{"Mounts":[{"Type":"image","Source":"app"}]}}"#, &["registries"]),
    (Op::ContainerCreate, "", r#"{"Image":"localhost:5000/x"}"#, PASSES),
    (Op::ServiceCreate, "", r#"{"TaskTemplate":{"ContainerSpec":{"Image":"localhost:5000/x"}}}"#, &["registries"]),
    (Op::ServiceCreate, "ALLOW_REGISTRIES=*,localhost:5000", r#"{"TaskTemplate":{"ContainerSpec":{"Image":"localhost:5000/x"}}}"#, PASSES),
    (Op::ServiceCreate, "ALLOW_REGISTRIES=docker.io", r#"{"TaskTemplate":{"ContainerSpec":{"Image":"0123abcd"}}}"#, &["registries"]),
    (Op::CheckpointCreate, "", r#"{"CheckpointID":"a-b_c.1"}"#, PASSES),
    (Op::CheckpointCreate, "", r#"{"CheckpointID":".a"}"#, &["bad-value"]),
    (Op::CheckpointCreate, "", r#"{"CheckpointID":"a/b"}"#, &["bad-value"]),
    (Op::VolumeCreate, "", r#"{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=64m,mode=1777,nosuid,,private"}}"#, PASSES),
    (Op::VolumeCreate, "", r#"{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=1;x"}}"#, &["closed-argument"]),
    (Op::VolumeCreate, "", r#"{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"size=50%"}}"#, PASSES),
    (Op::VolumeCreate, "", r#"{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"mpol=1"}}"#, &["closed-argument"]),
    (Op::VolumeCreate, "ALLOW_TMPFS_OPTIONS=exec", r#"{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"exec,dev"}}"#, &["tmpfs-options"]),
    (Op::VolumeCreate, "", r#"{"DriverOpts":{"type":"tmpfs"}}"#, &["bad-value"]),
    (Op::VolumeCreate, "", r#"{"DriverOpts":{"o":"ro"}}"#, &["bad-value"]),
    (Op::VolumeCreate, "", r#"{"DriverOpts":{"size":"1m"}}"#, PASSES),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"DriverOpts":{"type":"none","o":"bind,rshared","device":"/srv"}}"#, &["mount-propagation"]),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"DriverOpts":{"type":"none","o":"bind,,rprivate","device":"/srv"}}"#, PASSES),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"DriverOpts":{"type":"none","o":"bind","device":"srv"}}"#, &["bad-value"]),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"DriverOpts":{"type":"debugfs","o":"bind=1","device":"/srv"}}"#, &["volume-drivers"]),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"DriverOpts":{"type":"ramfs","o":"rbind=,ro","device":"/srv"}}"#, &["volume-drivers"]),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"DriverOpts":{"type":"none","o":"bind,ro=1","device":"/srv"}}"#, &["bad-value"]),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv:ro", r#"{"DriverOpts":{"type":"none","o":"bind,ro","device":"/srv"}}"#, PASSES),
    (Op::VolumeCreate, "ALLOW_BIND_MOUNTS=/srv:ro", r#"{"DriverOpts":{"type":"none","o":"rbind,ro","device":"/srv"}}"#, &["bind-mounts"]),
    (Op::VolumeCreate, "ALLOW_VOLUME_DRIVERS=local:nfs", r#"{"DriverOpts":{"type":"ext4","device":"/dev/sda1"}}"#, &["volume-drivers"]),
    (Op::VolumeCreate, "ALLOW_VOLUME_DRIVERS=cluster", r#"{"ClusterVolumeSpec":{"A":1,"a":2}}"#, &["repeated-key"]),
    (Op::VolumeCreate, "", r#"{"ClusterVolumeSpec":{}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_VOLUME_DRIVERS=sshfs", r#"{"HostConfig":{"Mounts":[{"Type":"cluster"}]}}"#, &["volume-drivers"]),
    (Op::ContainerCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"srv"}]}}"#, &["bad-value"]),
    (Op::ContainerCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv/{{.Node.ID}}"}]}}"#, &["closed-argument"]),
    (Op::ContainerCreate, "ALLOW_BIND_MOUNTS=/srv", r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv","X":[{"{{":1}]}]}}"#, &["closed-argument"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"Binds":["/only/inside"]}}"#, PASSES),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"Binds":["_x:/x"]}}"#, &["bad-value"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"Binds":["a/b:/x"]}}"#, &["bad-value"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"Binds":["a:/x:what"]}}"#, &["bad-value"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"PidMode":"containerx"}}"#, &["bad-value"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"NetworkMode":"a:b"}}"#, &["bad-value"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"IpcMode":"","UTSMode":"private","NetworkMode":"mine"}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_HOST_NAMESPACES=pid", r#"{"HostConfig":{"PidMode":"container","IpcMode":"host"}}"#, &["container-namespaces", "host-namespaces"]),
    (Op::ContainerCreate, "", r#"{"HostConfig":{"LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}}}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_LOG_DRIVERS=syslog", r#"{"HostConfig":{"LogConfig":{"Type":"gelf"}}}"#, &["log-drivers"]),
    (Op::ContainerCreate, "ALLOW_LOG_DRIVERS=syslog", r#"{"HostConfig":{"LogConfig":{"Config":{"syslog-address":"x"}}}}"#, &["log-drivers"]),
    (Op::ContainerCreate, "ALLOW_LOG_DRIVERS=default", r#"{"HostConfig":{"LogConfig":{"Config":{"syslog-address":"x"}}}}"#, PASSES),
    (Op::ContainerCreate, "ALLOW_LOG_DRIVERS=default", r#"{"HostConfig":{"LogConfig":{"Type":"local","Config":{"syslog-address":"x"}}}}"#, &["log-drivers"]),
    (Op::ContainerCreate, "ALLOW_LOG_DRIVERS=json-file", r#"{"HostConfig":{"LogConfig":{"Type":"json-file","Config":{"syslog-address":"x"}}}}"#, PASSES),
    (Op::SwarmJoin, "ALLOW_SWARM_PEERS=10.0.0.1", r#"{"RemoteAddrs":["10.0.0.1:2377",""]}"#, PASSES),
    (Op::SwarmJoin, "ALLOW_SWARM_PEERS=10.0.0.1:2377", r#"{"RemoteAddrs":["10.0.0.1:2377"]}"#, PASSES),
    (Op::SwarmJoin, "ALLOW_SWARM_PEERS=10.0.0.1", r#"{"RemoteAddrs":["10.0.0.2:2377"]}"#, &["swarm-peers"]),
    (Op::SwarmJoin, "ALLOW_SWARM_PEERS=10.0.0.1", r#"{"RemoteAddrs":["10.0.0.1:x"]}"#, &["swarm-peers"]),
    (Op::SecretCreate, "ALLOW_TEMPLATES=golang", r#"{"Templating":{"Name":"other"}}"#, &["templates"]),
    (Op::SecretCreate, "", r#"{"Templating":{},"Driver":{}}"#, PASSES),
    (Op::PluginSet, "ALLOW_PLUGIN_PRIVILEGES=mount", r#"["mount.source=/"]"#, &["plugin-privileges"]),
];

#[rustfmt::skip]
const QUERIES: &[Row] = &[
    (Op::ImageBuild, "MAX_MEMORY=1k", "memory=1024&memswap=2048", PASSES),
    (Op::ImageBuild, "MAX_MEMORY=1k", "memory=1025", &["max-memory"]),
    (Op::ImageBuild, "MAX_MEMORY=1k", "memswap=2049", &["max-memory"]),
    (Op::ImageBuild, "MAX_MEMORY=1k", "memory=&memswap=", PASSES),
    (Op::ImageBuild, "MAX_CPUS=1", "cpuquota=-1", &["max-cpus"]),
    (Op::ImageBuild, "", "memory=1.5", &["bad-value"]),
    (Op::ImageBuild, "", "securityopt=%5B%5D&remote=&cgroupparent=", PASSES),
    (Op::ImageBuild, "ALLOW_SECURITY_OPT=label", "securityopt=%5B%22label%22%5D", PASSES),
    (Op::ImageBuild, "ALLOW_SECURITY_OPT=label", "securityopt=%5B%22label%22,%22label=disable%22%5D", &["security-opt"]),
    (Op::CheckpointList, "ALLOW_BIND_MOUNTS=/srv", "dir=/srv/x", PASSES),
    (Op::CheckpointList, "ALLOW_BIND_MOUNTS=/srv", "dir=", PASSES),
    (Op::CheckpointList, "ALLOW_BIND_MOUNTS=/srv", "dir=srv", &["bad-value"]),
    (Op::CheckpointList, "ALLOW_BIND_MOUNTS=/srv", "dir=/srv/../srv", &["bad-value"]),
    (Op::ContainerStart, "", "checkpoint=", PASSES),
    (Op::ContainerTop, "", "ps_args=-ef", PASSES),
    (Op::ContainerTop, "", "ps_args=-eo+pid%2Cargs", PASSES),
    (Op::ContainerTop, "", "ps_args=eww+-o+args:300%2Cpid", &["host-namespaces"]),
    (Op::ContainerTop, "", "ps_args=-ef&ps_args=-o+args", &["bad-query"]),
    (Op::ContainerTop, "ALLOW_HOST_NAMESPACES=pid", "ps_args=-o+args%2Cpid", PASSES),
    (Op::ImageSearch, "ALLOW_REGISTRIES=ghcr.io", "term=", PASSES),
    (Op::ImageSearch, "ALLOW_REGISTRIES=ghcr.io", "term=ghcr.io/x", PASSES),
    (Op::ImageSearch, "ALLOW_REGISTRIES=ghcr.io", "term=x", &["registries"]),
    (Op::ImageSearch, "", "term=evil.example/x", PASSES),
    (Op::ImageSearch, "", "term=127.0.0.1:5000/x", &["registries"]),
    (Op::ImageBuild, "ALLOW_REGISTRIES=docker.io", "t=a&t=b:1&t=acme/c", PASSES),
    (Op::ImageBuild, "ALLOW_REGISTRIES=docker.io", "t=a&t=ghcr.io/b", &["registries"]),
    (Op::ImageBuild, "", "t=a&t=localhost:5000/b", PASSES),
    (Op::ImageBuild, "ALLOW_REGISTRIES=docker.io", "outputs=[{\"Type\":\"image\",\"Attrs\":{\"name\":\"a,ghcr.io/b\"}}]", &["registries"]),
    (Op::ImageBuild, "ALLOW_REGISTRIES=docker.io", "outputs=[{\"type\":\"tar\"},{\"attrs\":{\"name\":\"a\"}}]", PASSES),
    (Op::ImageBuild, "", "outputs=[{\"Type\":\"image\",\"Attrs\":{\"name\":\"localhost:5000/b\",\"push\":\"true\"}}]", &["registries"]),
    (Op::ImageBuild, "", "outputs=[{\"Type\":\"image\",\"Attrs\":{\"name\":\"localhost:5000/b\"}}]", PASSES),
    (Op::ImageBuild, "", "outputs=[", &["bad-value"]),
    (Op::ImageBuild, "", "outputs=null", PASSES),
    (Op::ImageTag, "ALLOW_REGISTRIES=ghcr.io/acme", "repo=ghcr.io/acme/app&tag=1", PASSES),
    (Op::ImageTag, "ALLOW_REGISTRIES=ghcr.io/acme", "repo=ghcr.io/acmeevil/app&tag=1", &["registries"]),
    (Op::ImageTag, "ALLOW_REGISTRIES=ghcr.io/acme", "repo=app", &["registries"]),
    (Op::ImageTag, "ALLOW_REGISTRIES=docker.io", "repo=cafe", PASSES),
    (Op::ImageTag, "", "repo=localhost:5000/app", PASSES),
    (Op::ImageCommit, "ALLOW_REGISTRIES=ghcr.io/acme/*", "container=c&repo=ghcr.io/acme/app", PASSES),
    (Op::ImageCommit, "ALLOW_REGISTRIES=ghcr.io/acme/*", "container=c&repo=ghcr.io/acme", &["registries"]),
    (Op::ImageCommit, "ALLOW_REGISTRIES=ghcr.io/acme/*", "container=c", PASSES),
    (Op::ImageCreate, "ALLOW_REGISTRIES=ghcr.io/acme", "fromSrc=-&repo=app", &["registries"]),
    (Op::ImageCreate, "ALLOW_REGISTRIES=ghcr.io/acme", "fromSrc=-&repo=ghcr.io/acme/app", PASSES),
    (Op::ImageCreate, "ALLOW_REGISTRIES=ghcr.io/acme", "fromImage=ghcr.io/acme/app&tag=1", PASSES),
    (Op::ImageCreate, "ALLOW_REGISTRIES=ghcr.io/acme", "fromImage=ghcr.io/other/app&tag=1", &["registries"]),
    (Op::ImageCreate, "", "fromImage=0x7f.1:5000/app", &["registries"]),
    (Op::ImageCreate, "ALLOW_REGISTRIES=*,localhost:5000", "fromImage=localhost:5000/app", PASSES),
    (Op::ImageLoad, "", "", PASSES),
    (Op::ImageLoad, "ALLOW_REGISTRIES=*", "", PASSES),
    (Op::ImageLoad, "ALLOW_REGISTRIES=docker.io", "", &["registries"]),
    (Op::ImageLoad, "ALLOW_REGISTRIES=docker.io,load", "", PASSES),
    (Op::PluginPull, "", "remote=[::1]:5000/p", &["registries"]),
    (Op::PluginPull, "ALLOW_REGISTRIES=docker.io/vieux", "remote=vieux/sshfs", PASSES),
];

/// The defaults with settings, of which none holds a blank.
fn rules(settings: &str) -> Rules {
    settings.split_whitespace().fold(Rules::new(), |rules, setting| {
        let (name, value) = setting.split_once('=').expect("NAME=VALUE");
        let variable = Variable::named(name).unwrap_or_else(|| panic!("{name} is no variable"));
        rules.with(variable, value).unwrap_or_else(|why| panic!("{setting}: {why}"))
    })
}

fn examiner(operation: Op) -> &'static Examiner {
    Examiner::find(operation).unwrap_or_else(|| panic!("{operation:?} is examined"))
}

#[test]
fn what_is_next_to_a_rule_is_not_taken_for_it() {
    for &(operation, settings, body, expected) in BODIES {
        let examined = examiner(operation).examine(&rules(settings), body.as_bytes());
        let found: Vec<&str> = examined.findings.iter().map(|found| found.cause.name()).collect();
        assert_eq!(found, expected, "{operation:?} {settings} {body}: {:?}", examined.findings);
    }
    for &(operation, settings, query, expected) in QUERIES {
        let head = examiner(operation).head(&rules(settings), Some(query.as_bytes()), None);
        let found: Vec<&str> = head.findings.iter().map(|found| found.cause.name()).collect();
        assert_eq!(found, expected, "{operation:?} {settings} {query}: {:?}", head.findings);
    }
}

#[test]
fn a_refused_port_is_named_as_it_would_be_listed() {
    for (ports, needs) in [("22", "22"), ("8000-8001", "8000-8001"), ("", "0")] {
        let body = format!(
            r#"{{"HostConfig":{{"PortBindings":{{"80/tcp":[{{"HostPort":"{ports}"}}]}}}}}}"#
        );
        let rules = rules("ALLOW_PUBLISH_PORTS=1");
        let examined = examiner(Op::ContainerCreate).examine(&rules, body.as_bytes());
        let found: Vec<&str> = examined.findings.iter().map(|found| &*found.needs).collect();
        assert_eq!(found, [format!("ALLOW_PUBLISH_PORTS={needs}")], "{ports}");
    }
}

#[test]
fn a_name_that_cannot_be_read_is_no_name() {
    let found = |operation, name| {
        let findings = examiner(operation).head(&Rules::new(), None, name).findings;
        findings.iter().map(|found| found.cause.name()).collect::<Vec<_>>()
    };
    for operation in [Op::ImagePush, Op::PutContainerArchive] {
        assert_eq!(found(operation, None), ["bad-value"], "{operation:?}");
        assert_eq!(found(operation, Some("x")), PASSES, "{operation:?}");
    }
    assert_eq!(found(Op::ContainerStart, None), PASSES);
}

#[test]
fn so_many_unknown_fields_are_named_and_no_more() {
    let fields: Vec<String> = (0..20).map(|number| format!("\"Future{number}\":1")).collect();
    let body = format!("{{{}}}", fields.join(","));
    let examined = examiner(Op::ContainerCreate).examine(&Rules::new(), body.as_bytes());
    assert_eq!(examined.unknown.len(), 16);
    assert_eq!(examined.unknown.first().map(String::as_str), Some("Future0"));
}

#[test]
fn a_security_option_is_named_as_it_would_be_listed() {
    for (option, needs) in [
        ("seccomp=unconfined", "seccomp=unconfined"),
        (
            "seccomp={\"a\":1}",
            "seccomp=sha256:015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862",
        ),
        ("apparmor:mine", "apparmor=mine"),
        ("label", "label"),
        ("disable", "label=disable"),
    ] {
        let body = serde_json::json!({"HostConfig": {"SecurityOpt": [option]}}).to_string();
        let examined = examiner(Op::ContainerCreate).examine(&Rules::new(), body.as_bytes());
        let found: Vec<&str> = examined.findings.iter().map(|found| &*found.needs).collect();
        assert_eq!(found, [format!("ALLOW_SECURITY_OPT={needs}")], "{option}");
    }
}

#[test]
fn so_many_findings_are_kept_each_with_what_it_is_about() {
    // Where there are more, none of them could be left out: the rest has not been looked at.
    for (count, kept, is_mount) in
        [(31, 31, true), (32, 32, true), (33, 32, false), (40, 32, false)]
    {
        let binds: Vec<String> = (0..count).map(|number| format!("\"/etc/{number}:/e\"")).collect();
        let body = format!(r#"{{"HostConfig":{{"Binds":[{}]}}}}"#, binds.join(","));
        let examined = examiner(Op::ContainerCreate).examine(&Rules::new(), body.as_bytes());
        assert_eq!(examined.findings.len(), kept);
        let first = examined.findings.first().expect("a finding");
        assert_eq!((first.value.as_str(), first.is_mount), ("/etc/0", is_mount), "{count}");
    }
}

#[test]
fn fields_that_nobody_knows_pass_by_the_thousand_and_no_more() {
    for (count, passes) in [(1024, true), (1025, false)] {
        let fields: Vec<String> = (0..count).map(|number| format!("\"F{number}\":1")).collect();
        let body = format!("{{{}}}", fields.join(","));
        let examined = examiner(Op::ContainerCreate).examine(&Rules::new(), body.as_bytes());
        assert_eq!(examined.findings.is_empty(), passes, "{count}");
    }
}

#[test]
fn a_socket_of_the_daemon_is_mounted_only_by_its_own_name() {
    let passes = |settings: &str, source: &str| {
        let rules = rules(settings).with_socket("/srv//engine/docker.sock");
        let body = format!(r#"{{"HostConfig":{{"Binds":["{source}:/s"]}}}}"#);
        examiner(Op::ContainerCreate).examine(&rules, body.as_bytes()).findings.is_empty()
    };
    assert!(passes("ALLOW_BIND_MOUNTS=/srv", "/srv/data"));
    for source in ["/srv/engine", "/srv/engine/docker.sock"] {
        assert!(!passes("ALLOW_BIND_MOUNTS=/srv", source), "{source}");
        assert!(passes(&format!("ALLOW_BIND_MOUNTS={source}"), source), "{source}");
    }
}
