//! `SwarmInit`, `SwarmJoin`, `SwarmUpdate`, `NodeUpdate`, and the secrets and configs of a swarm.

use super::field::{Field, Object, Rule, examined, harmless, harmless_map, inside};
use super::json::Json;
use super::judge::Judge;
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

/// The body of `NodeUpdate`.
pub const NODE_UPDATE: Object = Object::of(&[
    harmless("Name"),
    harmless_map("Labels"),
    examined(
        "Role",
        Rule::Word(&[]),
        Variable::NodeRoles,
        "is a role that gives the node power over the swarm",
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
