//! Options of networks and of endpoints, each key that a driver of the engine's knows with what it
//! does (moby `libnetwork/drivers/{bridge,macvlan,ipvlan,overlay}`, `libnetwork/netlabel`, 20.10 to
//! 29). What no line knows may be a plugin's, or a newer engine's: it is refused for that.

use super::json::{Json, Keys};
use super::judge::Judge;
use super::sysctl;
use super::variable::Variable;

/// Why an option without a line is refused.
pub const UNKNOWN: &str = "is no option of a network driver that dockgate knows";

/// Go's `strconv.ParseBool` takes these for false.
const FALSE: &[&str] = &["0", "f", "F", "false", "FALSE", "False"];

/// Which values of an option pass.
#[derive(Clone, Copy, Debug)]
enum Passes {
    /// Every one.
    Any,
    /// These.
    Only(&'static [&'static str]),
}

/// What is said of an option: its key, which values pass, and why the others don't.
type Line = (&'static str, Passes, &'static str);

use Passes::{Any, Only};

/// Options of a network.
const OF_NETWORK: &[Line] = &[
    // The network's own interfaces.
    ("com.docker.network.driver.mtu", Any, ""),
    ("com.docker.network.container_iface_prefix", Any, ""),
    ("com.docker.network.enable_ipv4", Any, ""),
    ("com.docker.network.enable_ipv6", Any, ""),
    // How often an interface tells its address, within bounds that the engine sets.
    ("com.docker.network.advertise_addr_nmsgs", Any, ""),
    ("com.docker.network.advertise_addr_ms", Any, ""),
    // Between containers of the network.
    ("com.docker.network.bridge.enable_icc", Any, ""),
    // With which address its containers are seen by others: the host's, or their own.
    ("com.docker.network.bridge.enable_ip_masquerade", Any, ""),
    // The address for ports without one of their own, which every publishing container may choose.
    ("com.docker.network.bridge.host_binding_ipv4", Any, ""),
    ("com.docker.network.bridge.host_binding_ipv6", Any, ""),
    // The host gets no address on it.
    ("com.docker.network.bridge.inhibit_ipv4", Any, ""),
    (
        "com.docker.network.bridge.gateway_mode_ipv4",
        Only(&["nat", "isolated"]),
        "opens every port of the network's containers to others, published or not",
    ),
    (
        "com.docker.network.bridge.gateway_mode_ipv6",
        Only(&["nat", "isolated"]),
        "opens every port of the network's containers to others, published or not",
    ),
    (
        "com.docker.network.bridge.default_bridge",
        Only(FALSE),
        "takes docker0, the host's own bridge, and gives it this network's address",
    ),
    (
        "com.docker.network.bridge.name",
        Only(&[]),
        "names a bridge of the host, which it joins where there is one",
    ),
    (
        "com.docker.network.bridge.trusted_host_interfaces",
        Only(&[]),
        "lets in what comes by that interface of the host",
    ),
    ("com.docker.network.host_ipv4", Only(&[]), "sends from that address of the host"),
    ("com.docker.network.host_ipv6", Only(&[]), "sends from that address of the host"),
    // Overlay: an id that is taken is refused by the swarm.
    ("com.docker.network.driver.overlay.vxlanid_list", Any, ""),
    ("encrypted", Any, ""),
    // Macvlan and ipvlan, which must be allowed themselves.
    ("parent", Only(&[]), "is an interface of the host, whose network containers would be in"),
    (
        "macvlan_mode",
        Only(&["bridge", "private", "vepa"]),
        "hands the interface of the host to the container, with all its traffic",
    ),
    ("ipvlan_mode", Only(&["l2", "l3", "l3s"]), UNKNOWN),
    ("ipvlan_flag", Only(&["bridge", "private", "vepa"]), UNKNOWN),
];

/// Options of an endpoint: inside the container.
const OF_ENDPOINT: &[Line] = &[("com.docker.network.endpoint.ifname", Any, "")];

/// A network's options.
pub fn of_network(judge: &mut Judge<'_>, options: &Json<'_>) {
    judge.each_entry(options, |judge, key, value| option(judge, OF_NETWORK, key, value));
}

/// An endpoint's options: `com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.x=1,...` and
/// others.
pub fn of_endpoint(judge: &mut Judge<'_>, options: &Json<'_>) {
    judge.each_entry(options, |judge, key, value| match (key, value) {
        ("com.docker.network.endpoint.sysctls", Json::Text(sysctls)) => {
            for one in sysctls.split(',').filter(|one| !one.is_empty()) {
                // Written in the namespace of the endpoint, which is the container's own.
                sysctl::name(judge, one.split('=').next().unwrap_or(one), true);
            }
        }
        _ => option(judge, OF_ENDPOINT, key, value),
    });
}

