//! Which operations are examined, and by which tables: one line each.

use super::existing::ContainerUse;
use super::field::{Field, Object, Rule, inside};
use super::finding::Cause;
use super::json::{self, Json};
use super::judge::{Examined, Judge};
use super::lookup::{Question, ServiceLookup};
use super::rules::Rules;
use super::{
    build, checkpoint, container, exec, image, network, plugin, query, registry, service, swarm,
    top, volume,
};
use crate::api::Operation;
use std::borrow::Cow;

/// The question about the name in a request's path, decoded, and its query.
pub type Asks = fn(&str, Option<&[u8]>) -> Question;

/// How one operation's arguments are examined.
#[derive(Clone, Copy, Debug)]
pub struct Examiner {
    /// What it examines.
    pub operation: Operation,
    /// Parameters of the query.
    pub query: &'static [Field],
    /// The name in the path.
    pub name: Option<&'static Field>,
    /// The body, where it is JSON.
    pub body: Option<&'static Field>,
    /// What is asked of the request as such.
    pub whole: Option<fn(&mut Judge<'_>)>,
    /// What the daemon is asked about the name in the path, which the query may have a part in.
    pub question: Option<Asks>,
    /// The parameter of the query that must be true for the question to be asked, where there is one.
    pub asked_if: Option<&'static str>,
    /// The parameter of the query with which the name in the path is another thing's.
    pub asked_unless: Option<&'static str>,
    /// Whether its query and body are looked into with `ADMISSION=off` too, for references to the
    /// gate's own container.
    pub is_unconditional: bool,
}

impl Examiner {
    const fn of(operation: Operation) -> Self {
        Self {
            operation,
            query: &[],
            name: None,
            body: None,
            whole: None,
            question: None,
            asked_if: None,
            asked_unless: None,
            is_unconditional: false,
        }
    }

    const fn query(self, query: &'static [Field]) -> Self {
        Self { query, ..self }
    }

    const fn name(self, name: &'static Field) -> Self {
        Self { name: Some(name), ..self }
    }

    const fn body(self, body: &'static Field) -> Self {
        Self { body: Some(body), ..self }
    }

    const fn whole(self, whole: fn(&mut Judge<'_>)) -> Self {
        Self { whole: Some(whole), ..self }
    }

    const fn asks(self, question: Asks) -> Self {
        Self { question: Some(question), ..self }
    }

    const fn asked_if(self, parameter: &'static str) -> Self {
        Self { asked_if: Some(parameter), ..self }
    }

    const fn asked_unless(self, parameter: &'static str) -> Self {
        Self { asked_unless: Some(parameter), ..self }
    }

    /// What the request does with the container in its path.
    const fn runs(self) -> Self {
        self.asks(|name, _| Question::of_path(name, ContainerUse::Run))
    }

    const fn writes(self) -> Self {
        self.asks(|name, _| Question::of_path(name, ContainerUse::Write))
    }

    const fn reads(self) -> Self {
        self.asks(|name, _| Question::of_path(name, ContainerUse::Read))
    }

    const fn manages(self) -> Self {
        self.asks(|name, _| Question::of_path(name, ContainerUse::Manage))
    }

    /// The name in its path is that of a process in a container.
    const fn runs_exec(self) -> Self {
        self.asks(|id, _| Question::Exec(id.to_owned()))
    }

    /// The name in its path is that of a service.
    const fn manages_service(self) -> Self {
        self.asks(|name, query| Question::Service(ServiceLookup::of(name, query)))
    }

    const fn unconditional(self) -> Self {
        Self { is_unconditional: true, ..self }
    }

    /// The line of an operation, where it has one.
    #[must_use]
    pub fn find(operation: Operation) -> Option<&'static Self> {
        EXAMINERS.iter().find(|examiner| examiner.operation == operation)
    }

    /// Examines what the head says: the query and the name in the path, decoded.
    #[must_use]
    pub fn head(&self, rules: &Rules, query: Option<&[u8]>, name: Option<&str>) -> Examined {
        let mut judge = Judge::new(rules);
        if let Some(whole) = self.whole {
            whole(&mut judge);
        }
        match (self.name, name) {
            (Some(field), Some(name)) => judge.field(field, &Json::Text(Cow::Borrowed(name))),
            (None, None) if self.question.is_none() => {}
            (None, Some(_)) => {}
            (_, None) => judge.bad_text("", "has a name that is no UTF-8"),
        }
        if let Some(query) = query.filter(|_| !self.query.is_empty()) {
            query::judge(&mut judge, self.query, query);
        }
        judge.examined.questions.iter_mut().for_each(Question::stands_in_query);
        judge.examined
    }

