//! Log drivers: most of them make the daemon, as root, connect to where their options say.

use super::field::{Field, Object, Rule, examined, harmless, harmless_map};
use super::finding::Step;
use super::json::Json;
use super::judge::Judge;
use super::variable::Variable;

/// Drivers that keep logs on this host.
const LOCAL_DRIVERS: &[&str] = &["", "json-file", "local", "journald", "none"];

/// Options of these. Without a type the daemon's own default driver is used, with these options:
/// what is not known here may be where that one connects to.
const LOCAL_OPTIONS: &[&str] = &[
    "max-size",
    "max-file",
    "compress",
    "labels",
    "labels-regex",
    "env",
    "env-regex",
    "tag",
    "mode",
    "max-buffer-size",
    "cache-disabled",
    "cache-max-size",
    "cache-max-file",
    "cache-compress",
    "max-retry",
];

const REASON: &str = "is a log driver, or an option of one, that reaches out from the daemon";

/// `HostConfig.LogConfig`.
pub const LOG_CONFIG: Field =
    examined("LogConfig", Rule::Object(&CONTAINER), Variable::LogDrivers, REASON);
/// `LogDriver` of a service and of the swarm's defaults.
pub const LOG_DRIVER: Field =
    examined("LogDriver", Rule::Object(&SERVICE), Variable::LogDrivers, REASON);

const CONTAINER: Object = Object::of(&[harmless("Type"), harmless_map("Config")])
    .then(|judge, config| driver(judge, config, "Type", "Config"));
const SERVICE: Object = Object::of(&[harmless("Name"), harmless_map("Options")])
    .then(|judge, config| driver(judge, config, "Name", "Options"));

fn driver(
    judge: &mut Judge<'_>,
    config: &Json<'_>,
    name_field: &'static str,
    options_field: &'static str,
) {
    let name = match config.field(name_field) {
        None | Some(Json::Null) => "",
        Some(Json::Text(name)) => name,
        Some(_) => return judge.bad_value("has a driver that is no text"),
    };
    if !name.is_empty() && judge.is_open(name) || judge.is_open("*") {
        return;
    }
    if !LOCAL_DRIVERS.contains(&name) {
        return judge.step(Step::Field(name_field), |judge| judge.withhold(name, name));
    }
    let options = config.field(options_field).and_then(Json::entries).unwrap_or_default();
    for (key, _) in options.iter().filter(|(key, _)| !LOCAL_OPTIONS.contains(&key.as_ref())) {
        let item = if name.is_empty() { "*" } else { name };
        judge.step(Step::Field(options_field), |judge| judge.withhold(key, item));
    }
}
