//! `NetworkCreate`, `NetworkConnect`, and the networks that a container is made with.

use super::field::{Field, Object, Rule, examined, harmless, harmless_map, inside};
use super::finding::Step;
use super::json::{Json, Keys};
use super::judge::Judge;
use super::lookup::{NetworkUse, Question};
use super::namespace;
use super::own;
use super::variable::Variable;

const DRIVER_REASON: &str =
    "is a network driver that reaches the host's own interfaces, or a plugin";
const OPTION_REASON: &str = "is a network option that reaches the host's own interfaces or rules";

/// Options of bridge and overlay networks that stay inside them.
const PLAIN_OPTIONS: &[&str] = &[
    "com.docker.network.driver.mtu",
    "com.docker.network.bridge.default_bridge",
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.bridge.host_binding_ipv4",
    "com.docker.network.bridge.host_binding_ipv6",
    "com.docker.network.container_iface_prefix",
    "com.docker.network.driver.overlay.vxlanid_list",
    "com.docker.network.enable_ipv4",
    "com.docker.network.enable_ipv6",
    "encrypted",
];

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
    examined("Options", Rule::Keys(PLAIN_OPTIONS), Variable::NetworkOptions, OPTION_REASON),
    harmless_map("Labels"),
]);

const IPAM: Object = Object::of(&[
    examined("Driver", Rule::Word(&["default"]), Variable::NetworkDrivers, DRIVER_REASON),
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
const DRIVER_OPTS: Field =
    examined("DriverOpts", Rule::By(endpoint_options), Variable::NetworkOptions, OPTION_REASON);

/// `com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.x=1,...` and others.
fn endpoint_options(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.each_entry(value, |judge, key, value| match (key, value) {
        ("com.docker.network.endpoint.ifname", _) => judge.read_once(value, Keys::Folded),
        ("com.docker.network.endpoint.sysctls", Json::Text(sysctls)) => {
            for sysctl in sysctls.split(',') {
                let name = sysctl.split('=').next().unwrap_or(sysctl);
                if !name.is_empty() && !judge.rules.list(Variable::Sysctls).has(name) {
                    judge.withhold_for(Variable::Sysctls, name, name, "is a kernel parameter");
                }
            }
        }
        _ => {
            if !judge.is_open(key) {
                judge.withhold("", key);
            }
        }
    });
}

/// What the daemon says of a network (`NetworkInspect`), judged for a service that wants to use it;
/// whether it could be read.
pub fn existing_network(judge: &mut Judge<'_>, used: &NetworkUse, network: &Json<'_>) -> bool {
    let text = |name| network.field(name).and_then(Json::text);
    let (Some(name), Some(driver)) = (text("Name"), text("Driver")) else { return false };
    if name == "host" || driver == "host" {
        let variable = Variable::HostNamespaces;
        judge.withhold_for(variable, &used.name, "network", namespace::HOST_NETWORK);
        for finding in &mut judge.examined.findings {
            finding.path.clone_from(&used.path);
        }
    }
    true
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
                    let path = judge.path().to_vec();
                    let name = target.clone().into_owned();
                    judge.examined.questions.push(Question::Network(NetworkUse { name, path }));
                }
            });
        }
        Some(_) => judge.bad_value("has a target that is no text"),
    });
