//! `NetworkCreate`, `NetworkConnect`, and the networks that a container is made with.

use super::field::{Field, Object, Rule, examined, harmless, harmless_map, inside};
use super::finding::Step;
use super::json::Json;
use super::judge::Judge;
use super::lookup::{NetworkUse, Networks, Question, Scope};
use super::namespace;
use super::network_option;
use super::own;
use super::variable::Variable;

const DRIVER_REASON: &str =
    "is a network driver that reaches the host's own interfaces, or a plugin";
const IPAM_REASON: &str = "is an IPAM driver other than the engine's own: a plugin";

/// The body of `NetworkCreate`.
pub const NETWORK_CREATE: Object = Object::of(&[
    harmless("Name"),
    // Long without a meaning.
    harmless("CheckDuplicate"),
    examined(
        "Driver",
        Rule::Word(&["bridge", "overlay", "default"]),
        Variable::NetworkDrivers,
        DRIVER_REASON,
    ),
    harmless("Scope"),
    harmless("EnableIPv4"),
    harmless("EnableIPv6"),
    inside("IPAM", Rule::Object(&IPAM)),
    harmless("Internal"),
    harmless("Attachable"),
    harmless("Ingress"),
    harmless("ConfigOnly"),
    // A network that was made with the options it holds, which were judged then.
    harmless("ConfigFrom"),
    examined(
        "Options",
        Rule::By(network_option::of_network),
        Variable::NetworkOptions,
        network_option::UNKNOWN,
    ),
    harmless_map("Labels"),
]);

const IPAM: Object = Object::of(&[
    examined("Driver", Rule::Word(&["default"]), Variable::NetworkDrivers, IPAM_REASON),
    // Of the engine's own driver, which knows `com.docker.network.ipam.serial` alone (addresses in
    // their order).
    harmless_map("Options"),
    inside("Config", Rule::Each(&Rule::Object(&IPAM_CONFIG))),
]);

const IPAM_CONFIG: Object = Object::of(&[
    // Any, as the daemon takes any: one that the host has routes for would take these over.
    harmless("Subnet"),
    harmless("IPRange"),
    harmless("Gateway"),
    // The description's name, and the daemon's.
    harmless_map("AuxiliaryAddresses"),
    harmless_map("AuxAddress"),
]);

/// The body of `NetworkConnect`.
pub const NETWORK_CONNECT: Object =
    Object::of(&[CONTAINER, inside("EndpointConfig", Rule::Object(&ENDPOINT))]);

/// The body of `NetworkDisconnect`.
pub const NETWORK_DISCONNECT: Object = Object::of(&[CONTAINER, harmless("Force")]);

const CONTAINER: Field = inside("Container", Rule::By(own::reference));

/// `NetworkingConfig.EndpointsConfig`: settings by network. It attaches networks even where
/// `NetworkMode` says none.
pub const ENDPOINTS_CONFIG: Field = examined(
    "EndpointsConfig",
    Rule::By(|judge, value| {
        judge.each_entry(value, |judge, name, endpoint| {
            namespace::network(judge, name);
            judge.apply(&Rule::Object(&ENDPOINT), endpoint);
        });
    }),
    Variable::HostNamespaces,
    namespace::HOST_NETWORK,
);

const ENDPOINT: Object = Object::of(&[
    harmless("IPAMConfig"),
    // Names and addresses on a network that is judged itself; its members can take each other's.
    harmless("Links"),
    harmless("Aliases"),
    harmless("MacAddress"),
    harmless("NetworkID"),
    harmless("EndpointID"),
    harmless("Gateway"),
    harmless("IPAddress"),
    harmless("IPPrefixLen"),
    harmless("IPv6Gateway"),
    harmless("GlobalIPv6Address"),
    harmless("GlobalIPv6PrefixLen"),
    harmless("GwPriority"),
    harmless("DNSNames"),
    DRIVER_OPTS,
]);