/// One option. It is listed by its key, or with its value after a `=`.
fn option(judge: &mut Judge<'_>, lines: &[Line], key: &str, value: &Json<'_>) {
    judge.read_once(value, Keys::Folded);
    let (text, is_text) = match value {
        Json::Text(text) => (text.as_ref(), true),
        Json::Null => ("", true),
        Json::Bool(_) | Json::Integer(_) | Json::Number | Json::List(_) | Json::Object(_) => {
            ("", false)
        }
    };
    let line = lines.iter().find(|(known, _, _)| *known == key);
    let reason = match line {
        Some((_, Any, _)) => return,
        Some((_, Only(values), _)) if values.contains(&text) => return,
        Some((_, Only(_), reason)) => reason,
        None => UNKNOWN,
    };
    let exact = format!("{key}={text}");
    if judge.is_open(key) || is_text && judge.is_open(&exact) {
        return;
    }
    // An item can hold no comma, nor blanks at its end; an empty key is named by no item.
    let is_item = is_text && !text.is_empty() && !text.contains(',') && text.trim() == text;
    let item = match key {
        "" => "*",
        key if line.is_none() || !is_item => key,
        _ => &exact,
    };
    // What a plugin takes may be a secret.
    let shown = if line.is_some() { text } else { "" };
    judge.withhold_for(Variable::NetworkOptions, shown, item, reason);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::json;
    use crate::admission::rules::Rules;

    fn found(options: &str, listed: &str) -> String {
        let rules = Rules::new().with(Variable::NetworkOptions, listed).expect("a list");
        let mut judge = Judge::new(&rules);
        let options = json::read(options.as_bytes()).expect("JSON");
        judge.field(&NETWORK, &options);
        let found: Vec<_> = judge.examined.findings.iter().map(ToString::to_string).collect();
        found.join("; ")
    }

    const NETWORK: crate::admission::field::Field = crate::admission::field::examined(
        "Options",
        crate::admission::field::Rule::By(of_network),
        Variable::NetworkOptions,
        UNKNOWN,
    );

    #[test]
    fn every_key_has_one_line_and_a_reason_where_it_is_withheld() {
        for (index, (key, passes, reason)) in OF_NETWORK.iter().enumerate() {
            let is_first = OF_NETWORK.iter().take(index).all(|(other, _, _)| other != key);
            assert!(is_first, "{key}");
            assert_eq!(matches!(passes, Any), reason.is_empty(), "{key}");
        }
    }

    #[test]
    fn an_option_passes_by_its_value() {
        const MODE: &str = "com.docker.network.bridge.gateway_mode_ipv4";
        let mode = |value: &str, listed: &str| found(&format!(r#"{{"{MODE}":"{value}"}}"#), listed);
        for value in ["nat", "isolated"] {
            assert_eq!(mode(value, ""), "", "{value}");
        }
        for value in ["routed", "nat-unprotected"] {
            let cure = format!("{MODE}={value}");
            assert!(mode(value, "").ends_with(&format!("needs ALLOW_NETWORK_OPTIONS={cure}")));
            assert_eq!((mode(value, &cure), mode(value, MODE)), (String::new(), String::new()));
        }
        assert!(!mode("routed", &format!("{MODE}=nat-unprotected")).is_empty());
        for (value, passes) in [("false", true), ("0", true), ("true", false), ("no", false)] {
            let options = format!(r#"{{"com.docker.network.bridge.default_bridge":"{value}"}}"#);
            assert_eq!(found(&options, "").is_empty(), passes, "{value}");
        }
    }

    #[test]
    fn an_unknown_option_is_refused_for_what_it_is() {
        assert_eq!(
            found(r#"{"x.y":"z"}"#, ""),
            format!(r#"Options["x.y"] {UNKNOWN}: needs ALLOW_NETWORK_OPTIONS=x.y"#)
        );
        assert!(found(r#"{"":"z"}"#, "").ends_with("needs ALLOW_NETWORK_OPTIONS=*"));
        assert_eq!(found(r#"{"x.y":"z","com.docker.network.driver.mtu":"9000"}"#, "x.*"), "");
        assert!(found(r#"{"parent":"a,b"}"#, "").ends_with("needs ALLOW_NETWORK_OPTIONS=parent"));
        assert!(!found(r#"{"parent":["eth0"]}"#, "parent=*").is_empty());
    }
}