    /// Examines a body.
    #[must_use]
    pub fn examine(&self, rules: &Rules, body: &[u8]) -> Examined {
        let mut judge = Judge::new(rules);
        if let Some(field) = self.body.filter(|_| !body.is_empty()) {
            match json::read(body) {
                Ok(value) => judge.root(field, &value),
                Err(error) => judge.find(Cause::Json(error), "", NOT_JSON, String::new()),
            }
        }
        judge.examined
    }
}

const NOT_JSON: &str = "has a body that is not one JSON value that can be judged";

const fn object(rule: &'static Object) -> Field {
    inside("body", Rule::Object(rule))
}

use Operation as Op;

/// One line an operation.
pub const EXAMINERS: &[Examiner] = &[
    Examiner::of(Op::ContainerCreate)
        .query(container::NAME_QUERY)
        .body(&object(&container::CONTAINER_CREATE)),
    Examiner::of(Op::ContainerUpdate).body(&object(&container::CONTAINER_UPDATE)).manages(),
    Examiner::of(Op::ContainerStart).query(container::CONTAINER_START_QUERY),
    Examiner::of(Op::ContainerTop).query(top::CONTAINER_TOP_QUERY),
    Examiner::of(Op::ContainerStop).manages(),
    Examiner::of(Op::ContainerRestart).manages(),
    Examiner::of(Op::ContainerKill).manages(),
    Examiner::of(Op::ContainerPause).manages(),
    Examiner::of(Op::ContainerRename).query(container::NAME_QUERY).manages(),
    // A link is removed by its name, `/parent/alias`, and nothing else with it.
    Examiner::of(Op::ContainerDelete).manages().asked_unless("link"),
    Examiner::of(Op::ContainerCopy).reads(),
    Examiner::of(Op::ContainerArchive).reads(),
    Examiner::of(Op::ContainerArchiveInfo).reads(),
    Examiner::of(Op::PutContainerArchive).writes(),
    Examiner::of(Op::CheckpointCreate).body(&object(&checkpoint::CHECKPOINT_CREATE)).manages(),
    Examiner::of(Op::CheckpointList).query(checkpoint::CHECKPOINT_QUERY),
    Examiner::of(Op::CheckpointDelete).query(checkpoint::CHECKPOINT_QUERY),
    Examiner::of(Op::ContainerExec).body(&object(&exec::CONTAINER_EXEC)).runs(),
    Examiner::of(Op::ExecStart).body(&object(&exec::EXEC_START)).runs_exec(),
    Examiner::of(Op::ExecResize).runs_exec(),
    // An attach has no arguments in its body, and some clients send one all the same.
    Examiner::of(Op::ContainerAttach).body(&inside("body", Rule::Harmless)).runs(),
    Examiner::of(Op::ContainerAttachWebsocket).runs(),
    Examiner::of(Op::ImageBuild).query(build::IMAGE_BUILD_QUERY),
    Examiner::of(Op::ImageCommit)
        .unconditional()
        .query(image::IMAGE_COMMIT_QUERY)
        .body(&object(&image::IMAGE_COMMIT)),
    Examiner::of(Op::ImageCreate).query(image::IMAGE_CREATE_QUERY),
    Examiner::of(Op::ImageTag).query(image::IMAGE_TAG_QUERY),
    Examiner::of(Op::ImageLoad).whole(registry::load),
    Examiner::of(Op::ImageSearch).query(image::IMAGE_SEARCH_QUERY),
    Examiner::of(Op::ImagePush).name(&image::NAME),
    Examiner::of(Op::DistributionInspect).name(&image::NAME),
    Examiner::of(Op::SystemAuth).body(&object(&image::SYSTEM_AUTH)),
    Examiner::of(Op::VolumeCreate).body(&object(&volume::VOLUME_CREATE)),
    Examiner::of(Op::VolumeDelete).asks(volume::question).asked_if("force"),
    Examiner::of(Op::VolumeUpdate).body(&object(&volume::VOLUME_UPDATE)),
    Examiner::of(Op::NetworkCreate).body(&object(&network::NETWORK_CREATE)),
    Examiner::of(Op::NetworkConnect).unconditional().body(&object(&network::NETWORK_CONNECT)),
    Examiner::of(Op::NetworkDisconnect).unconditional().body(&object(&network::NETWORK_DISCONNECT)),
    Examiner::of(Op::ServiceCreate).body(&object(&service::SERVICE)),
    Examiner::of(Op::ServiceUpdate).body(&object(&service::SERVICE)).manages_service(),
    Examiner::of(Op::ServiceDelete).manages_service(),
    Examiner::of(Op::SwarmInit).body(&object(&swarm::SWARM_INIT)),
    Examiner::of(Op::SwarmJoin).body(&object(&swarm::SWARM_JOIN)),
    Examiner::of(Op::SwarmUpdate).body(&object(&swarm::SWARM_UPDATE)),
    Examiner::of(Op::NodeUpdate).body(&object(&swarm::NODE_UPDATE)),
    Examiner::of(Op::SecretCreate).body(&object(&swarm::SECRET)),
    Examiner::of(Op::SecretUpdate).body(&object(&swarm::SECRET)),
    Examiner::of(Op::ConfigCreate).body(&object(&swarm::CONFIG)),
    Examiner::of(Op::ConfigUpdate).body(&object(&swarm::CONFIG)),
    Examiner::of(Op::PluginPull).query(image::PLUGIN_QUERY).body(&plugin::PRIVILEGES),
    Examiner::of(Op::PluginUpgrade).query(image::PLUGIN_QUERY).body(&plugin::PRIVILEGES),
    Examiner::of(Op::GetPluginPrivileges).query(image::PLUGIN_QUERY),
    Examiner::of(Op::PluginPush).name(&image::NAME),
    Examiner::of(Op::PluginSet).body(&plugin::SETTINGS),
    Examiner::of(Op::PluginCreate).whole(plugin::create),
];
