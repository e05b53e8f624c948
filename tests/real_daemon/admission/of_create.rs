//! What a client could gain by a field of `HostConfig`, one row each.

use super::row::{
    ABSENT, BIND_ETC, ERROR, NEWER, OLDER, OWN_SOCKET, Opened, READ_ETC, Row, SWARM, host,
};

/// `printf {} | sha256sum`.
const SECCOMP_OF_BRACES: &str = "ALLOW_SECURITY_OPT=seccomp=sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

pub static ROWS: &[Row] = &[
    host("Privileged", "true", "ALLOW_PRIVILEGED=1"),
    // Paths of the host, in each spelling that the daemon cleans.
    host("Binds", r#"["/etc:/x"]"#, BIND_ETC),
    host("Binds", r#"["//etc:/x"]"#, BIND_ETC),
    host("Binds", r#"["/etc/:/x:ro"]"#, READ_ETC),
    host("Binds", r#"["/./etc/.:/x"]"#, BIND_ETC),
    host("Binds", r#"["/tmp/../etc:/x:z,ro"]"#, READ_ETC),
    host("Binds", r#"["\u002fetc\u003a/x"]"#, BIND_ETC),
    host("Binds", r#"["plain:/p","/etc:/x"]"#, BIND_ETC),
    host("Binds", r#"["/:/x"]"#, "ALLOW_BIND_MOUNTS=/"),
    host("Binds", r#"["/..:/x"]"#, "ALLOW_BIND_MOUNTS=/"),
    host("Binds", r#"["/proc/1/root:/x"]"#, "ALLOW_BIND_MOUNTS=/proc/1/root"),
    host("Binds", r#"["/var/run/docker.sock:/s"]"#, "ALLOW_BIND_MOUNTS=/var/run/docker.sock")
        .not_here(OWN_SOCKET),
    host("Binds", r#"["/etc:/x:ro,rshared"]"#, "ALLOW_MOUNT_PROPAGATION=rshared")
        .opened_by("ALLOW_BIND_MOUNTS=/etc ALLOW_MOUNT_PROPAGATION=rshared"),
    host("Mounts", r#"[{"Type":"bind","Source":"/etc","Target":"/x"}]"#, BIND_ETC),
    host(
        "Mounts",
        r#"[{"Type":"tmpfs","Target":"/t"},{"Type":"bind","Source":"/tmp/../etc","Target":"/x","ReadOnly":true}]"#,
        READ_ETC,
    ),
    host(
        "Mounts",
        r#"[{"Type":"bind","Source":"/etc","Target":"/x","BindOptions":{"Propagation":"rslave"}}]"#,
        "ALLOW_MOUNT_PROPAGATION=rslave",
    )
    .opened_by("ALLOW_BIND_MOUNTS=/etc ALLOW_MOUNT_PROPAGATION=rslave"),
    host("Mounts", r#"[{"Type":"Bind","Source":"/etc","Target":"/x"}]"#, "")
        .hopeless()
        .not_here(ERROR),
    host("Mounts", r#"[{"Type":"npipe","Source":"x","Target":"y"}]"#, "")
        .hopeless()
        .not_here(ERROR),
    host(
        "Mounts",
        r#"[{"Type":"cluster","Source":"x","Target":"/y"}]"#,
        "ALLOW_VOLUME_DRIVERS=cluster",
    )
    .not_here(SWARM),
    host(
        "Mounts",
        r#"[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"Options":[["exec"],["suid"]]}}]"#,
        "ALLOW_TMPFS_OPTIONS=suid",
    )
    .not_here(ERROR),
    // The local driver's options are mount(2).
    host(
        "Mounts",
        r#"[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Options":{"type":"none","o":"bind","device":"/etc"}}}}]"#,
        BIND_ETC,
    ),
    host(
        "Mounts",
        r#"[{"Type":"volume","Source":"v1","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"device":"/etc","o":"ro,bind"}}}}]"#,
        READ_ETC,
    )
    .not_here("the driver wants a type"),
    host(
        "Mounts",
        r#"[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"device":"overlay","o":"lowerdir=/etc:/usr","type":"overlay"}}}}]"#,
        "ALLOW_VOLUME_DRIVERS=local:overlay",
    ),
    host(
        "Mounts",
        r#"[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Options":{"type":"ext4","device":"/dev/sda1"}}}}]"#,
        "ALLOW_VOLUME_DRIVERS=local:ext4",
    ),
    host(
        "Mounts",
        r#"[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Options":{"type":"nfs","device":"h:/x","o":"addr=127.0.0.1"}}}}]"#,
        "ALLOW_VOLUME_DRIVERS=local:nfs",
    ),
    host(
        "Mounts",
        r#"[{"Type":"volume","Target":"/x","VolumeOptions":{"DriverConfig":{"Options":{"type":"tmpfs","device":"tmpfs","o":"exec,suid,size=1m"}}}}]"#,
        "ALLOW_TMPFS_OPTIONS=suid",
    ),
    host(
        "Mounts",
        r#"[{"Type":"volume","Source":"v2","Target":"/x","VolumeOptions":{"DriverConfig":{"Name":"plug"}}}]"#,
        "ALLOW_VOLUME_DRIVERS=plug",
    )
    .not_here(ABSENT),
    host("VolumesFrom", r#"["other:ro"]"#, "ALLOW_VOLUMES_FROM=1"),
    host("VolumeDriver", r#""plug""#, "ALLOW_VOLUME_DRIVERS=plug"),
    host("Tmpfs", r#"{"/run":"exec,dev"}"#, "ALLOW_TMPFS_OPTIONS=dev"),
    host("Tmpfs", r#"{"/run":"rw,size=1m,suid,dev"}"#, "ALLOW_TMPFS_OPTIONS=suid")
        .opened_by("ALLOW_TMPFS_OPTIONS=suid,dev"),
    host(
        "Devices",
        r#"[{"PathOnHost":"/dev/null","PathInContainer":"/dev/x","CgroupPermissions":"rwm"}]"#,
        "ALLOW_DEVICES=/dev/null",
    ),
    host(
        "Devices",
        r#"[{"PathOnHost":"/dev","PathInContainer":"/d","CgroupPermissions":"r"}]"#,
        "ALLOW_DEVICES=/dev",
    ),
    host("DeviceCgroupRules", r#"["a *:* rwm"]"#, "ALLOW_DEVICES=a *:* rwm")
        .opened_by("ALLOW_DEVICES=*"),
    host("DeviceCgroupRules", r#"["c 1:3 r","b 8:* rwm"]"#, "ALLOW_DEVICES=c 1:3 r")
        .opened_by("ALLOW_DEVICES=*"),
    host(
        "DeviceRequests",
        r#"[{"Driver":"","Count":-1,"DeviceIDs":null,"Capabilities":[["gpu"]],"Options":null}]"#,
        "ALLOW_DEVICES=gpu",
    ),
    host(
        "DeviceRequests",
        r#"[{"Driver":"cdi","Count":0,"DeviceIDs":["v.org/d=all"],"Capabilities":[["x"]],"Options":null}]"#,
        "ALLOW_DEVICES=cdi",
    ),
    host("CapAdd", r#"["ALL"]"#, "ALLOW_CAPABILITIES=ALL"),
    host("CapAdd", r#""ALL""#, "ALLOW_CAPABILITIES=ALL").shown(r#"["ALL"]"#),
    host("CapAdd", r#"["SYS_ADMIN"]"#, "ALLOW_CAPABILITIES=SYS_ADMIN"),
    host("CapAdd", r#"["sys_ptrace"]"#, "ALLOW_CAPABILITIES=SYS_PTRACE"),
    host("CapAdd", r#"["CHOWN","cap_Net_Admin"]"#, "ALLOW_CAPABILITIES=NET_ADMIN"),
    host("Capabilities", r#"["CAP_SYS_ADMIN"]"#, "ALLOW_CAPABILITIES=SYS_ADMIN").not_here(OLDER),
    host("SecurityOpt", r#"["seccomp=unconfined"]"#, "ALLOW_SECURITY_OPT=seccomp=unconfined"),
    host("SecurityOpt", r#"["seccomp:unconfined"]"#, "ALLOW_SECURITY_OPT=seccomp=unconfined"),
    host("SecurityOpt", r#"["seccomp={}"]"#, SECCOMP_OF_BRACES),
    host("SecurityOpt", r#"["apparmor=unconfined"]"#, "ALLOW_SECURITY_OPT=apparmor=unconfined"),
    host(
        "SecurityOpt",
        r#"["no-new-privileges","apparmor:unconfined"]"#,
        "ALLOW_SECURITY_OPT=apparmor=unconfined",
    ),
    host("SecurityOpt", r#"["label=disable"]"#, "ALLOW_SECURITY_OPT=label=disable"),
    host("SecurityOpt", r#"["disable"]"#, "ALLOW_SECURITY_OPT=label=disable"),
    host("SecurityOpt", r#"["label:type:spc_t"]"#, "ALLOW_SECURITY_OPT=label=type:spc_t"),
    host(
        "SecurityOpt",
        r#"["no-new-privileges=false"]"#,
        "ALLOW_SECURITY_OPT=no-new-privileges=false",
    ),
    host("SecurityOpt", r#"["no-new-privileges:F"]"#, "ALLOW_SECURITY_OPT=no-new-privileges=F"),
    host(
        "SecurityOpt",
        r#"["systempaths=unconfined"]"#,
        "ALLOW_SECURITY_OPT=systempaths=unconfined",
    )
    .not_here(ERROR),
    host("SecurityOpt", r#"["writable-cgroups=true"]"#, "ALLOW_SECURITY_OPT=writable-cgroups=true")
        .on(&[("20", Opened::NotHere(NEWER)), ("26", Opened::NotHere(NEWER))]),
    host("MaskedPaths", "[]", "ALLOW_SECURITY_OPT=systempaths=unconfined"),
    host("MaskedPaths", r#"["/proc/kcore"]"#, "ALLOW_SECURITY_OPT=systempaths=unconfined"),
    host("ReadonlyPaths", "[]", "ALLOW_SECURITY_OPT=systempaths=unconfined"),
    host(
        "ReadonlyPaths",
        r#"["/proc/bus","/proc/fs","/proc/irq","/proc/sys"]"#,
        "ALLOW_SECURITY_OPT=systempaths=unconfined",
    ),
    host("Sysctls", r#"{"kernel.shmmax":"1"}"#, "ALLOW_SYSCTLS=kernel.shmmax"),
    // Not the way a parameter of the container's own network is written.
    host("Sysctls", r#"{"net/ipv4/ip_forward":"1"}"#, "ALLOW_SYSCTLS=net/ipv4/ip_forward"),
    host(
        "Sysctls",
        r#"{"net.netfilter.nf_conntrack_max":"1"}"#,
        "ALLOW_SYSCTLS=net.netfilter.nf_conntrack_max",
    ),
    host("Sysctls", r#"{"kernel.core_pattern":"|/x"}"#, "ALLOW_SYSCTLS=kernel.core_pattern"),
    host("NetworkMode", r#""host""#, "ALLOW_HOST_NAMESPACES=network"),
    host("NetworkMode", r#""h\u006fst""#, "ALLOW_HOST_NAMESPACES=network").shown(r#""host""#),
    host("NetworkMode", r#""container:other""#, "ALLOW_CONTAINER_NAMESPACES=network")
        .shown("\"container:OTHER-ID\""),
    host("PidMode", r#""host""#, "ALLOW_HOST_NAMESPACES=pid"),
    host("PidMode", r#""HOST""#, "ALLOW_HOST_NAMESPACES=pid")
        .on(&[("26", Opened::NotHere(ERROR)), ("28", Opened::NotHere(ERROR))]),
    host("PidMode", r#""container:other""#, "ALLOW_CONTAINER_NAMESPACES=pid")
        .shown("\"container:OTHER-ID\""),
    host("IpcMode", r#""host""#, "ALLOW_HOST_NAMESPACES=ipc"),
    host("IpcMode", r#""container:other""#, "ALLOW_CONTAINER_NAMESPACES=ipc")
        .shown("\"container:OTHER-ID\""),
    host("UTSMode", r#""host""#, "ALLOW_HOST_NAMESPACES=uts"),
    host("UsernsMode", r#""host""#, "ALLOW_HOST_NAMESPACES=user"),
    host("CgroupnsMode", r#""host""#, "ALLOW_HOST_NAMESPACES=cgroup"),
    host("Cgroup", r#""container:other""#, "ALLOW_CONTAINER_NAMESPACES=cgroup"),
    host("Runtime", r#""kata""#, "ALLOW_RUNTIMES=kata").not_here(ABSENT),
    host("CgroupParent", r#""/""#, "ALLOW_CGROUP_PARENTS=/"),
    host("CgroupParent", r#""../../x""#, "ALLOW_CGROUP_PARENTS=../../x"),
    host("OomScoreAdj", "-1000", "ALLOW_OOM_PROTECTION=1"),
    host("OomKillDisable", "true", "ALLOW_OOM_PROTECTION=1"),
    host("Annotations", r#"{"run.oci.handler":"x"}"#, "ALLOW_ANNOTATIONS=run.oci.handler")
        .on(&[("20", Opened::NotHere(NEWER))]),
    host(
        "LogConfig",
        r#"{"Type":"syslog","Config":{"syslog-address":"udp://127.0.0.1:514"}}"#,
        "ALLOW_LOG_DRIVERS=syslog",
    ),
    host(
        "LogConfig",
        r#"{"Type":"fluentd","Config":{"fluentd-address":"127.0.0.1:1"}}"#,
        "ALLOW_LOG_DRIVERS=fluentd",
    ),
    host(
        "LogConfig",
        r#"{"Type":"","Config":{"gelf-address":"udp://127.0.0.1:1"}}"#,
        "ALLOW_LOG_DRIVERS=default",
    )
    .not_here("another default driver would be needed"),
];
