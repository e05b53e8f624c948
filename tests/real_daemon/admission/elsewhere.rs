//! What a client could gain by an argument of anything else than `HostConfig`, one row each.

use super::row::{
    ABSENT, BIND_ETC, CONFIG, ERROR, EXEC, KERNEL, NETWORK, NETWORKING, NEWER, Opened, PLUGIN,
    PLUGIN_SET, READ_ETC, Row, SECRET, SERVICE, SERVICE_CONTAINER, SWARM, SWARM_INIT, SWARM_JOIN,
    VOLUME, row,
};

pub static ROWS: &[Row] = &[
    // A network beside what NetworkMode says.
    row(&NETWORKING, "EndpointsConfig", r#"{"host":{}}"#, "ALLOW_HOST_NAMESPACES=network")
        .not_here("this daemon's default is none, and host joins no other"),
    row(
        &NETWORKING,
        "EndpointsConfig",
        r#"{"container:other":{}}"#,
        "ALLOW_CONTAINER_NAMESPACES=network",
    )
    .not_here(ERROR),
    row(
        &NETWORKING,
        "EndpointsConfig",
        r#"{"none":{"DriverOpts":{"x.y":"z"}}}"#,
        "ALLOW_NETWORK_OPTIONS=x.y",
    )
    .not_here("nothing shows it before the start"),
    row(&VOLUME, "DriverOpts", r#"{"type":"none","o":"bind","device":"/etc"}"#, BIND_ETC),
    row(&VOLUME, "DriverOpts", r#"{"type":"ext4","o":"ro,bind","device":"/etc"}"#, READ_ETC),
    row(
        &VOLUME,
        "DriverOpts",
        r#"{"type":"none","o":"bind,rshared","device":"/etc"}"#,
        "ALLOW_MOUNT_PROPAGATION=rshared",
    )
    .opened_by("ALLOW_BIND_MOUNTS=/etc ALLOW_MOUNT_PROPAGATION=rshared"),
    row(
        &VOLUME,
        "DriverOpts",
        r#"{"type":"overlay","o":"lowerdir=/etc:/usr","device":"overlay"}"#,
        "ALLOW_VOLUME_DRIVERS=local:overlay",
    ),
    row(
        &VOLUME,
        "DriverOpts",
        r#"{"type":"ext4","device":"/dev/sda1"}"#,
        "ALLOW_VOLUME_DRIVERS=local:ext4",
    ),
    row(&VOLUME, "Driver", r#""plug""#, "ALLOW_VOLUME_DRIVERS=plug").not_here(ABSENT),
    row(&VOLUME, "ClusterVolumeSpec", r#"{"Group":"g"}"#, "ALLOW_VOLUME_DRIVERS=cluster")
        .not_here(SWARM),
    row(&NETWORK, "Driver", r#""macvlan""#, "ALLOW_NETWORK_DRIVERS=macvlan").not_here(KERNEL),
    row(&NETWORK, "Driver", r#""host""#, "ALLOW_NETWORK_DRIVERS=host").not_here(ERROR),
    row(
        &NETWORK,
        "Options",
        r#"{"com.docker.network.bridge.name":"dockgate-test"}"#,
        "ALLOW_NETWORK_OPTIONS=com.docker.network.bridge.name=dockgate-test",
    ),
    row(
        &NETWORK,
        "Options",
        r#"{"com.docker.network.bridge.default_bridge":"true"}"#,
        "ALLOW_NETWORK_OPTIONS=com.docker.network.bridge.default_bridge=true",
    )
    .not_here("this machine's docker0 is left alone"),
    row(
        &NETWORK,
        "Options",
        r#"{"com.docker.network.bridge.gateway_mode_ipv4":"routed"}"#,
        "ALLOW_NETWORK_OPTIONS=com.docker.network.bridge.gateway_mode_ipv4=routed",
    ),
    row(
        &NETWORK,
        "Options",
        r#"{"com.docker.network.driver.mtu":"1400","com.docker.network.bridge.trusted_host_interfaces":"lo"}"#,
        "ALLOW_NETWORK_OPTIONS=com.docker.network.bridge.trusted_host_interfaces=lo",
    ),
    row(
        &NETWORK,
        "Options",
        r#"{"com.docker.network.host_ipv4":"127.0.0.1"}"#,
        "ALLOW_NETWORK_OPTIONS=com.docker.network.host_ipv4=127.0.0.1",
    ),
    row(&NETWORK, "IPAM", r#"{"Driver":"plug"}"#, "ALLOW_NETWORK_DRIVERS=plug").not_here(ABSENT),
    row(&EXEC, "Privileged", "true", "ALLOW_EXEC_PRIVILEGED=1"),
    row(
        &SERVICE_CONTAINER,
        "Mounts",
        r#"[{"Type":"bind","Source":"/etc","Target":"/x"}]"#,
        BIND_ETC,
    )
    .not_here(SWARM),
    row(
        &SERVICE_CONTAINER,
        "CapabilityAdd",
        r#"["CAP_SYS_ADMIN"]"#,
        "ALLOW_CAPABILITIES=SYS_ADMIN",
    )
    .not_here(SWARM),
    row(
        &SERVICE_CONTAINER,
        "Privileges",
        r#"{"SELinuxContext":{"Disable":true}}"#,
        "ALLOW_SECURITY_OPT=label=disable",
    )
    .not_here(SWARM),
    row(
        &SERVICE_CONTAINER,
        "Privileges",
        r#"{"Seccomp":{"Mode":"unconfined"}}"#,
        "ALLOW_SECURITY_OPT=seccomp=unconfined",
    )
    .not_here(SWARM)
    .on(&[("20", Opened::NotHere(NEWER)), ("26", Opened::NotHere(NEWER))]),
    row(&SERVICE_CONTAINER, "Sysctls", r#"{"kernel.shmmax":"1"}"#, "ALLOW_SYSCTLS=kernel.shmmax")
        .not_here(SWARM),
    row(&SERVICE, "Networks", r#"[{"Target":"host"}]"#, "ALLOW_HOST_NAMESPACES=network")
        .not_here(SWARM),
    row(&SERVICE, "PluginSpec", r#"{"Name":"x","Remote":"y"}"#, "ALLOW_PLUGIN_PRIVILEGES=*")
        .not_here(SWARM),
    row(&SERVICE, "Runtime", r#""plugin""#, "ALLOW_PLUGIN_PRIVILEGES=plugin").not_here(SWARM),
    row(
        &SERVICE,
        "LogDriver",
        r#"{"Name":"gelf","Options":{"gelf-address":"udp://x:1"}}"#,
        "ALLOW_LOG_DRIVERS=gelf",
    )
    .not_here(SWARM),
    row(&SECRET, "Templating", r#"{"Name":"golang"}"#, "ALLOW_TEMPLATES=golang").not_here(SWARM),
    row(&SECRET, "Driver", r#"{"Name":"plug"}"#, "ALLOW_SECRET_DRIVERS=plug").not_here(SWARM),
    row(&CONFIG, "Templating", r#"{"Name":"golang"}"#, "ALLOW_TEMPLATES=golang").not_here(SWARM),
    row(
        &SWARM_INIT,
        "ExternalCAs",
        r#"[{"Protocol":"cfssl","URL":"https://ca.example:8888/x"}]"#,
        "ALLOW_SWARM_PEERS=ca.example:8888",
    )
    .not_here(SWARM),
    row(
        &SWARM_JOIN,
        "RemoteAddrs",
        r#"["manager.example:2377"]"#,
        "ALLOW_SWARM_PEERS=manager.example:2377",
    )
    .not_here(SWARM),
    row(&PLUGIN, "", r#"[{"Name":"network","Value":["host"]}]"#, "ALLOW_PLUGIN_PRIVILEGES=network")
        .opened_by("ALLOW_PLUGIN_PRIVILEGES=network ENGINE_FIXED=CVE-2026-33997")
        .not_here(ABSENT),
    row(&PLUGIN_SET, "", r#"["mount.source=/"]"#, "ALLOW_PLUGIN_PRIVILEGES=*").not_here(ABSENT),
];

/// Parameters of a query that reach out: method, path, name, value, what opens it.
pub static QUERIES: &[(&str, &str, &str, &str, &str)] = &[
    ("POST", "/images/create", "fromSrc", "http://127.0.0.1:1/x", "ALLOW_IMPORT_REMOTE=1"),
    ("POST", "/build", "networkmode", "host", "ALLOW_BUILD_NETWORKS=host"),
    ("POST", "/build", "networkmode", "container:other", "ALLOW_BUILD_NETWORKS=container:other"),
    ("POST", "/build", "remote", "http://127.0.0.1:1/x", "ALLOW_BUILD_REMOTE=1"),
    ("POST", "/build", "remote", "git@127.0.0.1:x", "ALLOW_BUILD_REMOTE=1"),
    ("POST", "/build", "cgroupparent", "/x", "ALLOW_CGROUP_PARENTS=/x"),
    ("POST", "/build", "securityopt", "[\"x\"]", "ALLOW_SECURITY_OPT=x"),
    ("POST", "/containers/other/start", "checkpoint-dir", "/etc", "ALLOW_BIND_MOUNTS=/etc"),
    ("GET", "/containers/other/checkpoints", "dir", "/etc", "ALLOW_BIND_MOUNTS=/etc"),
    ("DELETE", "/containers/other/checkpoints/c", "dir", "/etc", "ALLOW_BIND_MOUNTS=/etc"),
];
