//! Ports of the host that a container or a service takes.

use super::field::{Field, Rule, examined};
use super::finding::Step;
use super::json::Json;
use super::judge::{Judge, WRONG_TYPE};
use super::rules::port_range;
use super::variable::Variable;
use core::ops::RangeInclusive;

const REASON: &str = "is a port of the host that may not be published";

/// A port that the daemon picks.
const ANY: RangeInclusive<u16> = 0..=0;

/// `HostConfig.PortBindings`: lists of `{HostIp, HostPort}` by the container's port.
pub const PORT_BINDINGS: Field = examined(
    "PortBindings",
    Rule::Values(&Rule::Each(&Rule::By(binding))),
    Variable::PublishPorts,
    REASON,
);

/// `HostConfig.PublishAllPorts`.
pub const PUBLISH_ALL_PORTS: Field = examined(
    "PublishAllPorts",
    Rule::By(|judge, value| match value {
        Json::Bool(true) => port(judge, &ANY),
        Json::Null | Json::Bool(false) => {}
        Json::Integer(_) | Json::Number | Json::Text(_) | Json::List(_) | Json::Object(_) => {
            judge.bad_value(value, WRONG_TYPE);
        }
    }),
    Variable::PublishPorts,
    REASON,
);

/// A service's `PublishedPort`.
pub const PUBLISHED_PORT: Field = examined(
    "PublishedPort",
    Rule::By(|judge, value| match value {
        Json::Null => {}
        Json::Integer(number) => match u16::try_from(*number) {
            Ok(number) => port(judge, &(number..=number)),
            Err(_) => judge.bad_value(value, "is no port"),
        },
        Json::Bool(_) | Json::Number | Json::Text(_) | Json::List(_) | Json::Object(_) => {
            judge.bad_value(value, "is no port");
        }
    }),
    Variable::PublishPorts,
    REASON,
);

/// A service's port without a number of the host's: the swarm picks one.
pub fn of_service(judge: &mut Judge<'_>, service_port: &Json<'_>) {
    let published = service_port.field("PublishedPort").unwrap_or(&Json::Null);
    if *published == Json::Null && !judge.rules.publishes(&ANY) {
        let reason = "has no port of the host's, and the swarm would pick one";
        judge.withhold_for(Variable::PublishPorts, "", "0", reason);
    }
}

fn binding(judge: &mut Judge<'_>, binding: &Json<'_>) {
    judge.read_once(binding, super::json::Keys::Folded);
    match binding.field("HostPort") {
        None | Some(Json::Null) => port(judge, &ANY),
        Some(Json::Text(text)) => {
            judge.step(Step::Field("HostPort"), |judge| match text.as_ref() {
                "" => port(judge, &ANY),
                text => match port_range(text) {
                    Some(range) => port(judge, &range),
                    None => judge.bad_text(text, "is no port and no range of ports"),
                },
            });
        }
        Some(value) => {
            judge.step(Step::Field("HostPort"), |judge| judge.bad_value(value, "is no text"));
        }
    }
}

fn port(judge: &mut Judge<'_>, range: &RangeInclusive<u16>) {
    if judge.rules.publishes(range) {
        return;
    }
    let text = if range.start() == range.end() {
        range.start().to_string()
    } else {
        format!("{}-{}", range.start(), range.end())
    };
    judge.withhold(&text, &text);
}