/// Options of an endpoint, a container's or a service's.
const DRIVER_OPTS: Field = examined(
    "DriverOpts",
    Rule::By(network_option::of_endpoint),
    Variable::NetworkOptions,
    network_option::UNKNOWN,
);

/// Asks for the ids of the host's networks, since a service may name a network by the beginning of
/// its id. A name that a swarm network has means that one, but only until it is removed: so what is
/// held to those ids is what the service says, not what that means at the moment
/// (moby `daemon/cluster/networks.go`, `populateNetworkID`: the swarm's networks by id, name and
/// beginning of an id, then the local ones likewise).
fn ask(judge: &mut Judge<'_>, name: &str) {
    let used = NetworkUse { name: name.to_owned(), path: judge.path().to_vec() };
    for scope in Scope::ALL {
        let questions = &mut judge.examined.questions;
        // They come first, so they are found at once.
        let asked =
            questions.iter_mut().take(Scope::ALL.len()).find_map(|question| match question {
                Question::Network(networks) if networks.scope == scope => Some(networks),
                Question::Network(_)
                | Question::Volume(_)
                | Question::Container(_)
                | Question::Exec(_)
                | Question::Service(_)
                | Question::Node(_)
                | Question::Engine(_) => None,
            });
        if let Some(networks) = asked {
            networks.uses.push(used.clone());
        } else {
            let networks = Networks { scope, uses: vec![used.clone()] };
            questions.insert(0, Question::Network(networks));
        }
    }
}

/// What the daemon says of the host's networks (`NetworkList`, or `NetworkInspect` of the swarm's),
/// judged for a service that names some; whether it could be read.
pub fn existing_network(judge: &mut Judge<'_>, asked: &Networks, answer: &Json<'_>) -> bool {
    let Some(ids) = host_ids(asked.scope, answer) else { return false };
    for used in &asked.uses {
        if ids.iter().any(|id| id.starts_with(&used.name)) {
            let variable = Variable::HostNamespaces;
            judge.withhold_for(variable, &used.name, "network", namespace::HOST_NETWORK);
            if let Some(finding) = judge.examined.findings.last_mut() {
                finding.path.clone_from(&used.path);
            }
        }
    }
    true
}

/// The ids of networks that are the host's; `None` where the answer doesn't say.
fn host_ids<'j>(scope: Scope, answer: &'j Json<'_>) -> Option<Vec<&'j str>> {
    let id = |network: &'j Json<'_>| {
        let has = |name, text| network.field(name).and_then(Json::text) == Some(text);
        let is_hosts = has("Name", "host") || has("Driver", "host");
        let id = network.field("Id").and_then(Json::text).filter(|id| !id.is_empty())?;
        is_hosts.then_some(id)
    };
    match (scope, answer) {
        (Scope::Local, Json::List(networks)) => networks.iter().map(id).collect(),
        (Scope::Swarm, network @ Json::Object(_)) => Some(vec![id(network)?]),
        (_, _) => None,
    }
}

/// A service's networks: `[{Target, Aliases, DriverOpts}]`.
pub const NETWORKS: Field = examined(
    "Networks",
    Rule::Each(&Rule::Object(&ATTACHMENT)),
    Variable::HostNamespaces,
    namespace::HOST_NETWORK,
);

const ATTACHMENT: Object = Object::of(&[harmless("Target"), harmless("Aliases"), DRIVER_OPTS])
    .then(|judge, network| match network.field("Target") {
        None | Some(Json::Null) => {}
        Some(Json::Text(target)) => {
            judge.step(Step::Field("Target"), |judge| {
                namespace::network(judge, target);
                if !judge.is_open("network") && !target.is_empty() {
                    ask(judge, target);
                }
            });
        }
        Some(value) => {
            judge.step(Step::Field("Target"), |judge| judge.bad_value(value, "is no text"));
        }
    });
