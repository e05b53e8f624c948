//! Mounts of a container in each of their spellings: `Binds`, `Mounts`, `Tmpfs`, `VolumesFrom`.

use super::field::{Field, Object, Rule, examined, harmless, inside};
use super::finding::Step;
use super::json::{Json, Keys};
use super::judge::Judge;
use super::lookup::{Question, VolumeUse};
use super::own;
use super::variable::Variable;
use super::{shield, volume};

const BIND_REASON: &str = "mounts a path of the host";

/// The CLI's `bind-recursive=writable`.
const WRITABLE_BELOW: &str = "is a path of the host that may only be mounted read-only, and ReadOnlyNonRecursive (bind-recursive=writable) leaves mounts below it writable";

/// `HostConfig.Binds`: `SOURCE:TARGET[:OPTIONS]`, where a source with a leading slash is a path
/// (moby `volume/mounts/linux_parser.go`).
pub const BINDS: Field = examined(
    "Binds",
    Rule::By(|judge, value| judge.each_text(value, bind)),
    Variable::BindMounts,
    BIND_REASON,
);

/// `HostConfig.Mounts`, and a service's.
pub const MOUNTS: Field =
    examined("Mounts", Rule::Each(&Rule::Object(&MOUNT)), Variable::BindMounts, BIND_REASON);

/// `HostConfig.Tmpfs`: options by path.
pub const TMPFS: Field = inside(
    "Tmpfs",
    Rule::By(|judge, value| {
        judge.each_entry(value, |judge, _, options| match options {
            Json::Text(options) => volume::tmpfs_options(judge, options.split(',')),
            Json::Null
            | Json::Bool(_)
            | Json::Integer(_)
            | Json::Number
            | Json::List(_)
            | Json::Object(_) => judge.bad_value(options, "is no text"),
        });
    }),
);

/// `HostConfig.VolumesFrom`.
pub const VOLUMES_FROM: Field = examined(
    "VolumesFrom",
    Rule::By(|judge, value| {
        judge.each_text(value, |judge, container| {
            if !judge.is_open("") {
                return judge.withhold(container, "1");
            }
            let (reference, mode) = match container.split_once(':') {
                Some((reference, mode)) => (reference, format!(":{mode}")),
                None => (container, String::new()),
            };
            own::look_up(judge, "", reference, &mode);
        });
    }),
    Variable::VolumesFrom,
    "takes over every mount of another container",
);

const MOUNT: Object = Object::of(&[
    harmless("Type"),
    harmless("Source"),
    harmless("Target"),
    harmless("ReadOnly"),
    harmless("Consistency"),
    inside("BindOptions", Rule::Object(&BIND_OPTIONS)),
    inside("VolumeOptions", Rule::Object(&VOLUME_OPTIONS)),
    inside("ImageOptions", Rule::Object(&IMAGE_OPTIONS)),
    inside("TmpfsOptions", Rule::Object(&TMPFS_OPTIONS)),
    // Whatever it holds, it belongs to the type `cluster`, which is withheld.
    harmless("ClusterOptions"),
])
.then(mount);

const BIND_OPTIONS: Object = Object::of(&[
    examined(
        "Propagation",
        Rule::Word(&["private", "rprivate"]),
        Variable::MountPropagation,
        "lets mounts cross between host and container",
    ),
    harmless("NonRecursive"),
    // Of a source that is judged.
    harmless("CreateMountpoint"),
    harmless("ReadOnlyNonRecursive"),
    harmless("ReadOnlyForceRecursive"),
]);

const VOLUME_OPTIONS: Object = Object::of(&[
    harmless("NoCopy"),
    super::field::harmless_map("Labels"),
    inside("DriverConfig", Rule::Object(&DRIVER_CONFIG)),
    // Below the volume's own root, which the daemon sees to.
    harmless("Subpath"),
]);

// Judged with the mount, whose `ReadOnly` matters to it.
const DRIVER_CONFIG: Object =
    Object::of(&[harmless("Name"), super::field::harmless_map("Options")]);

const IMAGE_OPTIONS: Object = Object::of(&[harmless("Subpath")]);

const TMPFS_OPTIONS: Object = Object::of(&[
    harmless("SizeBytes"),
    harmless("Mode"),
    inside("Options", Rule::Each(&Rule::By(tmpfs_option))),
]);

/// An option in the form `["exec"]` or `["size", "1m"]`.
fn tmpfs_option(judge: &mut Judge<'_>, value: &Json<'_>) {
    let Json::List(words) = value else {
        return judge.bad_value(value, "is no option in a list of its own");
    };
    match words.iter().map(Json::text).collect::<Option<Vec<_>>>() {
        Some(words) => volume::tmpfs_options(judge, words.join("=").split(',')),
        None => judge.bad_value(value, "is an option that holds more than text"),
    }
}

/// A text anywhere in it that is a template (swarmkit's `template/expand.go` fills in mounts).
fn template(value: &Json<'_>) -> Option<String> {
    let of_text = |text: &str| text.contains("{{").then(|| text.to_owned());
    match value {
        Json::Text(text) => of_text(text),
        Json::List(values) => values.iter().find_map(template),
        Json::Object(entries) => {
            entries.iter().find_map(|(key, value)| of_text(key).or_else(|| template(value)))
        }
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Number => None,
    }
}

