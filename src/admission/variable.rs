//! The variables that say which arguments may pass, one line each.

use core::fmt;

/// What a variable takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0 or 1.
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Items separated by commas; a `*` at an item's end stands for any rest.
    List,
    /// Some of these words, separated by commas, or `*`.
    Words(&'static [&'static str]),
    /// Absolute paths of the host, separated by commas, each with `:ro` or `:exact` after it or not.
    Paths,
    /// Ports and ranges of ports, separated by commas.
    Ports,
    /// A number of bytes, with k, m or g after it or not.
    Bytes,
    /// A number of processors, such as 0.5.
    Processors,
    /// A number.
    Count,
    /// Names of shields, separated by commas, or `*`.
    Shields,
}

impl Kind {
    /// What to write, for people.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Switch => "0 or 1 (or true/false, yes/no, on/off)".to_owned(),
            Self::Choice(words) => words.join(" or "),
            Self::List => "items separated by commas; * at an item's end stands for any rest, * alone for everything".to_owned(),
            Self::Words(words) => format!("some of {}, separated by commas, or *", words.join(", ")),
            Self::Paths => "absolute paths separated by commas, each with :ro (read-only) or :exact (nothing below it) after it, both or none".to_owned(),
            Self::Ports => "ports and ranges separated by commas, such as 8000-8999,9090 (0: one that the daemon picks)".to_owned(),
            Self::Bytes => "a number of bytes such as 536870912, 512m or 2g".to_owned(),
            Self::Processors => "a number of processors such as 0.5 or 2".to_owned(),
            Self::Count => "a number from 1 to 4194304".to_owned(),
            Self::Shields => super::shield::expected(""),
        }
    }
}

macro_rules! variables {
    ($($variable:ident $name:literal $word:literal $kind:expr, $default:literal, $meaning:literal;)*) => {
        /// A variable of the admission.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant's line in the table describes it")]
        pub enum Variable { $($variable),* }

        impl Variable {
            /// Every variable, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variable),*];

            /// Its name in the environment.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variable => $name),* }
            }

            /// The rule's name in a refusal.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variable => $word),* }
            }

            /// What it takes.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variable => $kind),* }
            }

            /// Its value where the environment has none.
            #[must_use]
            pub const fn default(self) -> &'static str {
                match self { $(Self::$variable => $default),* }
            }

            /// One line for the help.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variable => $meaning),* }
            }

            /// Its place in [`Variable::ALL`].
            #[must_use]
            pub const fn index(self) -> usize {
                #[expect(clippy::as_conversions, reason = "a fieldless enum's own numbering")]
                {
                    self as usize
                }
            }
        }
    };
}

use Kind::{Bytes, Choice, Count, List, Paths, Ports, Processors, Shields, Switch, Words};

/// Namespaces that a container can take from the host.
const HOST_NAMESPACES: &[&str] = &["network", "pid", "ipc", "uts", "user", "cgroup"];
/// Namespaces that a container can take from another.
const CONTAINER_NAMESPACES: &[&str] = &["network", "pid", "ipc", "cgroup"];

