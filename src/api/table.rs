//! The operation table: one line an operation, in the order of the API's documentation. What is
//! not here is refused.
//!
//! Sources: the API descriptions 1.30 to 1.56 and the daemon's routers
//! (moby `api/server/router`), for what the descriptions leave out.

use super::operation::{
    Effect::{Reads, Writes},
    Line, Section,
};
use crate::http::Hijack::{Stream, Upgrade};
use crate::http::Method::{Delete, Get, Head, Options, Post, Put};
use Section::{
    Auth, Build, Commit, Configs, Containers, Distribution, Events, Exec, Grpc as GrpcSection,
    Images, Info, Networks, Nodes, Ping, Plugins, Secrets, Services, Session as SessionSection,
    Swarm, System, Tasks, Version, Volumes,
};

macro_rules! operations {
    ($($operation:ident $method:ident $template:literal $section:expr, $effect:ident $(, $trait:ident $(($argument:ident))?)*;)*) => {
        /// An operation of the API, by its operationId.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is swagger's operationId; its line in the table describes it")]
        pub enum Operation { $($operation),* }

        impl Operation {
            /// Every operation, one line each, indexed by [`Operation::index`].
            pub const TABLE: &'static [Line] = &[$(
                Line::new(Self::$operation, stringify!($operation), $method, $template, $section, $effect)
                    $(.$trait($($argument)?))*
            ),*];
        }
    };
}

/// No variable opens it.
const CLOSED: Option<Section> = None;