/// One of `Mounts`, as a whole: its type decides what its other fields mean.
fn mount(judge: &mut Judge<'_>, mount: &Json<'_>) {
    let before = judge.examined.findings.len();
    let text = |judge: &mut Judge<'_>, name: &'static str| match mount.field(name) {
        None | Some(Json::Null) => String::new(),
        Some(Json::Text(text)) => text.clone().into_owned(),
        Some(value) => {
            judge.step(Step::Field(name), |judge| judge.bad_value(value, "is no text"));
            String::new()
        }
    };
    let (kind, source) = (text(judge, "Type"), text(judge, "Source"));
    if let Some(template) = template(mount) {
        judge.close(&template, "is a template, which a swarm fills in after it was judged");
    }
    let is_read_only = match mount.field("ReadOnly") {
        Some(Json::Bool(on)) => *on,
        None | Some(_) => false,
    };
    let target = text(judge, "Target");
    if kind == "bind" {
        judge.step(Step::Field("Target"), |judge| shield::bind_target(judge, &source, &target));
    }
    match kind.as_str() {
        "bind" => judge.step(Step::Field("Source"), |judge| {
            let options = mount.field("BindOptions");
            let is_writable_below = options
                .and_then(|options| options.field("ReadOnlyNonRecursive"))
                .is_some_and(|value| !value.is_empty());
            if source.starts_with('/') && is_read_only && is_writable_below {
                judge.host_path_because(&source, false, WRITABLE_BELOW);
            } else if source.starts_with('/') {
                judge.host_path(&source, is_read_only);
            } else {
                judge.bad_text(&source, "is no absolute path");
            }
        }),
        "volume" => {
            judge.step(Step::Field("Target"), |judge| shield::volume_target(judge, &target));
            if !source.is_empty() {
                judge.step(Step::Field("Source"), |judge| named(judge, &source, is_read_only));
            }
            let config =
                mount.field("VolumeOptions").and_then(|options| options.field("DriverConfig"));
            if let Some(config @ Json::Object(_)) = config {
                judge.step(Step::Field("VolumeOptions"), |judge| {
                    judge.step(Step::Field("DriverConfig"), |judge| {
                        let (name, options) = (config.field("Name"), config.field("Options"));
                        volume::driver(judge, name, options, "Options", is_read_only);
                    });
                });
            }
        }
        "tmpfs" => {}
        "image" => judge.step(Step::Field("Source"), |judge| {
            super::registry::image(judge, &source);
        }),
        "cluster" => judge.step(Step::Field("Type"), |judge| {
            if !judge.rules.list(Variable::VolumeDrivers).has("cluster") {
                let reason = "mounts a volume of the swarm's storage plugins";
                judge.withhold_for(Variable::VolumeDrivers, "cluster", "cluster", reason);
            }
        }),
        other => judge.step(Step::Field("Type"), |judge| {
            judge.close(other, "is no kind of mount that is known to be safe");
        }),
    }
    judge.mark_mounts(before);
}

/// One of `Binds`.
fn bind(judge: &mut Judge<'_>, text: &str) {
    let before = judge.examined.findings.len();
    let mut parts = text.splitn(3, ':');
    let source = parts.next().unwrap_or_default();
    let Some(target) = parts.next() else {
        // A lone path is an anonymous volume's.
        return shield::volume_target(judge, source);
    };
    let mut is_read_only = false;
    for option in parts.next().unwrap_or_default().split(',') {
        match option {
            "ro" => is_read_only = true,
            // SELinux labels, copying, consistency: of no account to the host.
            "" | "rw" | "z" | "Z" | "nocopy" | "cached" | "delegated" | "consistent"
            | "default" | "private" | "rprivate" => {}
            "shared" | "rshared" | "slave" | "rslave" => volume::propagation(judge, option),
            // Podman tells how it has mounted what it was asked for.
            "nosuid" | "nodev" | "noexec" | "bind" | "rbind" if judge.is_existing() => {}
            option => judge.bad_text(
                option,
                "is no option that a bind takes (they stand behind the second ':')",
            ),
        }
    }
    if source.starts_with('/') {
        shield::bind_target(judge, source, target);
        judge.host_path(source, is_read_only);
    } else {
        shield::volume_target(judge, target);
        named(judge, source, is_read_only);
    }
    judge.mark_mounts(before);
}

/// A volume by name. What it is, only the daemon knows: it may have been made with a bind mount's
/// options.
fn named(judge: &mut Judge<'_>, name: &str, is_read_only: bool) {
    let is_name = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if judge.is_existing() {
        // Among its mounts, by the same name.
    } else if is_name {
        volume(judge, name, is_read_only);
    } else {
        judge.bad_text(name, "is neither a volume's name nor an absolute path");
    }
}

/// Judges the use of a volume by its name.
pub fn volume(judge: &mut Judge<'_>, name: &str, is_read_only: bool) {
    own::volume(judge, name, is_read_only);
    let path = judge.path().to_vec();
    let used = VolumeUse { name: name.to_owned(), path, is_read_only };
    judge.examined.questions.push(Question::Volume(used));
}

/// What the daemon says of a volume (`VolumeInspect`), judged for one that wants to use it; whether
/// it says anything that can be read.
#[must_use]
pub fn existing_volume(judge: &mut Judge<'_>, used: &VolumeUse, volume: &Json<'_>) -> bool {
    let known = volume
        .entries()
        .is_some_and(|entries| super::json::repeated(entries, Keys::Folded).is_none());
    if !known {
        return false;
    }
    let (driver, options) = (volume.field("Driver"), volume.field("Options"));
    judge.at(&used.path, |judge| {
        let before = judge.examined.findings.len();
        volume::driver(judge, driver, options, "Options", used.is_read_only);
        judge.mark_mounts(before);
        for finding in judge.examined.findings.iter_mut().skip(before) {
            // Where the request names it; what the volume is made of is not the client's doing.
            finding.path.clone_from(&used.path);
            finding.value.clone_from(&super::finding::shown(&used.name));
            finding.reason = "is a volume that was made to mount what is not allowed here";
        }
    });
    true
}
