//! Volumes: the local driver's options are a mount(2) in disguise, other drivers are plugins that
//! run as root. `VolumeCreate`, `VolumeUpdate`, the driver of a mount, and what the daemon says of
//! a volume that exists are judged alike.

use super::field::{Field, Object, Rule, examined, harmless, harmless_map};
use super::finding::Step;
use super::host_path;
use super::json::Json;
use super::judge::Judge;
use super::lookup::{Question, VolumeUse};
use super::variable::Variable;

/// Podman's words for whether a tmpfs begins with what it hides; it tells them of what it has made.
const COPIES: &[&str] = &["tmpcopyup", "notmpcopyup"];

/// Options of a mount that name no device, open nothing and follow nothing (mount(8)).
const PLAIN_OPTIONS: &[&str] = &[
    "defaults",
    "ro",
    "rw",
    "nosuid",
    "nodev",
    "noexec",
    "sync",
    "async",
    "dirsync",
    "noatime",
    "atime",
    "nodiratime",
    "diratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "mand",
    "nomand",
];

/// A tmpfs takes this beside them: its programs run in the container, as those of its root and of
/// every volume do (moby `pkg/mount`: `noexec` is only the default).
const TMPFS_FLAGS: &[&str] = &["exec"];

/// And these, each with a value (tmpfs(5)).
const TMPFS_OPTIONS: &[&str] = &["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks"];

/// Options that make a mount a bind mount, whatever its type says (mount(2), `MS_BIND`).
const BIND_OPTIONS: &[&str] = &["bind", "rbind"];

/// Options that let mounts cross between host and container.
const PROPAGATION_OPTIONS: &[&str] = &["shared", "rshared", "slave", "rslave"];

/// Options that keep them apart.
const PRIVATE_OPTIONS: &[&str] = &["private", "rprivate", "unbindable", "runbindable"];

const DRIVER_REASON: &str = "is a volume driver: a plugin that runs as root on the host";

/// The body of `VolumeCreate`.
pub const VOLUME_CREATE: Object = Object::of(&[
    harmless("Name"),
    harmless("Driver"),
    harmless_map("DriverOpts"),
    harmless_map("Labels"),
    CLUSTER_SPEC,
])
.then(|judge, body| {
    driver(judge, body.field("Driver"), body.field("DriverOpts"), "DriverOpts", false);
});

/// What is asked where `VolumeDelete` is forced. The daemon then forgets a volume that its driver
/// could not remove: its options are lost, but it is still mounted by them, and looks like an ordinary
/// one from then on (moby `daemon/volume/service/store.go`, `Remove` with `PurgeOnError`).
pub fn question(name: &str, _: Option<&[u8]>) -> Question {
    Question::Volume(VolumeUse { name: name.to_owned(), path: Vec::new(), is_read_only: false })
}

/// The body of `VolumeUpdate`.
pub const VOLUME_UPDATE: Object = Object::of(&[Field { name: "Spec", ..CLUSTER_SPEC }]);

const CLUSTER_SPEC: Field = examined(
    "ClusterVolumeSpec",
    Rule::By(|judge, spec| {
        if !spec.is_empty() && !judge.is_open("cluster") {
            judge.withhold("", "cluster");
        }
        judge.read_once(spec, super::json::Keys::Folded);
    }),
    Variable::VolumeDrivers,
    "is a cluster volume, which the swarm's storage plugins mount",
);

/// A driver by itself, where its options stand elsewhere (`HostConfig.VolumeDriver`).
pub const VOLUME_DRIVER: Field =
    examined("VolumeDriver", Rule::Word(&["local"]), Variable::VolumeDrivers, DRIVER_REASON);

/// Judges a driver with its options, which stand in the field `options_name`.
pub fn driver(
    judge: &mut Judge<'_>,
    name: Option<&Json<'_>>,
    options: Option<&Json<'_>>,
    options_name: &'static str,
    is_read_only: bool,
) {
    let name = match name {
        None | Some(Json::Null) => "",
        Some(Json::Text(name)) => name,
        Some(value) => return judge.bad_value(value, "is a driver's name that is no text"),
    };
    if !matches!(name, "" | "local") {
        if !judge.rules.list(Variable::VolumeDrivers).has(name) {
            judge.withhold_for(Variable::VolumeDrivers, name, name, DRIVER_REASON);
        }
        // What a plugin makes of its options, only it knows.
        return judge.read_once(options.unwrap_or(&Json::Null), super::json::Keys::Exact);
    }
    let mut mount = LocalMount::default();
    judge.step(Step::Field(options_name), |judge| {
        judge.each_entry(options.unwrap_or(&Json::Null), |judge, key, value| {
            let Json::Text(value) = value else {
                return judge.bad_value(value, "is no text");
            };
            match key {
                "type" => mount.kind = value.clone().into_owned(),
                "device" => mount.device = Some(value.clone().into_owned()),
                "o" => mount.options = value.clone().into_owned(),
                // A quota.
                "size" => {}
                _ => judge.bad_text(
                    "",
                    "is no option of the local volume driver (type, o, device, size)",
                ),
            }
        });
        mount.judge(judge, is_read_only);
    });
}