operations! {
    ConfigList                Get    "/configs"                             Some(Configs), Reads;
    ConfigCreate              Post   "/configs/create"                      Some(Configs), Writes, json;
    ConfigDelete              Delete "/configs/{id}"                        Some(Configs), Writes;
    ConfigInspect             Get    "/configs/{id}"                        Some(Configs), Reads;
    ConfigUpdate              Post   "/configs/{id}/update"                 Some(Configs), Writes, json;

    ContainerCreate           Post   "/containers/create"                   Some(Containers), Writes, json;
    ContainerList             Get    "/containers/json"                     Some(Containers), Reads;
    ContainerPrune            Post   "/containers/prune"                    Some(Containers), Writes;
    ContainerListOld          Get    "/containers/ps"                       CLOSED, Reads;
    ContainerDelete           Delete "/containers/{id}"                     Some(Containers), Writes;
    ContainerArchive          Get    "/containers/{id}/archive"             Some(Containers), Reads, streams;
    ContainerArchiveInfo      Head   "/containers/{id}/archive"             Some(Containers), Reads;
    PutContainerArchive       Put    "/containers/{id}/archive"             Some(Containers), Writes, streams;
    ContainerAttach           Post   "/containers/{id}/attach"              Some(Containers), Writes, hijacks(Stream), json;
    // It carries stdin, so it is a write although it is a GET.
    ContainerAttachWebsocket  Get    "/containers/{id}/attach/ws"           Some(Containers), Writes, hijacks(Upgrade), bodiless;
    ContainerChanges          Get    "/containers/{id}/changes"             Some(Containers), Reads;
    CheckpointList            Get    "/containers/{id}/checkpoints"         Some(Containers), Reads;
    CheckpointCreate          Post   "/containers/{id}/checkpoints"         Some(Containers), Writes, json;
    CheckpointDelete          Delete "/containers/{id}/checkpoints/{checkpoint}" Some(Containers), Writes;
    // Gone with API 1.24; daemons up to 25 run it below.
    ContainerCopy             Post   "/containers/{id}/copy"                Some(Containers), Writes, streams;
    ContainerExport           Get    "/containers/{id}/export"              Some(Containers), Reads, streams;
    ContainerInspect          Get    "/containers/{id}/json"                Some(Containers), Reads;
    ContainerKill             Post   "/containers/{id}/kill"                Some(Containers), Writes;
    ContainerLogs             Get    "/containers/{id}/logs"                Some(Containers), Reads, streams;
    ContainerPause            Post   "/containers/{id}/pause"               Some(Containers), Writes;
    ContainerRename           Post   "/containers/{id}/rename"              Some(Containers), Writes;
    ContainerResize           Post   "/containers/{id}/resize"              Some(Containers), Writes;
    ContainerRestart          Post   "/containers/{id}/restart"             Some(Containers), Writes;
    // Below API 1.24 a body here is a whole HostConfig, privileged and all.
    ContainerStart            Post   "/containers/{id}/start"               Some(Containers), Writes, short;
    ContainerStats            Get    "/containers/{id}/stats"               Some(Containers), Reads, streams;
    ContainerStop             Post   "/containers/{id}/stop"                Some(Containers), Writes;
    ContainerTop              Get    "/containers/{id}/top"                 Some(Containers), Reads;
    ContainerUnpause          Post   "/containers/{id}/unpause"             Some(Containers), Writes;
    ContainerUpdate           Post   "/containers/{id}/update"              Some(Containers), Writes, json;
    ContainerWait             Post   "/containers/{id}/wait"                Some(Containers), Writes, streams;

    DebugPprof                Get    "/debug/pprof"                         CLOSED, Reads;
    DebugPprofProfile         Get    "/debug/pprof/{name}"                  CLOSED, Reads;
    DebugPprofSymbol          Post   "/debug/pprof/symbol"                  CLOSED, Reads;
    DebugVars                 Get    "/debug/vars"                          CLOSED, Reads;

    DistributionInspect       Get    "/distribution/{name...}/json"         Some(Distribution), Reads;

    ContainerExec             Post   "/containers/{id}/exec"                Some(Exec), Writes, json;
    ExecInspect               Get    "/exec/{id}/json"                      Some(Exec), Reads;
    ExecResize                Post   "/exec/{id}/resize"                    Some(Exec), Writes;
    ExecStart                 Post   "/exec/{id}/start"                     Some(Exec), Writes, hijacks(Stream), json;

    ImageBuild                Post   "/build"                               Some(Build), Writes, streams;
    BuildCancel               Post   "/build/cancel"                        Some(Build), Writes;
    BuildPrune                Post   "/build/prune"                         Some(Build), Writes;
    ImageCommit               Post   "/commit"                              Some(Commit), Writes, json;
    ImageCreate               Post   "/images/create"                       Some(Images), Writes, streams;
    ImageGetAll               Get    "/images/get"                          Some(Images), Reads, streams;
    ImageList                 Get    "/images/json"                         Some(Images), Reads;
    ImageLoad                 Post   "/images/load"                         Some(Images), Writes, streams;
    ImagePrune                Post   "/images/prune"                        Some(Images), Writes;
    ImageSearch               Get    "/images/search"                       Some(Images), Reads;
    ImagesViz                 Get    "/images/viz"                          CLOSED, Reads;
    ImageDelete               Delete "/images/{name...}"                    Some(Images), Writes;
    ImageAttestations         Get    "/images/{name...}/attestations"       Some(Images), Reads;
    ImageGet                  Get    "/images/{name...}/get"                Some(Images), Reads, streams;
    ImageHistory              Get    "/images/{name...}/history"            Some(Images), Reads;
    ImageInsert               Post   "/images/{name...}/insert"             CLOSED, Writes;
    ImageInspect              Get    "/images/{name...}/json"               Some(Images), Reads;
    ImagePush                 Post   "/images/{name...}/push"               Some(Images), Writes, streams;
    ImageTag                  Post   "/images/{name...}/tag"                Some(Images), Writes;

    NetworkList               Get    "/networks"                            Some(Networks), Reads;
    NetworkCreate             Post   "/networks/create"                     Some(Networks), Writes, json;
    NetworkPrune              Post   "/networks/prune"                      Some(Networks), Writes;
    NetworkDelete             Delete "/networks/{id}"                       Some(Networks), Writes;
    NetworkInspect            Get    "/networks/{id}"                       Some(Networks), Reads;
    NetworkConnect            Post   "/networks/{id}/connect"               Some(Networks), Writes, json;
    NetworkDisconnect         Post   "/networks/{id}/disconnect"            Some(Networks), Writes, json;

    NodeList                  Get    "/nodes"                               Some(Nodes), Reads;
    NodeDelete                Delete "/nodes/{id}"                          Some(Nodes), Writes;
    NodeInspect               Get    "/nodes/{id}"                          Some(Nodes), Reads;
    NodeUpdate                Post   "/nodes/{id}/update"                   Some(Nodes), Writes, json;

    PluginList                Get    "/plugins"                             Some(Plugins), Reads;
    PluginCreate              Post   "/plugins/create"                      Some(Plugins), Writes, streams;
    GetPluginPrivileges       Get    "/plugins/privileges"                  Some(Plugins), Reads;
    PluginPull                Post   "/plugins/pull"                        Some(Plugins), Writes, streams, json;
    PluginDelete              Delete "/plugins/{name...}"                   Some(Plugins), Writes;
    PluginDisable             Post   "/plugins/{name...}/disable"           Some(Plugins), Writes;
    PluginEnable              Post   "/plugins/{name...}/enable"            Some(Plugins), Writes;
    PluginInspect             Get    "/plugins/{name...}/json"              Some(Plugins), Reads;
    PluginInspectOld          Get    "/plugins/{id}"                        CLOSED, Reads;
    PluginPush                Post   "/plugins/{name...}/push"              Some(Plugins), Writes, streams;
    PluginSet                 Post   "/plugins/{name...}/set"               Some(Plugins), Writes, json;
    PluginUpgrade             Post   "/plugins/{name...}/upgrade"           Some(Plugins), Writes, streams, json;

    SecretList                Get    "/secrets"                             Some(Secrets), Reads;
    SecretCreate              Post   "/secrets/create"                      Some(Secrets), Writes, json;
    SecretDelete              Delete "/secrets/{id}"                        Some(Secrets), Writes;
    SecretInspect             Get    "/secrets/{id}"                        Some(Secrets), Reads;
    SecretUpdate              Post   "/secrets/{id}/update"                 Some(Secrets), Writes, json;

    ServiceList               Get    "/services"                            Some(Services), Reads;
    ServiceCreate             Post   "/services/create"                     Some(Services), Writes, json;
    ServiceDelete             Delete "/services/{id}"                       Some(Services), Writes;
    ServiceInspect            Get    "/services/{id}"                       Some(Services), Reads;
    ServiceLogs               Get    "/services/{id}/logs"                  Some(Services), Reads, streams;
    ServiceUpdate             Post   "/services/{id}/update"                Some(Services), Writes, json;

    Grpc                      Post   "/grpc"                                Some(GrpcSection), Writes, hijacks(Upgrade), bodiless;
    Session                   Post   "/session"                             Some(SessionSection), Writes, hijacks(Upgrade), bodiless;

    SwarmInspect              Get    "/swarm"                               Some(Swarm), Reads;
    SwarmInit                 Post   "/swarm/init"                          Some(Swarm), Writes, json;
    SwarmJoin                 Post   "/swarm/join"                          Some(Swarm), Writes, json;
    SwarmLeave                Post   "/swarm/leave"                         Some(Swarm), Writes;
    SwarmUnlock               Post   "/swarm/unlock"                        Some(Swarm), Writes;
    SwarmUnlockkey            Get    "/swarm/unlockkey"                     Some(Swarm), Reads;
    SwarmUpdate               Post   "/swarm/update"                        Some(Swarm), Writes, json;

    SystemPing                Get    "/_ping"                               Some(Ping), Reads;
    SystemPingHead            Head   "/_ping"                               Some(Ping), Reads;
    AuthGet                   Get    "/auth"                                CLOSED, Reads;
    SystemAuth                Post   "/auth"                                Some(Auth), Writes, json;
    SystemEvents              Get    "/events"                              Some(Events), Reads, streams;
    SystemInfo                Get    "/info"                                Some(Info), Reads;
    SystemDataUsage           Get    "/system/df"                           Some(System), Reads;
    SystemVersion             Get    "/version"                             Some(Version), Reads;

    TaskList                  Get    "/tasks"                               Some(Tasks), Reads;
    TaskInspect               Get    "/tasks/{id}"                          Some(Tasks), Reads;
    TaskLogs                  Get    "/tasks/{id}/logs"                     Some(Tasks), Reads, streams;

    VolumeList                Get    "/volumes"                             Some(Volumes), Reads;
    VolumeCreate              Post   "/volumes/create"                      Some(Volumes), Writes, json;
    VolumePrune               Post   "/volumes/prune"                       Some(Volumes), Writes;
    VolumeDelete              Delete "/volumes/{name}"                      Some(Volumes), Writes;
    VolumeInspect             Get    "/volumes/{name}"                      Some(Volumes), Reads;
    VolumeUpdate              Put    "/volumes/{name}"                      Some(Volumes), Writes, json;

    // The daemon answers OPTIONS on any path, even unknown ones.
    Options                   Options "/{path...}"                          CLOSED, Reads;
}

impl Operation {
    /// Its place in [`Operation::TABLE`].
    #[must_use]
    pub const fn index(self) -> usize {
        #[expect(clippy::as_conversions, reason = "a fieldless enum's own numbering")]
        {
            self as usize
        }
    }

    /// Its line of the table.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "the table has one line for each operation, by construction"
    )]
    pub const fn line(self) -> &'static Line {
        &Self::TABLE[self.index()]
    }

    /// Its name, as in the API's documentation.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.line().id
    }
}
