//! `SwarmInit`, `SwarmJoin`, `SwarmUpdate`, `NodeUpdate`, and the secrets and configs of a swarm.

use super::existing::ContainerUse;
use super::field::{Field, Object, Rule, examined, harmless, harmless_map, inside};
use super::finding::Step;
use super::json::Json;
use super::judge::Judge;
use super::lookup::{Question, ReferencePlace, Resolved};
use super::variable::Variable;
use super::{log_driver, registry};

/// The body of `SwarmInit`. Addresses and ports are those of a manager, which whoever opens `SWARM`
/// to writing wants this host to be.
pub const SWARM_INIT: Object = Object::of(&[
    harmless("ListenAddr"),
    harmless("AdvertiseAddr"),
    harmless("DataPathAddr"),
    harmless("DataPathPort"),
    harmless("ForceNewCluster"),
    inside("Spec", Rule::Object(&SWARM_UPDATE)),
    harmless("AutoLockManagers"),
    harmless("Availability"),
    harmless("DefaultAddrPool"),
    harmless("SubnetSize"),
]);

/// The body of `SwarmJoin`.
pub const SWARM_JOIN: Object = Object::of(&[
    harmless("ListenAddr"),
    harmless("AdvertiseAddr"),
    harmless("DataPathAddr"),
    examined(
        "RemoteAddrs",
        Rule::By(|judge, value| judge.each_text(value, peer)),
        Variable::SwarmPeers,
        "is a manager that this host would obey",
    ),
    harmless("JoinToken"),
    harmless("Availability"),
]);

/// The body of `SwarmUpdate`.
pub const SWARM_UPDATE: Object = Object::of(&[
    harmless("Name"),
    harmless_map("Labels"),
    harmless("Orchestration"),
    harmless("Raft"),
    harmless("Dispatcher"),
    inside("CAConfig", Rule::Object(&CA_CONFIG)),
    inside("TaskDefaults", Rule::Object(&TASK_DEFAULTS)),
    harmless("EncryptionConfig"),
]);

const CA_CONFIG: Object = Object::of(&[
    harmless("NodeCertExpiry"),
    inside("ExternalCAs", Rule::Each(&Rule::Object(&EXTERNAL_CA))),
    // The swarm's own identity, which is its managers' to change.
    harmless("SigningCACert"),
    harmless("SigningCAKey"),
    harmless("ForceRotate"),
]);

const EXTERNAL_CA: Object = Object::of(&[
    harmless("Protocol"),
    examined(
        "URL",
        Rule::By(|judge, value| {
            judge.each_text(value, |judge, url| match registry::host_of(url) {
                Some(host) => peer(judge, host),
                None => judge.bad_text(url, "is no plain URL"),
            });
        }),
        Variable::SwarmPeers,
        "is an authority that would decide who belongs to the swarm",
    ),
    harmless_map("Options"),
    harmless("CACert"),
]);

const TASK_DEFAULTS: Object = Object::of(&[log_driver::LOG_DRIVER]);

/// An address, listed with its port or without.
fn peer(judge: &mut Judge<'_>, address: &str) {
    let host = match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => address,
    };
    if !address.is_empty() && !judge.is_open(address) && !judge.is_open(host) {
        judge.withhold(address, address);
    }
}

const ROLE_REASON: &str = "is a role that gives the node power over the swarm";

/// A role that a node is given, which it may have already: an update repeats the whole of what it does
/// not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleUse {
    /// The node's id, the beginning of it, or its name.
    pub node: String,
    /// The role.
    pub role: String,
    path: Vec<Step>,
}

impl RoleUse {
    /// What to take for the answer where there is no daemon to ask.
    #[must_use]
    pub fn supposed(&self) -> &'static [u8] {
        if self.role == "manager" {
            br#"{"ID":"0","Spec":{"Role":"manager"}}"#
        } else {
            br#"{"ID":"0","Spec":{"Role":"worker"}}"#
        }
    }
}

fn role(judge: &mut Judge<'_>, role: &str) {
    if role.is_empty() || judge.is_open(role) {
        return;
    }
    if !matches!(role, "worker" | "manager") {
        return judge.bad_text(role, "is no role of a node (worker, manager)");
    }
    let used = RoleUse { node: String::new(), role: role.to_owned(), path: judge.path().to_vec() };
    judge.examined.questions.push(Question::Node(used));
}

/// Judges the answer to `NodeInspect`; the node's full id, by which the update goes on: its name could
/// be another's a moment later. `None` where it can't be read.
pub fn existing_node(judge: &mut Judge<'_>, used: &RoleUse, node: &Json<'_>) -> Option<Resolved> {
    let id = node.field("ID").and_then(Json::text)?;
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let role = node.field("Spec").and_then(|spec| spec.field("Role")).and_then(Json::text)?;
    if role != used.role {
        judge.withhold_for(Variable::NodeRoles, &used.role, &used.role, ROLE_REASON);
        if let Some(finding) = judge.examined.findings.last_mut() {
            finding.path.clone_from(&used.path);
        }
    }
    let (id, place) = (id.to_owned(), ReferencePlace::Path);
    is_plain.then_some(Resolved { id, place, usage: ContainerUse::Manage })
}

/// The body of `NodeUpdate`.
pub const NODE_UPDATE: Object = Object::of(&[
    harmless("Name"),
    harmless_map("Labels"),
    examined(
        "Role",
        Rule::By(|judge, value| judge.text(value, role)),
        Variable::NodeRoles,
        ROLE_REASON,
    ),
    harmless("Availability"),
]);

/// The body of `SecretCreate` and `SecretUpdate`.
pub const SECRET: Object = Object::of(&[
    harmless("Name"),
    harmless_map("Labels"),
    harmless("Data"),
    examined(
        "Driver",
        Rule::Object(&DRIVER),
        Variable::SecretDrivers,
        "is a plugin that the secret would come from",
    ),
    TEMPLATING,
]);

/// The body of `ConfigCreate` and `ConfigUpdate`.
pub const CONFIG: Object =
    Object::of(&[harmless("Name"), harmless_map("Labels"), harmless("Data"), TEMPLATING]);

const TEMPLATING: Field = examined(
    "Templating",
    Rule::Object(&DRIVER),
    Variable::Templates,
    "lets the content print other secrets",
);

const DRIVER: Object =
    Object::of(&[harmless("Name"), harmless_map("Options")]).then(|judge, driver| {
        let name = driver.field("Name").and_then(Json::text).unwrap_or_default();
        if !driver.is_empty() && !judge.is_open(name) {
            judge.withhold(name, name);
        }
    });