/// What the local driver will mount (moby `daemon/volume/local`).
#[derive(Default)]
struct LocalMount {
    kind: String,
    device: Option<String>,
    options: String,
}

impl LocalMount {
    fn judge(&self, judge: &mut Judge<'_>, is_read_only: bool) {
        // A flag counts as it is written alone: with a value it is data for the file system (moby
        // `sys/mount`, `parseOptions`), which may well take no notice of it.
        let words = || self.options.split(',');
        let has = |known: &[&str]| words().any(|word| known.contains(&word));
        let kind = if has(BIND_OPTIONS) { "" } else { self.kind.as_str() };
        let Some(device) = &self.device else {
            // Without a device nothing is mounted; the daemon wants both or none of them.
            return if !self.kind.is_empty() || !self.options.is_empty() {
                judge.bad_text(
                    if self.kind.is_empty() { &self.options } else { &self.kind },
                    "is a type, or options, without a device",
                );
            };
        };
        for word in words().filter(|word| PROPAGATION_OPTIONS.contains(word)) {
            propagation(judge, word);
        }
        match kind {
            "tmpfs" => tmpfs_options(judge, self.options.split(',')),
            "" | "none" | "bind" => {
                // Anything but a bind mount has no type only by mistake, and is judged as one.
                let known: [&[&str]; 4] =
                    [BIND_OPTIONS, PLAIN_OPTIONS, PROPAGATION_OPTIONS, PRIVATE_OPTIONS];
                let is_strange = |word: &&str| {
                    !word.is_empty() && !known.iter().any(|known| known.contains(word))
                };
                if let Some(word) = words().find(is_strange) {
                    let word = word.split('=').next().unwrap_or(word);
                    return judge.bad_text(word, "is no option that a bind mount takes");
                }
                // Of what `rbind` brings along, `ro` makes only the top read-only.
                let is = |word| words().any(|option| option == word);
                let is_read_only = is_read_only || is("ro") && !is("rw") && !is("rbind");
                // The kernel walks this path, following what links it finds before a `..`.
                if device.starts_with('/') && !host_path::has_dots(device) {
                    judge.host_path(device, is_read_only);
                } else {
                    judge.bad_text(
                        device,
                        "is a path to bind that is not absolute, or has . or .. in it",
                    );
                }
            }
            kind => {
                let item = format!("local:{kind}");
                if !judge.rules.list(Variable::VolumeDrivers).has(&item) {
                    let reason = "is mounted by the daemon on the host";
                    judge.withhold_for(Variable::VolumeDrivers, kind, &item, reason);
                }
            }
        }
    }
}

/// Judges a word that lets mounts cross.
pub fn propagation(judge: &mut Judge<'_>, word: &str) {
    if !judge.rules.list(Variable::MountPropagation).has(word) {
        let reason = "lets mounts cross between host and container";
        judge.withhold_for(Variable::MountPropagation, word, word, reason);
    }
}

/// Judges a word that a tmpfs does not plainly take: `suid`, `dev`, or none at all.
pub fn tmpfs_option(judge: &mut Judge<'_>, word: &str) {
    if !matches!(word, "suid" | "dev") {
        return judge.close(word, "is no option that a tmpfs may have");
    }
    if !judge.rules.list(Variable::TmpfsOptions).has(word) {
        let reason = "lets a tmpfs hold set-user-ID files or devices";
        judge.withhold_for(Variable::TmpfsOptions, word, word, reason);
    }
}

/// Judges the options of a tmpfs as the engine takes them: `size=64m,exec`.
pub fn tmpfs_options<'o>(judge: &mut Judge<'_>, options: impl Iterator<Item = &'o str>) {
    for option in options {
        let is_plain = match option.split_once('=') {
            None => {
                option.is_empty()
                    || PLAIN_OPTIONS.contains(&option)
                    || TMPFS_FLAGS.contains(&option)
                    || PRIVATE_OPTIONS.contains(&option)
                    || judge.is_existing() && COPIES.contains(&option)
            }
            Some((word, value)) => {
                TMPFS_OPTIONS.contains(&word)
                    && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%')
            }
        };
        if !is_plain {
            tmpfs_option(judge, option.split('=').next().unwrap_or(option));
        }
    }
}
