//! `PluginPull`, `PluginUpgrade`, `PluginSet` and `PluginCreate`: a plugin runs as root, with what
//! privileges it is given.

use super::field::{Field, Object, Rule, examined, harmless};
use super::json::Json;
use super::judge::Judge;
use super::shield;
use super::variable::Variable;

/// The body of `PluginPull` and `PluginUpgrade`: `[{Name, Description, Value}]`.
pub const PRIVILEGES: Field = examined(
    "privileges",
    Rule::Each(&Rule::Object(&PRIVILEGE)),
    Variable::PluginPrivileges,
    "is a privilege on the host that the plugin would have",
);

const PRIVILEGE: Object =
    Object::of(&[harmless("Name"), harmless("Description"), harmless("Value")]).then(
        |judge, privilege| {
            let name = privilege.field("Name").and_then(Json::text).unwrap_or_default();
            if judge.is_open(name) {
                shield::plugin_privilege(judge, name);
            } else {
                judge.withhold(name, name);
            }
        },
    );

/// The body of `PluginSet`: `["mount.source=/", ...]`, of which nothing says what it opens.
pub const SETTINGS: Field = examined(
    "settings",
    Rule::By(|judge, value| {
        judge.each_text(value, |judge, setting| {
            if !judge.rules.list(Variable::PluginPrivileges).has_everything() {
                let name = setting.split('=').next().unwrap_or(setting);
                judge.withhold(name, "*");
            }
        });
    }),
    Variable::PluginPrivileges,
    "may change what the plugin reaches on the host",
);

/// `PluginCreate`: an archive that says itself what privileges it has.
pub fn create(judge: &mut Judge<'_>) {
    if !judge.rules.list(Variable::PluginPrivileges).has_everything() {
        let reason = "brings a plugin with what privileges it likes";
        judge.withhold_for(Variable::PluginPrivileges, "", "*", reason);
    }
}
