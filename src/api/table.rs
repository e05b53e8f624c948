//! The operation table: one line an operation, in the order of the API's documentation. What is
//! not here is refused.
//!
//! Sources: the API descriptions 1.30 to 1.56 and the daemon's routers
//! (moby `api/server/router`), for what the descriptions leave out, and for what is read of a body.
//! A line without a word for its body does not compile.

use super::operation::{
    Arguments::{Archive, Bodiless, Harmless, Ignored, Json, Short, Unread},
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
    ($($operation:ident $method:ident $template:literal $section:expr, $effect:ident, $body:ident $(, $trait:ident $(($argument:ident))?)*;)*) => {
        /// An operation of the API, by its operationId.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is swagger's operationId; its line in the table describes it")]
        pub enum Operation { $($operation),* }

        impl Operation {
            /// Every operation, one line each, indexed by [`Operation::index`].
            pub const TABLE: &'static [Line] = &[$(
                Line::new(Self::$operation, stringify!($operation), $method, $template, $section, $effect, $body)
                    $(.$trait($($argument)?))*
            ),*];
        }
    };
}

/// No variable opens it.
const CLOSED: Option<Section> = None;

operations! {
    ConfigList                Get    "/configs"                             Some(Configs), Reads, Ignored;
    ConfigCreate              Post   "/configs/create"                      Some(Configs), Writes, Json;
    ConfigDelete              Delete "/configs/{id}"                        Some(Configs), Writes, Ignored;
    ConfigInspect             Get    "/configs/{id}"                        Some(Configs), Reads, Ignored;
    ConfigUpdate              Post   "/configs/{id}/update"                 Some(Configs), Writes, Json;

    ContainerCreate           Post   "/containers/create"                   Some(Containers), Writes, Json;
    ContainerList             Get    "/containers/json"                     Some(Containers), Reads, Ignored;
    ContainerPrune            Post   "/containers/prune"                    Some(Containers), Writes, Ignored;
    ContainerListOld          Get    "/containers/ps"                       CLOSED, Reads, Ignored;
    ContainerDelete           Delete "/containers/{id...}"                  Some(Containers), Writes, Ignored;
    ContainerArchive          Get    "/containers/{id...}/archive"          Some(Containers), Reads, Ignored, streams;
    ContainerArchiveInfo      Head   "/containers/{id...}/archive"          Some(Containers), Reads, Ignored;
    PutContainerArchive       Put    "/containers/{id...}/archive"          Some(Containers), Writes, Archive, streams;
    ContainerAttach           Post   "/containers/{id...}/attach"           Some(Containers), Writes, Unread, hijacks(Stream);
    // It carries stdin, so it is a write although it is a GET.
    ContainerAttachWebsocket  Get    "/containers/{id...}/attach/ws"        Some(Containers), Writes, Bodiless, hijacks(Upgrade);
    ContainerChanges          Get    "/containers/{id...}/changes"          Some(Containers), Reads, Ignored;
    CheckpointList            Get    "/containers/{id...}/checkpoints"      Some(Containers), Reads, Ignored;
    CheckpointCreate          Post   "/containers/{id...}/checkpoints"      Some(Containers), Writes, Json;
    CheckpointDelete          Delete "/containers/{id}/checkpoints/{checkpoint}" Some(Containers), Writes, Ignored;
    // Gone with API 1.24; daemons up to 25 run it below.
    ContainerCopy             Post   "/containers/{id...}/copy"             Some(Containers), Writes, Harmless, streams;
    ContainerExport           Get    "/containers/{id...}/export"           Some(Containers), Reads, Ignored, streams;
    ContainerInspect          Get    "/containers/{id...}/json"             Some(Containers), Reads, Ignored;
    ContainerKill             Post   "/containers/{id...}/kill"             Some(Containers), Writes, Ignored;
    ContainerLogs             Get    "/containers/{id...}/logs"             Some(Containers), Reads, Ignored, streams;
    ContainerPause            Post   "/containers/{id...}/pause"            Some(Containers), Writes, Ignored;
    ContainerRename           Post   "/containers/{id...}/rename"           Some(Containers), Writes, Ignored;
    ContainerResize           Post   "/containers/{id...}/resize"           Some(Containers), Writes, Ignored;
    ContainerRestart          Post   "/containers/{id...}/restart"          Some(Containers), Writes, Ignored;
    // Below API 1.24 a body here is a whole HostConfig, privileged and all.
    ContainerStart            Post   "/containers/{id...}/start"            Some(Containers), Writes, Short;
    ContainerStats            Get    "/containers/{id...}/stats"            Some(Containers), Reads, Ignored, streams;
    ContainerStop             Post   "/containers/{id...}/stop"             Some(Containers), Writes, Ignored;
    ContainerTop              Get    "/containers/{id...}/top"              Some(Containers), Reads, Ignored;
    ContainerUnpause          Post   "/containers/{id...}/unpause"          Some(Containers), Writes, Ignored;
    ContainerUpdate           Post   "/containers/{id...}/update"           Some(Containers), Writes, Json;
    ContainerWait             Post   "/containers/{id...}/wait"             Some(Containers), Writes, Ignored, streams;

    DebugPprof                Get    "/debug/pprof"                         CLOSED, Reads, Ignored;
    DebugPprofProfile         Get    "/debug/pprof/{name}"                  CLOSED, Reads, Ignored;
    DebugPprofSymbol          Post   "/debug/pprof/symbol"                  CLOSED, Reads, Harmless;
    DebugVars                 Get    "/debug/vars"                          CLOSED, Reads, Ignored;

    DistributionInspect       Get    "/distribution/{name...}/json"         Some(Distribution), Reads, Ignored;

    ContainerExec             Post   "/containers/{id...}/exec"             Some(Exec), Writes, Json;
    ExecInspect               Get    "/exec/{id...}/json"                   Some(Exec), Reads, Ignored;
    ExecResize                Post   "/exec/{id...}/resize"                 Some(Exec), Writes, Ignored;
    ExecStart                 Post   "/exec/{id...}/start"                  Some(Exec), Writes, Json, hijacks(Stream);

    ImageBuild                Post   "/build"                               Some(Build), Writes, Archive, streams;
    BuildCancel               Post   "/build/cancel"                        Some(Build), Writes, Ignored;
    BuildPrune                Post   "/build/prune"                         Some(Build), Writes, Ignored;
    ImageCommit               Post   "/commit"                              Some(Commit), Writes, Json;
    ImageCreate               Post   "/images/create"                       Some(Images), Writes, Archive, streams;
    ImageGetAll               Get    "/images/get"                          Some(Images), Reads, Ignored, streams;
    ImageList                 Get    "/images/json"                         Some(Images), Reads, Ignored;
    ImageLoad                 Post   "/images/load"                         Some(Images), Writes, Archive, streams;
    ImagePrune                Post   "/images/prune"                        Some(Images), Writes, Ignored;
    ImageSearch               Get    "/images/search"                       Some(Images), Reads, Ignored;
    ImagesViz                 Get    "/images/viz"                          CLOSED, Reads, Ignored;
    ImageDelete               Delete "/images/{name...}"                    Some(Images), Writes, Ignored;
    ImageAttestations         Get    "/images/{name...}/attestations"       Some(Images), Reads, Ignored;
    ImageGet                  Get    "/images/{name...}/get"                Some(Images), Reads, Ignored, streams;
    ImageHistory              Get    "/images/{name...}/history"            Some(Images), Reads, Ignored;
    ImageInsert               Post   "/images/{name...}/insert"             CLOSED, Writes, Ignored;
    ImageInspect              Get    "/images/{name...}/json"               Some(Images), Reads, Ignored;
    ImagePush                 Post   "/images/{name...}/push"               Some(Images), Writes, Harmless, streams;
    ImageTag                  Post   "/images/{name...}/tag"                Some(Images), Writes, Ignored;

    NetworkList               Get    "/networks"                            Some(Networks), Reads, Ignored;
    NetworkCreate             Post   "/networks/create"                     Some(Networks), Writes, Json;
    NetworkPrune              Post   "/networks/prune"                      Some(Networks), Writes, Ignored;
    NetworkDelete             Delete "/networks/{id...}"                    Some(Networks), Writes, Ignored;
    NetworkInspect            Get    "/networks/{id...}"                    Some(Networks), Reads, Ignored;
    NetworkConnect            Post   "/networks/{id...}/connect"            Some(Networks), Writes, Json;
    NetworkDisconnect         Post   "/networks/{id...}/disconnect"         Some(Networks), Writes, Json;

    NodeList                  Get    "/nodes"                               Some(Nodes), Reads, Ignored;
    NodeDelete                Delete "/nodes/{id}"                          Some(Nodes), Writes, Ignored;
    NodeInspect               Get    "/nodes/{id}"                          Some(Nodes), Reads, Ignored;
    NodeUpdate                Post   "/nodes/{id}/update"                   Some(Nodes), Writes, Json;

    PluginList                Get    "/plugins"                             Some(Plugins), Reads, Ignored;
    PluginCreate              Post   "/plugins/create"                      Some(Plugins), Writes, Archive, streams;
    GetPluginPrivileges       Get    "/plugins/privileges"                  Some(Plugins), Reads, Ignored;
    PluginPull                Post   "/plugins/pull"                        Some(Plugins), Writes, Json, streams;
    PluginDelete              Delete "/plugins/{name...}"                   Some(Plugins), Writes, Ignored;
    PluginDisable             Post   "/plugins/{name...}/disable"           Some(Plugins), Writes, Ignored;
    PluginEnable              Post   "/plugins/{name...}/enable"            Some(Plugins), Writes, Ignored;
    PluginInspect             Get    "/plugins/{name...}/json"              Some(Plugins), Reads, Ignored;
    PluginInspectOld          Get    "/plugins/{id}"                        CLOSED, Reads, Ignored;
    PluginPush                Post   "/plugins/{name...}/push"              Some(Plugins), Writes, Ignored, streams;
    PluginSet                 Post   "/plugins/{name...}/set"               Some(Plugins), Writes, Json;
    PluginUpgrade             Post   "/plugins/{name...}/upgrade"           Some(Plugins), Writes, Json, streams;

    SecretList                Get    "/secrets"                             Some(Secrets), Reads, Ignored;
    SecretCreate              Post   "/secrets/create"                      Some(Secrets), Writes, Json;
    SecretDelete              Delete "/secrets/{id}"                        Some(Secrets), Writes, Ignored;
    SecretInspect             Get    "/secrets/{id}"                        Some(Secrets), Reads, Ignored;
    SecretUpdate              Post   "/secrets/{id}/update"                 Some(Secrets), Writes, Json;

    ServiceList               Get    "/services"                            Some(Services), Reads, Ignored;
    ServiceCreate             Post   "/services/create"                     Some(Services), Writes, Json;
    ServiceDelete             Delete "/services/{id}"                       Some(Services), Writes, Ignored;
    ServiceInspect            Get    "/services/{id}"                       Some(Services), Reads, Ignored;
    ServiceLogs               Get    "/services/{id}/logs"                  Some(Services), Reads, Ignored, streams;
    ServiceUpdate             Post   "/services/{id}/update"                Some(Services), Writes, Json;

    Grpc                      Post   "/grpc"                                Some(GrpcSection), Writes, Bodiless, hijacks(Upgrade);
    Session                   Post   "/session"                             Some(SessionSection), Writes, Bodiless, hijacks(Upgrade);

    SwarmInspect              Get    "/swarm"                               Some(Swarm), Reads, Ignored;
    SwarmInit                 Post   "/swarm/init"                          Some(Swarm), Writes, Json;
    SwarmJoin                 Post   "/swarm/join"                          Some(Swarm), Writes, Json;
    SwarmLeave                Post   "/swarm/leave"                         Some(Swarm), Writes, Ignored;
    SwarmUnlock               Post   "/swarm/unlock"                        Some(Swarm), Writes, Harmless;
    SwarmUnlockkey            Get    "/swarm/unlockkey"                     Some(Swarm), Reads, Ignored;
    SwarmUpdate               Post   "/swarm/update"                        Some(Swarm), Writes, Json;

    SystemPing                Get    "/_ping"                               Some(Ping), Reads, Ignored;
    SystemPingHead            Head   "/_ping"                               Some(Ping), Reads, Ignored;
    AuthGet                   Get    "/auth"                                CLOSED, Reads, Ignored;
    SystemAuth                Post   "/auth"                                Some(Auth), Writes, Json;
    SystemEvents              Get    "/events"                              Some(Events), Reads, Ignored, streams;
    SystemInfo                Get    "/info"                                Some(Info), Reads, Ignored;
    SystemDataUsage           Get    "/system/df"                           Some(System), Reads, Ignored;
    SystemVersion             Get    "/version"                             Some(Version), Reads, Ignored;

    TaskList                  Get    "/tasks"                               Some(Tasks), Reads, Ignored;
    TaskInspect               Get    "/tasks/{id}"                          Some(Tasks), Reads, Ignored;
    TaskLogs                  Get    "/tasks/{id}/logs"                     Some(Tasks), Reads, Ignored, streams;

    VolumeList                Get    "/volumes"                             Some(Volumes), Reads, Ignored;
    VolumeCreate              Post   "/volumes/create"                      Some(Volumes), Writes, Json;
    VolumePrune               Post   "/volumes/prune"                       Some(Volumes), Writes, Ignored;
    VolumeDelete              Delete "/volumes/{name...}"                   Some(Volumes), Writes, Ignored;
    VolumeInspect             Get    "/volumes/{name...}"                   Some(Volumes), Reads, Ignored;
    VolumeUpdate              Put    "/volumes/{name...}"                   Some(Volumes), Writes, Json;

    // The daemon answers OPTIONS on any path, even unknown ones.
    Options                   Options "/{path...}"                          CLOSED, Reads, Ignored;
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