variables! {
    Admission           "ADMISSION"                  "admission"            Choice(&["enforce", "audit", "off"]), "enforce", "audit: log what would be refused and let it pass; off: examine no arguments";
    UnknownFields       "UNKNOWN_FIELDS"             "unknown-field"        Choice(&["allow", "deny"]), "allow", "fields of an examined body that are in no API description: let them pass with a warning, or refuse them";
    EngineFixed         "ENGINE_FIXED"               "engine-weakness"      Shields, "", "published weaknesses (docs/shields.md) whose fix the engine has although its version does not show it: requests that trigger them pass";

    Privileged          "ALLOW_PRIVILEGED"           "privileged"           Switch, "0", "privileged containers: root on the host";
    BindMounts          "ALLOW_BIND_MOUNTS"          "bind-mounts"          Paths,  "",  "paths of the host that may be mounted, with what is below them; :ro after one: read-only; :exact: that path and nothing below it";
    BindMountAction     "BIND_MOUNT_ACTION"          "bind-mount-action"    Choice(&["deny", "strip"]), "deny", "strip: create the container without the mounts that are not allowed";
    MountPropagation    "ALLOW_MOUNT_PROPAGATION"    "mount-propagation"    Words(&["shared", "rshared", "slave", "rslave"]), "", "mounts that cross between host and container after it has started";
    TmpfsOptions        "ALLOW_TMPFS_OPTIONS"        "tmpfs-options"        Words(&["exec", "suid", "dev"]), "", "what a tmpfs may be asked to permit";
    VolumeDrivers       "ALLOW_VOLUME_DRIVERS"       "volume-drivers"       List,   "",  "volume plugins; local:TYPE for mounts of a file system by the local driver, such as local:nfs";
    VolumesFrom         "ALLOW_VOLUMES_FROM"         "volumes-from"         Switch, "0", "taking over all mounts of another container";
    HostNamespaces      "ALLOW_HOST_NAMESPACES"      "host-namespaces"      Words(HOST_NAMESPACES), "", "namespaces of the host that a container may join";
    ContainerNamespaces "ALLOW_CONTAINER_NAMESPACES" "container-namespaces" Words(CONTAINER_NAMESPACES), "", "namespaces of other containers that a container may join";
    Capabilities        "ALLOW_CAPABILITIES"         "capabilities"         List,   "",  "capabilities(7) beyond those that every container has, such as NET_ADMIN";
    Devices             "ALLOW_DEVICES"              "devices"              List,   "",  "devices by path (and what is below it), device cgroup rules as they are written, device requests by driver (gpu where they name none)";
    SecurityOpt         "ALLOW_SECURITY_OPT"         "security-opt"         List,   "",  "security options that loosen, such as seccomp=unconfined, seccomp=sha256:DIGEST (of a profile as it is sent), apparmor=*, systempaths=unconfined";
    Sysctls             "ALLOW_SYSCTLS"              "sysctls"              List,   "",  "kernel parameters of a container beyond those of its own network, such as kernel.shmmax";
    Runtimes            "ALLOW_RUNTIMES"             "runtimes"             List,   "",  "runtimes that a container may name beside the engine's default";
    CgroupParents       "ALLOW_CGROUP_PARENTS"       "cgroup-parents"       List,   "",  "cgroups below which a container may be put";
    OomProtection       "ALLOW_OOM_PROTECTION"       "oom-protection"       Switch, "0", "containers that the kernel spares when memory runs out";
    Annotations         "ALLOW_ANNOTATIONS"          "annotations"          List,   "",  "annotations that the runtime may read";
    LogDrivers          "ALLOW_LOG_DRIVERS"          "log-drivers"          List,   "",  "log drivers that connect to other hosts, with any options; default: the daemon's own choice with any";
    PublishPorts        "ALLOW_PUBLISH_PORTS"        "publish-ports"        Ports,  "",  "ports of the host that may be published; unset: any";
    Registries          "ALLOW_REGISTRIES"           "registries"           List,   "",  "registries, or beginnings of images' names in them, that images may be called by, come from and go to, such as docker.io, ghcr.io/acme; sha256: images by id; load: loaded images; unset: any but on this host itself";
    NetworkDrivers      "ALLOW_NETWORK_DRIVERS"      "network-drivers"      List,   "",  "network drivers other than bridge and overlay, such as macvlan";
    NetworkOptions      "ALLOW_NETWORK_OPTIONS"      "network-options"      List,   "",  "options of networks and endpoints that reach the host's own interfaces or rules, by key or as KEY=VALUE";
    Existing            "ALLOW_EXISTING"             "existing"             Switch, "0", "exec, attach and file copies in containers that have more than a create may ask for";
    Gate                "ALLOW_GATE"                 "gate"                 Switch, "0", "changes to the gate's own container: exec, attach, archive, update, rename, stop, remove and the like";
    ExecPrivileged      "ALLOW_EXEC_PRIVILEGED"      "exec-privileged"      Switch, "0", "privileged processes in containers";
    BuildNetworks       "ALLOW_BUILD_NETWORKS"       "build-networks"       List,   "",  "networks for the steps of a build, other than the daemon's default and none";
    BuildRemote         "ALLOW_BUILD_REMOTE"         "build-remote"         Switch, "0", "builds from a URL that the daemon fetches";
    ImportRemote        "ALLOW_IMPORT_REMOTE"        "import-remote"        Switch, "0", "images imported from a URL that the daemon fetches";
    PluginPrivileges    "ALLOW_PLUGIN_PRIVILEGES"    "plugin-privileges"    List,   "",  "privileges that plugins may have, such as network, mount; *: any plugin, set in any way";
    Templates           "ALLOW_TEMPLATES"            "templates"            List,   "",  "template drivers of secrets and configs, such as golang";
    SecretDrivers       "ALLOW_SECRET_DRIVERS"       "secret-drivers"       List,   "",  "plugins that secrets come from";
    SwarmPeers          "ALLOW_SWARM_PEERS"          "swarm-peers"          List,   "",  "addresses (host or host:port) of managers that this node may join, and external certificate authorities";
    NodeRoles           "ALLOW_NODE_ROLES"           "node-roles"           Words(&["worker", "manager"]), "worker", "roles that a node may be given";

    RequireNonRoot      "REQUIRE_NON_ROOT"           "non-root"             Switch, "0", "containers must name a numeric user other than 0";
    RequireNoNewPrivileges "REQUIRE_NO_NEW_PRIVILEGES" "no-new-privileges"  Switch, "0", "containers must have no-new-privileges";
    RequireReadonlyRootfs "REQUIRE_READONLY_ROOTFS"  "readonly-rootfs"      Switch, "0", "containers must have a read-only root";
    RequireCapDropAll   "REQUIRE_CAP_DROP_ALL"       "cap-drop-all"         Switch, "0", "containers must drop all capabilities";
    MaxMemory           "MAX_MEMORY"                 "max-memory"           Bytes,  "",  "containers must have a memory limit of at most this";
    MaxCpus             "MAX_CPUS"                   "max-cpus"             Processors, "", "containers must have a limit of at most so many processors";
    MaxPids             "MAX_PIDS"                   "max-pids"             Count,  "",  "containers must have a limit of at most so many processes";
}

impl Variable {
    /// The variable of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variable| variable.name() == name)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
