//! Log drivers: most of them make the daemon, as root, connect to where their options say.

use super::field::{Field, Object, Rule, examined, harmless, harmless_map};
use super::finding::Step;
use super::json::Json;
use super::judge::Judge;
use super::variable::Variable;

/// Drivers that keep logs on this host.
const LOCAL_DRIVERS: &[&str] = &["", "json-file", "local", "journald", "none"];

/// Options of these. Without a type the daemon's own default driver is used, with these options:
/// what is not known here is that one's, and nothing is known of it.
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

const REASON: &str = "is a log driver that may send the log to another host";
const OPTION_REASON: &str = "is no option of a log driver that dockgate knows";

/// The item for the driver that the daemon has as its default, with any options.
const DEFAULT_DRIVER: &str = "default";

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
        Some(value) => {
            return judge
                .step(Step::Field(name_field), |judge| judge.bad_value(value, "is no text"));
        }
    };
    let item = if name.is_empty() { DEFAULT_DRIVER } else { name };
    if judge.is_open(item) {
        return;
    }
    if !LOCAL_DRIVERS.contains(&name) {
        return judge.step(Step::Field(name_field), |judge| judge.withhold(name, name));
    }
    let options = config.field(options_field).and_then(Json::entries).unwrap_or_default();
    for (key, _) in options.iter().filter(|(key, _)| !LOCAL_OPTIONS.contains(&key.as_ref())) {
        judge.step(Step::Field(options_field), |judge| {
            judge.withhold_for(Variable::LogDrivers, key, item, OPTION_REASON);
        });
    }
}
