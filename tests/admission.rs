//! Each rule of the admission: what it refuses by default, under which name, and which variable
//! opens it. The daemon's part in this is shown elsewhere; here stand also the operations that need
//! a swarm, a plugin or a newer daemon.

use dockgate::admission::verdict::Case;
use dockgate::admission::{Examiner, Question, Rules, Variable};
use dockgate::api::Operation as Op;
use std::sync::Arc;

/// Operation, body, the rule's name, and what opens it; nothing does where that is empty.
type Row = (Op, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const CREATE: &[Row] = &[
    (Op::ContainerCreate, r#"{"HostConfig":{"Privileged":true}}"#, "privileged", "ALLOW_PRIVILEGED=1"),
    (Op::ContainerCreate, r#"{"Privileged":true}"#, "privileged", "ALLOW_PRIVILEGED=1"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["/etc:/e"]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["//etc/../etc:/e:ro"]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc:ro"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["/srv/../etc:/e"]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["/:/e"]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["/var/run/docker.sock:/s"]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/,/var/run/docker.sock"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["data:/d:rshared"]}}"#, "mount-propagation", "ALLOW_MOUNT_PROPAGATION=rshared"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc","Target":"/e"}]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc","ReadOnly":true}]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/:ro"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/e","VolumeOptions":{"DriverConfig":{"Options":{"type":"none","o":"bind","device":"/etc"}}}}]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"nfs","o":"ro,rbind","device":"/etc"}}}}]}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"type":"overlay","o":"lowerdir=/etc:/usr","device":"overlay"}}}}]}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=local:overlay"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"sshfs"}}}]}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=sshfs"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"cluster","Source":"x"}]}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=cluster"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"npipe","Source":"x"}]}}"#, "closed-argument", ""),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"tmpfs","TmpfsOptions":{"Options":[["exec"],["suid"]]}}]}}"#, "tmpfs-options", "ALLOW_TMPFS_OPTIONS=suid"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv","BindOptions":{"Propagation":"shared"}}]}}"#, "mount-propagation", "ALLOW_MOUNT_PROPAGATION=shared ALLOW_BIND_MOUNTS=/srv"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"tmpfs","TmpfsOptions":{"Options":[["size","1m,dev"]]}}]}}"#, "tmpfs-options", "ALLOW_TMPFS_OPTIONS=dev"),
    (Op::ContainerCreate, r#"{"HostConfig":{"VolumesFrom":["other:ro"]}}"#, "volumes-from", "ALLOW_VOLUMES_FROM=1"),
    (Op::ContainerCreate, r#"{"HostConfig":{"VolumeDriver":"sshfs"}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=sshfs"),
    (Op::ContainerCreate, r#"{"HostConfig":{},"VolumeDriver":"sshfs"}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=*"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Tmpfs":{"/t":"size=1m,suid"}}}"#, "tmpfs-options", "ALLOW_TMPFS_OPTIONS=suid"),
    (Op::ContainerCreate, r#"{"HostConfig":{"NetworkMode":"host"}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=network"),
    (Op::ContainerCreate, r#"{"HostConfig":{"NetworkMode":"container:x"}}"#, "container-namespaces", "ALLOW_CONTAINER_NAMESPACES=network"),
    (Op::ContainerCreate, r#"{"HostConfig":{"PidMode":"host"}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=pid"),
    (Op::ContainerCreate, r#"{"HostConfig":{"PidMode":"HOST"}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=*"),
    (Op::ContainerCreate, r#"{"HostConfig":{"PidMode":"container:x"}}"#, "container-namespaces", "ALLOW_CONTAINER_NAMESPACES=pid"),
    (Op::ContainerCreate, r#"{"HostConfig":{"IpcMode":"host"}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=ipc"),
    (Op::ContainerCreate, r#"{"HostConfig":{"UTSMode":"host"}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=uts"),
    (Op::ContainerCreate, r#"{"HostConfig":{"UsernsMode":"host"}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=user"),
    (Op::ContainerCreate, r#"{"HostConfig":{"CgroupnsMode":"host"}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=cgroup"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Cgroup":"container:x"}}"#, "container-namespaces", "ALLOW_CONTAINER_NAMESPACES=cgroup"),
    (Op::ContainerCreate, r#"{"HostConfig":{"PidMode":"elsewhere"}}"#, "bad-value", ""),
    (Op::ContainerCreate, r#"{"NetworkingConfig":{"EndpointsConfig":{"host":{}}}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=network"),
    (Op::ContainerCreate, r#"{"NetworkingConfig":{"EndpointsConfig":{"n":{"DriverOpts":{"com.docker.network.endpoint.sysctls":"net.ipv4.conf.IFNAME.rp_filter=1,kernel.x=1"}}}}}"#, "sysctls", "ALLOW_SYSCTLS=kernel.x"),
    (Op::ContainerCreate, r#"{"HostConfig":{"CapAdd":["cap_sys_admin"]}}"#, "capabilities", "ALLOW_CAPABILITIES=SYS_ADMIN"),
    (Op::ContainerCreate, r#"{"HostConfig":{"CapAdd":"all"}}"#, "capabilities", "ALLOW_CAPABILITIES=ALL"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Capabilities":["SYS_ADMIN"]}}"#, "capabilities", "ALLOW_CAPABILITIES=cap_sys_admin"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/sda"}]}}"#, "devices", "ALLOW_DEVICES=/dev/sda"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/dri/../sda"}]}}"#, "devices", "ALLOW_DEVICES=*"),
    (Op::ContainerCreate, r#"{"HostConfig":{"DeviceCgroupRules":["c 13:* rmw"]}}"#, "devices", "ALLOW_DEVICES=c 13:* rmw"),
    (Op::ContainerCreate, r#"{"HostConfig":{"DeviceRequests":[{"Count":-1,"Capabilities":[["gpu"]]}]}}"#, "devices", "ALLOW_DEVICES=gpu"),
    (Op::ContainerCreate, r#"{"HostConfig":{"DeviceRequests":[{"Driver":"cdi","DeviceIDs":["x"]}]}}"#, "devices", "ALLOW_DEVICES=cdi"),
    (Op::ContainerCreate, r#"{"HostConfig":{"SecurityOpt":["seccomp:unconfined"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=seccomp=unconfined"),
    (Op::ContainerCreate, r#"{"HostConfig":{"SecurityOpt":["seccomp={}"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=seccomp=sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    (Op::ContainerCreate, r#"{"HostConfig":{"SecurityOpt":["apparmor=unconfined"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=apparmor=*"),
    (Op::ContainerCreate, r#"{"HostConfig":{"SecurityOpt":["disable"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=label=disable"),
    (Op::ContainerCreate, r#"{"HostConfig":{"SecurityOpt":["label=type:spc_t"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=label=*"),
    (Op::ContainerCreate, r#"{"HostConfig":{"SecurityOpt":["no-new-privileges=false"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=no-new-privileges=false"),
    (Op::ContainerCreate, r#"{"HostConfig":{"SecurityOpt":["writable-cgroups=true"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=writable-cgroups=true"),
    (Op::ContainerCreate, r#"{"HostConfig":{"MaskedPaths":[]}}"#, "security-opt", "ALLOW_SECURITY_OPT=systempaths=unconfined"),
    (Op::ContainerCreate, r#"{"HostConfig":{"ReadonlyPaths":["/proc/bus"]}}"#, "security-opt", "ALLOW_SECURITY_OPT=systempaths=unconfined"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Sysctls":{"kernel.shmmax":"1"}}}"#, "sysctls", "ALLOW_SYSCTLS=kernel.*"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Sysctls":{"net.ipv4.ip_forward":"1"},"NetworkMode":"container:x"}}"#, "sysctls", "ALLOW_SYSCTLS=net.ipv4.* ALLOW_CONTAINER_NAMESPACES=network"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Sysctls":{"net.ipv4.ip_forward":"1"},"NetworkMode":"Host"}}"#, "sysctls", "ALLOW_SYSCTLS=net.ipv4.ip_forward ALLOW_HOST_NAMESPACES=network"),
    (Op::ContainerCreate, r#"{"Sysctls":{"net.ipv4.ip_forward":"1"},"NetworkMode":"host","HostConfig":{}}"#, "sysctls", "ALLOW_SYSCTLS=net.ipv4.ip_forward ALLOW_HOST_NAMESPACES=network"),
    (Op::ContainerUpdate, r#"{"Sysctls":{"net.ipv4.ip_forward":"1"}}"#, "sysctls", "ALLOW_SYSCTLS=net.ipv4.ip_forward"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Runtime":"crun"}}"#, "runtimes", "ALLOW_RUNTIMES=crun"),
    (Op::ContainerCreate, r#"{"HostConfig":{"CgroupParent":"../../x"}}"#, "cgroup-parents", "ALLOW_CGROUP_PARENTS=/x"),
    (Op::ContainerCreate, r#"{"HostConfig":{"OomScoreAdj":-1}}"#, "oom-protection", "ALLOW_OOM_PROTECTION=1"),
    (Op::ContainerCreate, r#"{"HostConfig":{"OomKillDisable":true}}"#, "oom-protection", "ALLOW_OOM_PROTECTION=1"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Annotations":{"run.oci.hooks":""}}}"#, "annotations", "ALLOW_ANNOTATIONS=run.oci.*"),
    (Op::ContainerCreate, r#"{"HostConfig":{"LogConfig":{"Type":"syslog","Config":{"syslog-address":"tcp://10.0.0.1"}}}}"#, "log-drivers", "ALLOW_LOG_DRIVERS=syslog"),
    (Op::ContainerCreate, r#"{"HostConfig":{"LogConfig":{"Config":{"gelf-address":"udp://10.0.0.1"}}}}"#, "log-drivers", "ALLOW_LOG_DRIVERS=default"),
    (Op::ContainerCreate, r#"{"HostConfig":{"Privileged":"true"}}"#, "bad-value", ""),
    (Op::ContainerCreate, r#"{"HostConfig":[]}"#, "bad-value", ""),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":[1]}}"#, "bad-value", ""),
    (Op::ContainerCreate, r#"{"HostConfig":{},"hostconfig":{}}"#, "repeated-key", ""),
    (Op::ContainerCreate, r#"{"Healthcheck":{"Test":[],"test":[]}}"#, "repeated-key", ""),
    (Op::ContainerCreate, r#"{"Future":{"A":{"b":1,"B":2}}}"#, "repeated-key", ""),
    (Op::ContainerCreate, r#"{"Labels":{"a":"1","a":"2"}}"#, "repeated-key", ""),
    (Op::ContainerCreate, "[]", "bad-value", ""),
    (Op::ContainerCreate, "{", "not-one-json-value", ""),
];

#[rustfmt::skip]
const OTHERS: &[Row] = &[
    (Op::ContainerUpdate, r#"{"Devices":[{"PathOnHost":"/dev/sda"}]}"#, "devices", "ALLOW_DEVICES=/dev"),
    (Op::ContainerExec, r#"{"Privileged":true,"Cmd":["sh"]}"#, "exec-privileged", "ALLOW_EXEC_PRIVILEGED=1"),
    (Op::VolumeCreate, r#"{"Driver":"sshfs"}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=sshfs"),
    (Op::VolumeCreate, r#"{"DriverOpts":{"type":"none","o":"bind","device":"/etc"}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc"),
    (Op::VolumeCreate, r#"{"driveropt\u017f":{"type":"none","o":"bind,ro","device":"/etc"}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc:ro"),
    (Op::VolumeCreate, r#"{"DriverOpts":{"type":"nfs","o":"addr=10.0.0.1","device":":/x"}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=local:nfs"),
    (Op::VolumeCreate, r#"{"DriverOpts":{"type":"ext4","device":"/dev/sda1"}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=local:*"),
    (Op::VolumeCreate, r#"{"DriverOpts":{"type":"tmpfs","device":"tmpfs","o":"suid"}}"#, "tmpfs-options", "ALLOW_TMPFS_OPTIONS=suid"),
    (Op::VolumeCreate, r#"{"DriverOpts":{"type":"none","o":"bind","device":"/srv/../etc"}}"#, "bad-value", ""),
    (Op::VolumeCreate, r#"{"DriverOpts":{"type":"none","o":"bind,remount","device":"/srv"}}"#, "bad-value", ""),
    (Op::VolumeCreate, r#"{"DriverOpts":{"x":"/etc"}}"#, "bad-value", ""),
    (Op::VolumeCreate, r#"{"ClusterVolumeSpec":{"Group":"x"}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=cluster"),
    (Op::VolumeUpdate, r#"{"Spec":{"Group":"x"}}"#, "volume-drivers", "ALLOW_VOLUME_DRIVERS=cluster"),
    (Op::NetworkCreate, r#"{"Name":"n","Driver":"macvlan","Options":{"parent":"eth0"}}"#, "network-drivers", "ALLOW_NETWORK_DRIVERS=macvlan ALLOW_NETWORK_OPTIONS=parent=eth0"),
    (Op::NetworkCreate, r#"{"Name":"n","Options":{"com.docker.network.bridge.default_bridge":"true"}}"#, "network-options", "ALLOW_NETWORK_OPTIONS=com.docker.network.bridge.default_bridge=true"),
    (Op::NetworkCreate, r#"{"Name":"n","Options":{"com.docker.network.bridge.gateway_mode_ipv6":"nat-unprotected"}}"#, "network-options", "ALLOW_NETWORK_OPTIONS=com.docker.network.bridge.gateway_mode_*"),
    (Op::NetworkCreate, r#"{"Name":"n","Options":{"com.docker.network.bridge.name":"br0"}}"#, "network-options", "ALLOW_NETWORK_OPTIONS=com.docker.network.bridge.name"),
    (Op::NetworkCreate, r#"{"Name":"n","IPAM":{"Driver":"dhcp"}}"#, "network-drivers", "ALLOW_NETWORK_DRIVERS=dhcp"),
    (Op::NetworkConnect, r#"{"Container":"c","EndpointConfig":{"DriverOpts":{"x":"y"}}}"#, "network-options", "ALLOW_NETWORK_OPTIONS=x"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Mounts":[{"Type":"bind","Source":"/etc"}]}}}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/etc"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"CapabilityAdd":["CAP_SYS_ADMIN"]}}}"#, "capabilities", "ALLOW_CAPABILITIES=SYS_ADMIN"),
    (Op::ServiceUpdate, r#"{"TaskTemplate":{"ContainerSpec":{"Sysctls":{"kernel.x":"1"}}}}"#, "sysctls", "ALLOW_SYSCTLS=kernel.x"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"SELinuxContext":{"Disable":true}}}}}"#, "security-opt", "ALLOW_SECURITY_OPT=label=disable"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"Seccomp":{"Mode":"unconfined"}}}}}"#, "security-opt", "ALLOW_SECURITY_OPT=seccomp=unconfined"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"Seccomp":{"Mode":"custom","Profile":"e30="}}}}}"#, "security-opt", "ALLOW_SECURITY_OPT=seccomp=sha256:a135823e1f3518ee22848a79f5427d8cee0bfb85fbc6b4e6eda61f883c057c9e"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"SELinuxContext":{"Type":"spc_t"}}}}}"#, "security-opt", "ALLOW_SECURITY_OPT=label=type:spc_t"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"AppArmor":{"Mode":"disabled"}}}}}"#, "security-opt", "ALLOW_SECURITY_OPT=apparmor=unconfined"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Privileges":{"CredentialSpec":{"File":"x"}}}}}"#, "security-opt", "ALLOW_SECURITY_OPT=credentialspec"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"PluginSpec":{"Remote":"x"},"Runtime":"plugin"}}"#, "plugin-privileges", "ALLOW_PLUGIN_PRIVILEGES=*"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"Networks":[{"Target":"host"}]}}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=network"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Secrets":[{"SecretID":"x"}]}}}"#, "closed-argument", ""),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Configs":[{"ConfigID":"x"}]}}}"#, "closed-argument", ""),
    (Op::ContainerCreate, r#"{"HostConfig":{"InitPath":"/bin/sh"}}"#, "closed-argument", ""),
    (Op::ServiceCreate, r#"{"Networks":[{"Target":"host"}]}"#, "host-namespaces", "ALLOW_HOST_NAMESPACES=network"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"LogDriver":{"Name":"gelf"}}}"#, "log-drivers", "ALLOW_LOG_DRIVERS=gelf"),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Mounts":[{"Type":"volume","Source":"v","VolumeOptions":{"DriverConfig":{"Options":{"type":"tmpfs","device":"/","o":"size={{printf \"1%cbind\" 44}}"}}}}]}}}"#, "closed-argument", ""),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Mounts":[{"Type":"bind","Source":"/srv/\u007b{.X}}"}]}}}"#, "closed-argument", ""),
    (Op::SwarmInit, r#"{"Spec":{"CAConfig":{"ExternalCAs":[{"URL":"http://evil/x://ca.example"}]}}}"#, "bad-value", ""),
    (Op::SwarmInit, r#"{"Spec":{"CAConfig":{"ExternalCAs":[{"URL":"https://ca.example:8080/sign"}]}}}"#, "swarm-peers", "ALLOW_SWARM_PEERS=ca.example"),
    (Op::SwarmUpdate, r#"{"TaskDefaults":{"LogDriver":{"Name":"fluentd"}}}"#, "log-drivers", "ALLOW_LOG_DRIVERS=fluentd"),
    (Op::SwarmJoin, r#"{"RemoteAddrs":["10.0.0.1:2377"]}"#, "swarm-peers", "ALLOW_SWARM_PEERS=10.0.0.1"),
    (Op::NodeUpdate, r#"{"Role":"captain"}"#, "bad-value", ""),
    (Op::PluginPull, r#"[{"Name":"mount","Value":["/"]}]"#, "plugin-privileges", "ALLOW_PLUGIN_PRIVILEGES=mount ENGINE_FIXED=CVE-2026-33997"),
    (Op::PluginUpgrade, r#"[{"Name":"network","Value":["host"]}]"#, "plugin-privileges", "ALLOW_PLUGIN_PRIVILEGES=network ENGINE_FIXED=CVE-2026-33997"),
    (Op::PluginSet, r#"["mount.source=/"]"#, "plugin-privileges", "ALLOW_PLUGIN_PRIVILEGES=*"),
    (Op::SecretCreate, r#"{"Templating":{"Name":"golang"}}"#, "templates", "ALLOW_TEMPLATES=golang"),
    (Op::SecretCreate, r#"{"Driver":{"Name":"vault"}}"#, "secret-drivers", "ALLOW_SECRET_DRIVERS=vault"),
    (Op::ConfigCreate, r#"{"Templating":{"Name":"golang"}}"#, "templates", "ALLOW_TEMPLATES=golang"),
    (Op::CheckpointCreate, r#"{"CheckpointID":"c","CheckpointDir":"/srv/c"}"#, "bind-mounts", "ALLOW_BIND_MOUNTS=/srv"),
    (Op::CheckpointCreate, r#"{"CheckpointID":"../x"}"#, "bad-value", ""),
    (Op::ContainerAttach, r#"{"a":1,"A":2}"#, "repeated-key", ""),
];

/// Likewise with a query in the body's place.
#[rustfmt::skip]
const QUERIES: &[Row] = &[
    (Op::ImageBuild, "networkmode=host", "build-networks", "ALLOW_BUILD_NETWORKS=host"),
    (Op::ImageBuild, "%6eetworkmode=container%3Ax", "build-networks", "ALLOW_BUILD_NETWORKS=container:*"),
    (Op::ImageBuild, "remote=https://example.org/x.git", "build-remote", "ALLOW_BUILD_REMOTE=1"),
    (Op::ImageBuild, "cgroupparent=/x", "cgroup-parents", "ALLOW_CGROUP_PARENTS=/"),
    (Op::ImageBuild, "securityopt=%5B%22x%22%5D", "security-opt", "ALLOW_SECURITY_OPT=x"),
    (Op::ImageBuild, "securityopt=x", "security-opt", "ALLOW_SECURITY_OPT=x"),
    (Op::ImageBuild, "networkmode=default&networkmode=none", "bad-query", ""),
    (Op::ImageBuild, "t=a;b", "bad-query", ""),
    (Op::ImageBuild, "t=%zz", "bad-query", ""),
    (Op::ImageCreate, "fromSrc=http://example.org/x.tar", "import-remote", "ALLOW_IMPORT_REMOTE=1"),
    (Op::ContainerStart, "checkpoint=c&checkpoint-dir=/srv/c", "bind-mounts", "ALLOW_BIND_MOUNTS=/srv"),
    (Op::ContainerStart, "checkpoint=../c", "bad-value", ""),
    (Op::CheckpointDelete, "dir=/srv", "bind-mounts", "ALLOW_BIND_MOUNTS=/srv"),
    (Op::PluginCreate, "name=x", "plugin-privileges", "ALLOW_PLUGIN_PRIVILEGES=*"),
];

/// What ordinary use sends.
#[rustfmt::skip]
const PLAIN: &[(Op, &str)] = &[
    (Op::ContainerCreate, "null"),
    (Op::ContainerCreate, r#"{"Image":"alpine","HostConfig":null,"NetworkingConfig":null}"#),
    (Op::ContainerCreate, r#"{"HostConfig":{"Privileged":false,"Binds":null,"CapAdd":null,"NetworkMode":"default","PidMode":"","IpcMode":"private","Runtime":"runc","LogConfig":{"Type":"","Config":{}},"MaskedPaths":null,"SecurityOpt":["no-new-privileges:true"],"CapDrop":["ALL"],"OomKillDisable":false,"OomScoreAdj":500}}"#),
    (Op::ContainerCreate, r#"{"HostConfig":{"CapAdd":["CHOWN","cap_net_bind_service"],"Tmpfs":{"/run":"rw,noexec,nosuid,size=65536k,mode=1777","/x":"exec"}}}"#),
    (Op::ContainerCreate, r#"{"HostConfig":{"Sysctls":{"net.ipv4.ip_forward":"1","net.core.somaxconn":"1024"},"NetworkMode":"mine","SecurityOpt":["seccomp=builtin"],"Annotations":{"org.opencontainers.image.title":"x"}}}"#),
    (Op::ServiceCreate, r#"{"TaskTemplate":{"ContainerSpec":{"Sysctls":{"net.ipv4.ip_forward":"1"}},"Networks":[{"Target":"n"}]}}"#),
    (Op::NetworkCreate, r#"{"Name":"n","Internal":true,"Options":{"com.docker.network.bridge.gateway_mode_ipv4":"isolated","com.docker.network.bridge.gateway_mode_ipv6":"nat","com.docker.network.bridge.default_bridge":"false"}}"#),
    (Op::NetworkConnect, r#"{"Container":"c","EndpointConfig":{"DriverOpts":{"com.docker.network.endpoint.sysctls":"net.ipv4.conf.IFNAME.rp_filter=1","com.docker.network.endpoint.ifname":"x"}}}"#),
    (Op::ContainerCreate, r#"{"HostConfig":{"Binds":["data:/d:rw,z","/anonymous"],"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"81/tcp":null},"PublishAllPorts":true}}"#),
    (Op::ContainerCreate, r#"{"HostConfig":{"Mounts":[{"Type":"volume","Source":"data","Target":"/d","VolumeOptions":{"Labels":{"a":"b","A":"c"},"DriverConfig":{"Name":"local","Options":{"type":"tmpfs","device":"tmpfs","o":"size=100m,uid=1000"}}}},{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1,"Mode":511}},{"Type":"image","Source":"alpine","Target":"/i"}]}}"#),
    (Op::ContainerCreate, r#"{"Labels":{"Traefik.enable":"1","traefik.enable":"2"},"Future":[{"x":1}],"Memory":1}"#),
    (Op::ContainerUpdate, r#"{"Memory":1,"RestartPolicy":{"Name":"always","MaximumRetryCount":0}}"#),
    (Op::VolumeCreate, r#"{"Name":"v","Driver":"local","DriverOpts":{},"Labels":null}"#),
    (Op::NetworkCreate, r#"{"Name":"n","CheckDuplicate":true,"Driver":"bridge","IPAM":{"Driver":"default","Config":[{"Subnet":"10.9.0.0/24"}]},"Options":{"com.docker.network.driver.mtu":"1400"}}"#),
    (Op::NetworkConnect, r#"{"Container":"c","EndpointConfig":{"Aliases":["a"],"IPAMConfig":{"IPv4Address":"10.9.0.3"}}}"#),
    (Op::ServiceCreate, r#"{"Name":"s","TaskTemplate":{"ContainerSpec":{"Image":"alpine","Mounts":[{"Type":"volume","Source":"d","Target":"/d"}],"Init":false},"Runtime":"container","Networks":[{"Target":"n"}]},"Mode":{"Replicated":{"Replicas":1}},"EndpointSpec":{"Ports":[{"PublishedPort":80}]}}"#),
    (Op::SwarmInit, r#"{"ListenAddr":"0.0.0.0:2377","Spec":{"TaskDefaults":{"LogDriver":null}}}"#),
    (Op::PluginPull, "[]"),
    (Op::SecretCreate, r#"{"Name":"s","Data":"eA==","Driver":null,"Templating":null}"#),
    (Op::ImageCommit, r#"{"Cmd":["x"],"Labels":{"a":"b"}}"#),
];

fn rules(settings: &str) -> Rules {
    // A value may hold blanks: a setting begins where a word in capitals and a '=' do.
    let mut pairs: Vec<(String, String)> = Vec::new();
    for word in settings.split(' ') {
        match word.split_once('=') {
            Some((name, value)) if Variable::named(name).is_some() => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                if let Some((_, value)) = pairs.last_mut() {
                    *value = format!("{value} {word}");
                }
            }
        }
    }
    pairs.iter().fold(Rules::new(), |rules, (name, value)| {
        let variable = Variable::named(name).unwrap_or_else(|| panic!("{name} is no variable"));
        rules.with(variable, value).unwrap_or_else(|why| panic!("{name}={value}: {why}"))
    })
}

/// What an engine says of itself, as most do.
const INFO: &str = r#"{"ServerVersion":"28.5.2","DefaultRuntime":"runc","CgroupVersion":"2"}"#;

/// The names of what is found, and the message of all of it.
fn found(operation: Op, body: &str, query: &str, rules: &Rules) -> (Vec<&'static str>, String) {
    found_on(INFO, operation, body, query, rules)
}

/// The same before an engine that says this of itself.
fn found_on(
    info: &str,
    operation: Op,
    body: &str,
    query: &str,
    rules: &Rules,
) -> (Vec<&'static str>, String) {
    let line = Examiner::find(operation).unwrap_or_else(|| panic!("{operation:?} is examined"));
    let name = line.question.map(|_| "c");
    let head = line.head(rules, Some(query.as_bytes()), name);
    let examined = line.examine(rules, body.as_bytes());
    let mut findings = [head.findings, examined.findings].concat();
    for question in head.questions.iter().chain(&examined.questions) {
        if let Question::Engine(_) = question {
            findings.extend(question.answered(rules, 200, info.as_bytes()).examined.findings);
        }
    }
    let message: Vec<String> = findings.iter().map(ToString::to_string).collect();
    (findings.iter().map(|finding| finding.cause.name()).collect(), message.join("; "))
}

fn hold(rows: &[Row], split: impl Fn(&'static str) -> (&'static str, &'static str)) {
    for &(operation, text, name, opening) in rows {
        let (body, query) = split(text);
        let (names, message) = found(operation, body, query, &Rules::new());
        assert!(names.contains(&name), "{operation:?} {text}: {names:?} {message}");
        if opening.is_empty() {
            continue;
        }
        for setting in opening.split(' ').filter(|word| word.contains("ALLOW_")) {
            let variable = setting.split('=').next().unwrap_or_default();
            assert!(message.contains(variable), "{operation:?} {text}: {message}");
        }
        let (names, message) = found(operation, body, query, &rules(opening));
        assert!(names.is_empty(), "{operation:?} {text} with {opening}: {message}");
    }
}

#[test]
fn what_reaches_the_host_is_refused_and_opened_by_the_variable_it_names() {
    hold(CREATE, |body| (body, ""));
    hold(OTHERS, |body| (body, ""));
    hold(QUERIES, |query| ("", query));
}

/// The rules with what a message says to set: an item more for each list.
fn with_what_is_needed(message: &str, settings: &mut Vec<(Variable, String)>) -> Rules {
    let needs = message.split(": needs ").skip(1);
    for need in needs {
        let need = need.split("; ").next().unwrap_or(need);
        let (name, item) = need.split_once('=').unwrap_or((need, ""));
        let Some(variable) = Variable::named(name) else { continue };
        match settings.iter_mut().find(|(other, _)| *other == variable) {
            Some((_, list)) if !list.split(',').any(|other| other == item) => {
                *list = format!("{list},{item}");
            }
            Some(_) => {}
            None => settings.push((variable, item.to_owned())),
        }
    }
    settings.iter().fold(Rules::new(), |rules, (variable, value)| {
        rules.with(*variable, value).unwrap_or_else(|why| panic!("{variable}={value}: {why}"))
    })
}

#[test]
fn what_a_refusal_says_to_set_is_enough() {
    let odd = [
        r#"{"HostConfig":{"SecurityOpt":["label=level:s0:c1,c2","no-new-privileges:false"]}}"#,
        r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv/a,b"}]}}"#,
        r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv/a:ro","ReadOnly":true}]}}"#,
        r#"{"HostConfig":{"Binds":["/srv/müsik:/m","/srv/a b:/b:ro"]}}"#,
        r#"{"HostConfig":{"Devices":[{"PathOnHost":"/dev/serial/by-id/usb-a,b"}]}}"#,
    ];
    let long = format!(r#"{{"HostConfig":{{"Binds":["/srv/{}:/x"]}}}}"#, "x".repeat(150));
    let odd = odd.into_iter().chain([long.as_str()]);
    let rows = CREATE.iter().chain(OTHERS).filter(|row| row.3.contains("ALLOW_"));
    // Of a plugin's privileges a shield may say more; a device by such a path can't be listed.
    let is_curable = |row: &&Row| {
        !matches!(row.0, Op::PluginPull | Op::PluginUpgrade) && !row.1.contains("/../sda")
    };
    let rows = rows.filter(is_curable).map(|&(operation, body, ..)| (operation, body));
    for (operation, body) in odd.map(|body| (Op::ContainerCreate, body)).chain(rows) {
        let (_, first) = found(operation, body, "", &Rules::new());
        let (mut message, mut settings) = (first.clone(), Vec::new());
        // What is set may uncover what else is asked for.
        for _ in 0..3 {
            let rules = with_what_is_needed(&message, &mut settings);
            message = found(operation, body, "", &rules).1;
        }
        assert_eq!(message, "", "{operation:?} {body}: {first}; {settings:?}");
    }
}

#[test]
fn keys_in_another_case_are_the_same_fields() {
    for &(operation, body, name, _) in CREATE.iter().chain(OTHERS) {
        for spell in [
            |key: &str| key.to_ascii_uppercase(),
            |key: &str| key.to_ascii_lowercase(),
            |key: &str| key.replace('s', "\u{17f}").replace('k', "\u{212a}"),
            |key: &str| {
                let escaped = |letter: char| format!("\\u{:04x}", u32::from(letter));
                key.chars().map(escaped).collect::<Vec<_>>().concat()
            },
        ] {
            let body = spelled(body, spell);
            let (names, message) = found(operation, &body, "", &Rules::new());
            assert!(names.contains(&name), "{body}: {names:?} {message}");
        }
    }
}

/// A body with its keys (texts before a colon) spelled otherwise.
fn spelled(body: &str, spell: impl Fn(&str) -> String) -> String {
    let parts: Vec<&str> = body.split('"').collect();
    let is_key = |index: usize| {
        // Fields begin with a capital; keys of maps, which are exact, do not here.
        let is_field =
            parts.get(index).is_some_and(|key| key.starts_with(|c: char| c.is_ascii_uppercase()));
        is_field && parts.get(index + 1).is_some_and(|after| after.starts_with(':'))
    };
    let spelled = parts
        .iter()
        .enumerate()
        .map(|(index, part)| if is_key(index) { spell(part) } else { (*part).to_owned() });
    spelled.collect::<Vec<_>>().join("\"")
}

#[test]
fn ordinary_arguments_pass() {
    for &(operation, body) in PLAIN {
        let (_, message) = found(operation, body, "", &Rules::new());
        assert_eq!(message, "", "{operation:?} {body}");
    }
    for (operation, query) in [
        (Op::ImageBuild, "t=a&t=b&version=2&session=x&remote=client-session&networkmode=default"),
        (Op::ImageBuild, "memory=0&cpuquota=0&securityopt=null&cgroupparent="),
        (Op::ImageCreate, "fromImage=alpine&tag=3&fromSrc=-"),
        (Op::ContainerStart, "detachKeys=ctrl-p"),
    ] {
        assert_eq!(found(operation, "", query, &Rules::new()).1, "", "{operation:?} {query}");
    }
}

#[test]
fn a_mount_that_is_only_read_is_not_said_to_be_written_to() {
    for (bind, is_root) in [("/etc/localtime:/t:ro", false), ("/etc/localtime:/t", true)] {
        let body = format!(r#"{{"HostConfig":{{"Binds":["{bind}"]}}}}"#);
        let (_, message) = found(Op::ContainerCreate, &body, "", &Rules::new());
        assert_eq!(message.contains("root on the host"), is_root, "{message}");
    }
}

#[test]
fn a_prefix_that_is_read_only_forces_read_only() {
    let rules = rules("ALLOW_BIND_MOUNTS=/srv:ro");
    for (body, passes) in [
        (r#"{"HostConfig":{"Binds":["/srv/x:/x:ro"]}}"#, true),
        (r#"{"HostConfig":{"Binds":["/srv/x:/x"]}}"#, false),
        (r#"{"HostConfig":{"Binds":["/srv/x:/x:z"]}}"#, false),
        (r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv","ReadOnly":true}]}}"#, true),
        (r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv"}]}}"#, false),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/srv","ReadOnly":true,"BindOptions":{"ReadOnlyNonRecursive":true}}]}}"#,
            false,
        ),
    ] {
        let (names, message) = found(Op::ContainerCreate, body, "", &rules);
        assert_eq!(names.is_empty(), passes, "{body}: {message}");
    }
    for (options, passes) in
        [("bind,ro", true), ("bind", false), ("bind,ro=1", false), ("bind,ro,rw", false)]
    {
        let body = format!(r#"{{"DriverOpts":{{"type":"none","o":"{options}","device":"/srv"}}}}"#);
        assert_eq!(found(Op::VolumeCreate, &body, "", &rules).0.is_empty(), passes, "{options}");
    }
}

#[test]
fn requirements_are_held_where_newer_daemons_look_for_them() {
    for (setting, lacking, meeting) in [
        ("REQUIRE_NON_ROOT=1", r#"{"User":"node"}"#, r#"{"User":"1000:0"}"#),
        ("REQUIRE_NON_ROOT=1", r#"{"User":"00"}"#, r#"{"User":"65534"}"#),
        (
            "REQUIRE_NO_NEW_PRIVILEGES=1",
            r#"{"SecurityOpt":["no-new-privileges"]}"#,
            r#"{"HostConfig":{"SecurityOpt":["no-new-privileges:true"]}}"#,
        ),
        (
            "REQUIRE_READONLY_ROOTFS=1",
            r#"{"HostConfig":{},"ReadonlyRootfs":true}"#,
            r#"{"HostConfig":{"ReadonlyRootfs":true}}"#,
        ),
        (
            "REQUIRE_CAP_DROP_ALL=1",
            r#"{"HostConfig":{"CapDrop":["CHOWN"]}}"#,
            r#"{"HostConfig":{"CapDrop":"all"}}"#,
        ),
        (
            "MAX_MEMORY=1m",
            r#"{"HostConfig":{"Memory":1048577}}"#,
            r#"{"HostConfig":{"Memory":1048576}}"#,
        ),
        (
            "MAX_MEMORY=1m",
            r#"{"HostConfig":{"Memory":0}}"#,
            r#"{"HostConfig":{"Memory":1,"MemorySwap":2}}"#,
        ),
        (
            "MAX_MEMORY=1m",
            r#"{"HostConfig":{"Memory":1},"Memory":2000000}"#,
            r#"{"HostConfig":{"Memory":1}}"#,
        ),
        (
            "MAX_MEMORY=1m",
            r#"{"HostConfig":{"Memory":1,"MemorySwap":-1}}"#,
            r#"{"HostConfig":{"Memory":1}}"#,
        ),
        (
            "MAX_CPUS=0.5",
            r#"{"HostConfig":{"NanoCpus":500000001}}"#,
            r#"{"HostConfig":{"NanoCpus":500000000}}"#,
        ),
        (
            "MAX_CPUS=0.5",
            r#"{"HostConfig":{"CpuQuota":50000,"CpuPeriod":50000}}"#,
            r#"{"HostConfig":{"CpuQuota":25000,"CpuPeriod":50000}}"#,
        ),
        ("MAX_CPUS=0.5", "{}", r#"{"HostConfig":{"CpuQuota":50000}}"#),
        ("MAX_PIDS=10", r#"{"HostConfig":{"PidsLimit":-1}}"#, r#"{"HostConfig":{"PidsLimit":10}}"#),
        ("ALLOW_PUBLISH_PORTS=8000-8999", r#"{"HostConfig":{"PublishAllPorts":true}}"#, "{}"),
        (
            "ALLOW_PUBLISH_PORTS=8000-8999",
            r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"22"}]}}}"#,
            r#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8000-8010"}]}}}"#,
        ),
        ("ALLOW_REGISTRIES=docker.io", r#"{"Image":"ghcr.io/x"}"#, r#"{"Image":"alpine:3"}"#),
        ("UNKNOWN_FIELDS=deny", r#"{"HostConfig":{"Future":null}}"#, r#"{"HostConfig":{}}"#),
    ] {
        let rules = rules(setting);
        let (names, message) = found(Op::ContainerCreate, lacking, "", &rules);
        assert!(!names.is_empty(), "{setting} {lacking}");
        let variable = setting.split('=').next().unwrap_or_default();
        assert!(message.contains(variable), "{setting}: {message}");
        let (_, message) = found(Op::ContainerCreate, meeting, "", &rules);
        assert_eq!(message, "", "{setting} {meeting}");
    }
    let dropped = rules("REQUIRE_CAP_DROP_ALL=1");
    let back = r#"{"HostConfig":{"CapDrop":["ALL"],"CapAdd":["CHOWN"]}}"#;
    assert_eq!(found(Op::ContainerCreate, back, "", &dropped).0, ["capabilities"]);
    let limited = rules("MAX_MEMORY=1m MAX_CPUS=1 MAX_PIDS=5");
    for (operation, body, passes) in [
        (Op::ContainerUpdate, r#"{"RestartPolicy":{"Name":"no"}}"#, true),
        (Op::ContainerUpdate, r#"{"Memory":2000000}"#, false),
        (Op::ContainerUpdate, r#"{"PidsLimit":-1}"#, false),
        (Op::ContainerUpdate, r#"{"PidsLimit":0}"#, false),
        (Op::ContainerUpdate, r#"{"PidsLimit":5}"#, true),
        (Op::ContainerUpdate, r#"{"CpuQuota":100000}"#, false),
        (Op::ContainerUpdate, r#"{"CpuQuota":100000,"CpuPeriod":100000}"#, true),
        (Op::ContainerUpdate, r#"{"NanoCpus":1000000000}"#, true),
        (Op::ServiceCreate, r#"{"TaskTemplate":{}}"#, false),
        (
            Op::ServiceCreate,
            r#"{"TaskTemplate":{"Resources":{"Limits":{"NanoCPUs":1,"MemoryBytes":1,"Pids":1}}}}"#,
            true,
        ),
    ] {
        let (names, message) = found(operation, body, "", &limited);
        assert_eq!(names.is_empty(), passes, "{operation:?} {body}: {message}");
    }
}

#[test]
fn an_unknown_field_is_told_and_passes() {
    let examiner = Examiner::find(Op::ContainerCreate).expect("examined");
    let body = br#"{"HostConfig":{"Future":1,"Memory":1},"Other":{"Labels":{}}}"#;
    let said = examiner.examine(&Rules::new(), body);
    assert!(said.findings.is_empty());
    assert_eq!(said.unknown, ["HostConfig.Future", "Other"]);
}

#[test]
fn a_service_sees_secrets_only_of_a_client_that_may() {
    let body = r#"{"TaskTemplate":{"ContainerSpec":{"Secrets":[{"SecretID":"x"}]}}}"#;
    let (_, message) = found(Op::ServiceCreate, body, "", &Rules::new());
    assert!(message.contains("needs SECRETS=1"), "{message}");
    let mut open = Rules::new();
    open.opens_secrets = true;
    assert!(found(Op::ServiceCreate, body, "", &open).0.is_empty());
}

#[test]
fn registries_are_asked_wherever_one_is_named() {
    let rules = rules("ALLOW_REGISTRIES=docker.io");
    let may_name = |operation, name| {
        let examiner = Examiner::find(operation).expect("examined");
        examiner.head(&rules, None, Some(name)).findings.is_empty()
    };
    assert!(may_name(Op::ImagePush, "alpine") && !may_name(Op::ImagePush, "evil.example/x"));
    assert!(!may_name(Op::DistributionInspect, "evil.example:5000/x"));
    for (operation, body, query, passes) in [
        (Op::ImageCreate, "", "fromImage=evil.example/x", false),
        (Op::ImageCreate, "", "fromImage=alpine", true),
        (Op::PluginPull, "[]", "remote=evil.example/x", false),
        (Op::SystemAuth, r#"{"serveraddress":"evil.example:1/x://docker.io/"}"#, "", false),
        (Op::SystemAuth, r#"{"serveraddress":"evil.example?://docker.io"}"#, "", false),
        (Op::SystemAuth, r#"{"serveraddress":"https://evil.example/v2/"}"#, "", false),
        (Op::SystemAuth, r#"{"serveraddress":"https://index.docker.io/v1/"}"#, "", true),
        (
            Op::ServiceCreate,
            r#"{"TaskTemplate":{"ContainerSpec":{"Image":"evil.example/x"}}}"#,
            "",
            false,
        ),
    ] {
        let (names, _) = found(operation, body, query, &rules);
        assert_eq!(names.is_empty(), passes, "{operation:?} {body}{query}");
    }
}

const LOCAL: &str = "/networks?filters=%7B%22driver%22%3A%7B%22host%22%3Atrue%7D%7D";
const SWARM: &str = "/networks/host?scope=swarm";
const HOST: &str = r#"{"Name":"host","Id":"6a1f","Driver":"host"}"#;
const MANAGER: &str = r#"{"ID":"k3xy","Spec":{"Role":"manager"}}"#;
const WORKER: &str = r#"{"ID":"k3xy","Spec":{"Role":"worker"}}"#;

#[test]
fn a_service_is_not_put_on_the_hosts_network_by_its_id() {
    let body = br#"{"TaskTemplate":{"Networks":[{"Target":"6a1"}]},"Networks":[{"Target":"n"}]}"#;
    let examiner = Examiner::find(Op::ServiceCreate).expect("examined");
    let case = |rules: Rules| {
        let mut case = Case::of(examiner, &Arc::new(rules), None, None);
        case.read(body.to_vec());
        case
    };
    // A swarm network's name may be the beginning of an id of the host's, and be removed meanwhile: so
    // what is asked for are the host's ids, in the swarm and beside it.
    let closed = |rules: Rules, local: (u16, &str), swarm: (u16, &str)| {
        let mut asked = case(rules);
        let mut paths = Vec::new();
        while let Some(question) = asked.question() {
            let path = question.path();
            let (status, said) = if path == LOCAL { local } else { swarm };
            asked.answer(status, said.as_bytes());
            paths.push(path);
        }
        let needs = |findings: &dockgate::admission::Findings| findings.to_string();
        (paths, asked.close().map(drop).map_err(|findings| needs(&findings)))
    };
    let none = (404, "{}");
    let list = format!("[{HOST}]");
    let other = r#"{"Name":"host","Id":"k3","Driver":"host"}"#;
    let (paths, passed) = closed(Rules::new(), (200, "[]"), none);
    assert_eq!((paths, passed), (vec![SWARM.to_owned(), LOCAL.to_owned()], Ok(())));
    for (local, swarm, passes) in [
        ((200, list.as_str()), none, false),
        ((200, "[]"), (200, HOST), false),
        ((200, "[]"), (200, other), true),
        (none, (200, other), false),
        ((200, "[]"), (400, "{}"), false),
        ((200, "{}"), none, false),
        ((200, "[]"), (200, "{}"), false),
    ] {
        let (_, passed) = closed(Rules::new(), local, swarm);
        assert_eq!(passed.is_ok(), passes, "{local:?} {swarm:?}");
    }
    let (_, refused) = closed(Rules::new(), (200, &list), none);
    let message = "TaskTemplate.Networks[0].Target \"6a1\" shares the host's network: its loopback services and abstract sockets: needs ALLOW_HOST_NAMESPACES=network";
    assert_eq!(refused, Err(message.to_owned()));
    assert!(case(rules("ALLOW_HOST_NAMESPACES=network")).question().is_none());
}

#[test]
fn a_node_is_given_the_role_that_it_has_and_no_other() {
    let examiner = Examiner::find(Op::NodeUpdate).expect("examined");
    let closed = |settings: &str, role: &str, answer: (u16, &str)| {
        let mut case = Case::of(examiner, &Arc::new(rules(settings)), None, Some("m1"));
        case.read(format!(r#"{{"Role":"{role}","Availability":"drain"}}"#).into_bytes());
        let mut paths = Vec::new();
        while let Some(question) = case.question() {
            paths.push(question.path());
            case.answer(answer.0, answer.1.as_bytes());
        }
        let closed = case.close().map(|passed| passed.resolved.into_iter().map(|one| one.id));
        let closed = closed.map(Iterator::collect::<Vec<_>>);
        (paths, closed.map_err(|findings| findings.to_string()))
    };
    let asked = vec!["/nodes/m1".to_owned()];
    // It goes on by the id: the name could be another node's by then.
    assert_eq!(closed("", "manager", (200, MANAGER)), (asked.clone(), Ok(vec!["k3xy".to_owned()])));
    let (_, refused) = closed("", "manager", (200, WORKER));
    let message = "Role \"manager\" is a role that gives the node power over the swarm: needs ALLOW_NODE_ROLES=manager";
    assert_eq!(refused, Err(message.to_owned()));
    for answer in
        [(404, "{}"), (200, "{}"), (200, r#"{"ID":"a/b","Spec":{"Role":"manager"}}"#), (500, "")]
    {
        assert!(closed("", "manager", answer).1.is_err(), "{answer:?}");
    }
    for (settings, role) in
        [("", "worker"), ("ALLOW_NODE_ROLES=worker,manager", "manager"), ("", "")]
    {
        assert_eq!(closed(settings, role, (500, "")), (vec![], Ok(vec![])), "{settings} {role}");
    }
}

/// A runtime, the engine's default one, and whether it may be named.
const RUNTIMES: &[(&str, &str, bool)] = &[
    ("runc", r#"{"DefaultRuntime":"runc"}"#, true),
    ("io.containerd.runc.v2", r#"{"DefaultRuntime":"runc"}"#, true),
    ("runc", r#"{"DefaultRuntime":"io.containerd.runc.v2"}"#, true),
    ("runsc", r#"{"DefaultRuntime":"runsc"}"#, true),
    ("crun", r#"{"DefaultRuntime":"runc"}"#, false),
    ("runc", r#"{"DefaultRuntime":"runsc"}"#, false),
    ("io.containerd.runc.v2", r#"{"DefaultRuntime":"other"}"#, false),
    ("runc", r#"{"DefaultRuntime":""}"#, false),
    ("runc", "{}", false),
];

#[test]
fn a_runtime_may_be_named_where_it_is_the_engines_default() {
    for &(runtime, info, passes) in RUNTIMES {
        let body = format!(r#"{{"HostConfig":{{"Runtime":"{runtime}"}}}}"#);
        let (names, message) = found_on(info, Op::ContainerCreate, &body, "", &Rules::new());
        let expected: &[&str] = if passes { &[] } else { &["runtimes"] };
        assert_eq!(names, expected, "{runtime} {info}: {message}");
        let open = rules(&format!("ALLOW_RUNTIMES={runtime}"));
        let (names, message) = found_on(info, Op::ContainerCreate, &body, "", &open);
        assert!(names.is_empty(), "{runtime} {info}: {message}");
    }
}

/// An engine's release, and which of the paths that not every release masks it does mask.
const MASKING: &[(&str, bool, bool)] = &[
    ("19.3.15", false, false),
    ("20.10.24+dfsg1", false, false),
    ("20.10.27", true, false),
    ("23.0.7", false, false),
    ("23.0.8", true, false),
    ("24.0.6", false, false),
    ("24.0.7", true, false),
    ("26.1.5+dfsg1", true, false),
    ("28.0.4", true, false),
    ("28.1.0", true, true),
    ("28.5.2", true, true),
    ("29.0.0", true, true),
    // Nobody knows what these mask.
    ("28.0.0-rc.1", true, true),
    ("dev", true, true),
    ("", true, true),
];

#[test]
fn masked_paths_are_at_least_those_that_the_engine_masks() {
    const ALWAYS: &str = r#""/proc/asound","/proc/acpi","/proc/kcore","/proc/keys","/proc/latency_stats",
        "/proc/timer_list","/proc/timer_stats","/proc/sched_debug","/proc/scsi","/sys/firmware""#;
    const POWERCAP: &str = r#","/sys/devices/virtual/powercap""#;
    const INTERRUPTS: &str = r#","/proc/interrupts""#;
    for &(version, masks_powercap, masks_interrupts) in MASKING {
        let info = format!(r#"{{"ServerVersion":"{version}"}}"#);
        for (paths, passes) in [
            (ALWAYS.to_owned(), !masks_powercap && !masks_interrupts),
            (format!("{ALWAYS}{POWERCAP}"), !masks_interrupts),
            (format!("{ALWAYS}{INTERRUPTS}"), !masks_powercap),
            (format!("{ALWAYS}{POWERCAP}{INTERRUPTS}"), true),
            (format!(r#""/proc/asound"{POWERCAP}{INTERRUPTS}"#), false),
        ] {
            let body = format!(r#"{{"HostConfig":{{"MaskedPaths":[{paths}]}}}}"#);
            let (names, message) = found_on(&info, Op::ContainerCreate, &body, "", &Rules::new());
            assert_eq!(names.is_empty(), passes, "{version} {paths}: {message}");
            assert!(passes || message.contains("ALLOW_SECURITY_OPT"), "{version}: {message}");
            let open = rules("ALLOW_SECURITY_OPT=systempaths=unconfined");
            let (names, message) = found_on(&info, Op::ContainerCreate, &body, "", &open);
            assert!(names.is_empty(), "{version} {paths}: {message}");
        }
    }
}
