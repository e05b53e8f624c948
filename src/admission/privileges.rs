//! A service's `Privileges`: what confines its containers.

use super::field::{Object, Rule, examined, harmless};
use super::json::{self, Json, Keys};
use super::judge::Judge;
use super::security::profile;
use super::variable::Variable;

/// A service's `Privileges`.
pub const PRIVILEGES: Object = Object::of(&[
    examined(
        "CredentialSpec",
        Rule::By(|judge, value| {
            judge.read_once(value, Keys::Folded);
            if !value.is_empty() && !judge.is_open("credentialspec") {
                judge.withhold("", "credentialspec");
            }
        }),
        Variable::SecurityOpt,
        "gives a credential to the container",
    ),
    examined(
        "SELinuxContext",
        Rule::By(selinux),
        Variable::SecurityOpt,
        "changes the container's SELinux context",
    ),
    examined("Seccomp", Rule::By(seccomp), Variable::SecurityOpt, "loosens the system-call filter"),
    examined(
        "AppArmor",
        Rule::By(|judge, value| service_mode(judge, value, "apparmor=unconfined")),
        Variable::SecurityOpt,
        "loosens the AppArmor profile",
    ),
    harmless("NoNewPrivileges"),
]);

/// `{Disable, User, Role, Type, Level}`, by the items of a container's `label=...`.
fn selinux(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.read_once(value, Keys::Folded);
    for (key, value) in value.entries().unwrap_or_default() {
        let known = ["Disable", "User", "Role", "Type", "Level"];
        let name = known.iter().find(|name| json::is_named(key, name));
        let item = match (name, value.text()) {
            (Some(&"Disable"), _) => "label=disable".to_owned(),
            (Some(name), Some(text)) => format!("label={}:{text}", name.to_ascii_lowercase()),
            (_, _) => "label=*".to_owned(),
        };
        if !value.is_empty() && !judge.is_open(&item) {
            judge.withhold(&item, &item);
        }
    }
}

/// A service's `{"Mode": "default"}`, one that loosens, or one with a profile of the client's own.
fn seccomp(judge: &mut Judge<'_>, value: &Json<'_>) {
    let profile_of = |value: &Json<'_>| match value.field("Profile") {
        Some(Json::Text(text)) if !text.is_empty() => Some(text.clone().into_owned()),
        Some(_) | None => None,
    };
    let is_open = judge.is_open("seccomp=*");
    match profile_of(value) {
        Some(text) => {
            judge.read_once(value, Keys::Folded);
            if !is_open {
                profile(judge, &text);
            }
        }
        None => service_mode(judge, value, "seccomp=unconfined"),
    }
}

/// `{"Mode": "default"}`, or one that loosens: services say "disabled" where containers say
/// "unconfined".
fn service_mode(judge: &mut Judge<'_>, value: &Json<'_>, item: &'static str) {
    judge.read_once(value, Keys::Folded);
    match value.field("Mode") {
        None | Some(Json::Null) => {}
        Some(Json::Text(mode)) => {
            if !matches!(mode.as_ref(), "" | "default") && !judge.is_open(item) {
                judge.withhold(mode, item);
            }
        }
        Some(value) => judge.bad_value(value, "is no text"),
    }
}
