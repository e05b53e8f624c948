//! What dockerd makes of the body of `ContainerCreate`, after Go's `encoding/json` and moby's
//! structs: keys in any case, a field that comes again is decoded into what is there already, null
//! leaves scalars and empties pointers, lists and maps. And what of it reaches the host.
#![expect(clippy::wildcard_enum_match_arm, reason = "any other type is the wrong one")]

use super::reader::{self, Manner, Node, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A value of the wrong type: the daemon refuses the body.
#[derive(Debug)]
pub struct WrongType;

type Decoded = Result<(), WrongType>;

/// Two letters outside ASCII fold to one inside.
pub fn fold(key: &str) -> String {
    key.chars()
        .map(|letter| match letter {
            'A'..='Z' => letter.to_ascii_lowercase(),
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other,
        })
        .collect()
}

/// Go's slice: what was in it stays in the memory behind it, and is decoded into again.
#[derive(Clone, Debug, Default)]
pub struct Slice<T> {
    memory: Vec<T>,
    length: usize,
    is_set: bool,
}

impl<T> Slice<T> {
    fn items(&self) -> &[T] {
        &self.memory[..self.length]
    }
}

type Map = Option<BTreeMap<String, String>>;

fn text(into: &mut String, node: &Node) -> Decoded {
    match &node.value {
        Value::Null => Ok(()),
        Value::Text(text) => {
            into.clone_from(text);
            Ok(())
        }
        _ => Err(WrongType),
    }
}

fn flag(into: &mut bool, node: &Node) -> Decoded {
    match &node.value {
        Value::Null => Ok(()),
        Value::Bool(on) => {
            *into = *on;
            Ok(())
        }
        _ => Err(WrongType),
    }
}

/// Only its sign matters here.
fn sign(into: &mut bool, node: &Node) -> Decoded {
    match &node.value {
        Value::Null => Ok(()),
        Value::Number(number) if !number.contains(['.', 'e', 'E']) => {
            *into = number.starts_with('-') && number != "-0";
            Ok(())
        }
        _ => Err(WrongType),
    }
}

fn slice<T: Default>(
    into: &mut Slice<T>,
    node: &Node,
    element: fn(&mut T, &Node) -> Decoded,
) -> Decoded {
    match &node.value {
        Value::Null => {
            *into = Slice::default();
            Ok(())
        }
        Value::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                if index >= into.memory.len() {
                    into.memory.push(T::default());
                }
                element(&mut into.memory[index], node)?;
            }
            if nodes.is_empty() {
                into.memory.clear();
            }
            (into.length, into.is_set) = (nodes.len(), true);
            Ok(())
        }
        _ => Err(WrongType),
    }
}

/// moby's `strslice.StrSlice`: made anew each time, and one text stands for a list of one.
fn words(into: &mut Slice<String>, node: &Node) -> Decoded {
    *into = Slice::default();
    if let Value::Text(word) = &node.value {
        *into = Slice { memory: vec![word.clone()], length: 1, is_set: true };
        return Ok(());
    }
    slice(into, node, text)
}

fn map(into: &mut Map, node: &Node) -> Decoded {
    match &node.value {
        Value::Null => {
            *into = None;
            Ok(())
        }
        Value::Object(entries) => {
            let map = into.get_or_insert_default();
            for (key, node) in entries {
                let mut value = String::new();
                text(&mut value, node)?;
                map.insert(key.clone(), value);
            }
            Ok(())
        }
        _ => Err(WrongType),
    }
}

fn pointer<T: Default>(
    into: &mut Option<T>,
    node: &Node,
    decode: fn(&mut T, &Node) -> Decoded,
) -> Decoded {
    if matches!(node.value, Value::Null) {
        *into = None;
        return Ok(());
    }
    decode(into.get_or_insert_default(), node)
}

/// Decodes an object, field by field; null changes nothing.
fn fields(node: &Node, mut field: impl FnMut(&str, &Node) -> Decoded) -> Decoded {
    match &node.value {
        Value::Null => Ok(()),
        Value::Object(entries) => {
            entries.iter().try_for_each(|(key, node)| field(&fold(key), node))
        }
        _ => Err(WrongType),
    }
}

#[derive(Clone, Debug, Default)]
struct Driver {
    name: String,
    options: Map,
}

#[derive(Clone, Debug, Default)]
struct VolumeOptions {
    driver: Option<Driver>,
}

#[derive(Clone, Debug, Default)]
struct Mount {
    kind: String,
    source: String,
    propagation: Option<String>,
    volume: Option<VolumeOptions>,
}

fn mount(into: &mut Mount, node: &Node) -> Decoded {
    fields(node, |name, node| match name {
        "type" => text(&mut into.kind, node),
        "source" => text(&mut into.source, node),
        "bindoptions" => pointer(&mut into.propagation, node, |into, node| {
            fields(node, |name, node| match name {
                "propagation" => text(into, node),
                _ => Ok(()),
            })
        }),
        "volumeoptions" => pointer(&mut into.volume, node, |into, node| {
            fields(node, |name, node| match name {
                "driverconfig" => pointer(&mut into.driver, node, |into, node| {
                    fields(node, |name, node| match name {
                        "name" => text(&mut into.name, node),
                        "options" => map(&mut into.options, node),
                        _ => Ok(()),
                    })
                }),
                _ => Ok(()),
            })
        }),
        _ => Ok(()),
    })
}

/// What matters of moby's `HostConfig`.
#[derive(Clone, Debug, Default)]
pub struct HostConfig {
    pub readonly_rootfs: bool,
    privileged: bool,
    oom_kill_disable: Option<bool>,
    oom_score_is_negative: bool,
    texts: BTreeMap<&'static str, String>,
    lists: BTreeMap<&'static str, Slice<String>>,
    maps: BTreeMap<&'static str, Map>,
    mounts: Slice<Mount>,
    devices: Slice<String>,
    device_requests: Slice<()>,
    log_type: String,
}

const TEXTS: [&str; 9] = [
    "cgroup",
    "cgroupnsmode",
    "cgroupparent",
    "ipcmode",
    "networkmode",
    "pidmode",
    "runtime",
    "usernsmode",
    "utsmode",
];
const LISTS: [&str; 6] =
    ["binds", "devicecgrouprules", "maskedpaths", "readonlypaths", "securityopt", "volumesfrom"];
const WORD_LISTS: [&str; 2] = ["capabilities", "capadd"];
const MAPS: [&str; 2] = ["annotations", "sysctls"];

impl HostConfig {
    /// Decodes one field; `None` if it is none of those that matter.
    fn field(&mut self, name: &str, node: &Node) -> Option<Decoded> {
        if let Some(&name) = TEXTS.iter().chain(&["volumedriver"]).find(|&&known| known == name) {
            return Some(text(self.texts.entry(name).or_default(), node));
        }
        if let Some(&name) = LISTS.iter().find(|&&known| known == name) {
            return Some(slice(self.lists.entry(name).or_default(), node, text));
        }
        if let Some(&name) = WORD_LISTS.iter().find(|&&known| known == name) {
            return Some(words(self.lists.entry(name).or_default(), node));
        }
        if let Some(&name) = MAPS.iter().find(|&&known| known == name) {
            return Some(map(self.maps.entry(name).or_default(), node));
        }
        Some(match name {
            "readonlyrootfs" => flag(&mut self.readonly_rootfs, node),
            "privileged" => flag(&mut self.privileged, node),
            "oomkilldisable" => pointer(&mut self.oom_kill_disable, node, flag),
            "oomscoreadj" => sign(&mut self.oom_score_is_negative, node),
            "mounts" => slice(&mut self.mounts, node, mount),
            "devices" => slice(&mut self.devices, node, |path, node| {
                fields(node, |name, node| match name {
                    "pathonhost" => text(path, node),
                    _ => Ok(()),
                })
            }),
            "devicerequests" => {
                slice(&mut self.device_requests, node, |(), node| fields(node, |_, _| Ok(())))
            }
            "logconfig" => fields(node, |name, node| match name {
                "type" => text(&mut self.log_type, node),
                _ => Ok(()),
            }),
            _ => return None,
        })
    }

    fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    fn list(&self, name: &str) -> &[String] {
        self.lists.get(name).map_or(&[], Slice::items)
    }
}

/// How a daemon takes fields of `HostConfig` that stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Up to 26: it obeys them where there is no `HostConfig`, and one of them even where there is.
    Old,
    /// From 27 on: it does not know them.
    New,
}

/// Options of a network's driver, by network.
type Networks = BTreeMap<String, Map>;

#[derive(Clone, Debug, Default)]
struct NetworkingConfig {
    endpoints: Networks,
}

/// What a container is made with.
#[derive(Clone, Debug, Default)]
pub struct Effective {
    pub host: HostConfig,
    endpoints: Networks,
}

/// What a daemon would make of a body; `None` where it refuses it.
pub fn effective(body: &[u8], generation: Generation) -> Option<Effective> {
    let node = reader::read(body, Manner::AsGo)?;
    let mut inner: Option<HostConfig> = None;
    let mut beside: Option<HostConfig> = None;
    let mut networking: Option<NetworkingConfig> = None;
    let decoded = fields(&node, |name, node| match name {
        "hostconfig" => pointer(&mut inner, node, |host, node| {
            fields(node, |name, node| host.field(name, node).unwrap_or(Ok(())))
        }),
        "networkingconfig" => pointer(&mut networking, node, |config, node| {
            fields(node, |name, node| match name {
                "endpointsconfig" => networks(&mut config.endpoints, node),
                _ => Ok(()),
            })
        }),
        _ if generation == Generation::Old => {
            let mut host = beside.clone().unwrap_or_default();
            match host.field(name, node) {
                Some(decoded) => {
                    beside = Some(host);
                    decoded
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    });
    decoded.ok()?;
    let driver = beside.as_ref().map(|host| host.text("volumedriver").to_owned());
    let mut host = inner.or(beside).unwrap_or_default();
    if let Some(driver) = driver.filter(|_| host.text("volumedriver").is_empty()) {
        host.texts.insert("volumedriver", driver);
    }
    Some(Effective { host, endpoints: networking.unwrap_or_default().endpoints })
}

fn networks(into: &mut Networks, node: &Node) -> Decoded {
    let entries = match &node.value {
        Value::Null => {
            into.clear();
            return Ok(());
        }
        Value::Object(entries) => entries,
        _ => return Err(WrongType),
    };
    for (key, node) in entries {
        let mut options = Map::default();
        fields(node, |name, node| match name {
            "driveropts" => map(&mut options, node),
            _ => Ok(()),
        })?;
        into.insert(key.clone(), options);
    }
    Ok(())
}

/// What may be mounted beside what every client may have.
pub type Allowed<'a> = &'a [&'a str];

impl Effective {
    /// Names of volumes that it uses: what they are must be asked.
    pub fn volumes(&self) -> BTreeSet<String> {
        let binds = self.host.list("binds").iter().filter_map(|bind| {
            let (source, _) = bind.split_once(':')?;
            (!source.starts_with('/')).then(|| source.to_owned())
        });
        let mounts = self.host.mounts.items().iter().filter(|mount| mount.kind == "volume");
        let names = mounts.map(|mount| mount.source.clone()).filter(|name| !name.is_empty());
        binds.chain(names).collect()
    }

    /// What no client may have without a variable.
    pub fn forbidden(&self, allowed: Allowed<'_>) -> Vec<String> {
        let host = &self.host;
        let mut found: Vec<String> = Vec::new();
        let mut say = |is_forbidden: bool, what: &str| {
            if is_forbidden {
                found.push(what.to_owned());
            }
        };
        say(host.privileged, "privileged");
        say(host.oom_kill_disable == Some(true), "spared");
        say(host.oom_score_is_negative, "spared");
        say(!host.devices.items().is_empty(), "devices");
        say(!host.device_requests.items().is_empty(), "device requests");
        for name in ["devicecgrouprules", "volumesfrom"] {
            say(host.list(name).iter().any(|item| !item.is_empty()), name);
        }
        let mode = host.text("networkmode");
        let is_own_network = mode != "host" && !mode.starts_with("container:");
        for name in MAPS {
            let map = host.maps.get(name).and_then(Option::as_ref);
            let is_harmless = |key: &String| match name {
                // The kernel's files below /proc/sys/net, in a namespace of the container's own.
                "sysctls" => is_own_network && key.starts_with("net.") && !key.contains('/'),
                _ => key.starts_with("org.opencontainers.image."),
            };
            say(map.is_some_and(|map| !map.keys().all(is_harmless)), name);
        }
        for name in WORD_LISTS {
            let gains = |word: &String| !word.is_empty() && !has_by_default(word);
            say(host.list(name).iter().any(gains), name);
        }
        for option in host.list("securityopt") {
            say(!confines(option), option);
        }
        for (name, sample) in [("maskedpaths", "/proc/kcore"), ("readonlypaths", "/proc/sys")] {
            let is_set = host.lists.get(name).is_some_and(|list| list.is_set);
            say(is_set && !host.list(name).iter().any(|path| path == sample), name);
        }
        for name in ["cgroupnsmode", "ipcmode", "networkmode", "pidmode", "usernsmode", "utsmode"] {
            let mode = host.text(name);
            say(mode == "host" || mode.starts_with("container:"), name);
        }
        say(!host.text("cgroup").is_empty(), "cgroup");
        say(!host.text("cgroupparent").is_empty(), "cgroup parent");
        say(!["", "runc", "io.containerd.runc.v2"].contains(&host.text("runtime")), "runtime");
        say(!["", "local"].contains(&host.text("volumedriver")), "volume driver");
        let is_local = ["", "json-file", "local", "journald", "none"];
        say(!is_local.contains(&host.log_type.as_str()), "log driver");
        for (name, options) in &self.endpoints {
            say(name == "host" || name.starts_with("container:"), "endpoint");
            say(options.as_ref().is_some_and(|options| !options.is_empty()), "endpoint options");
        }
        for bind in host.list("binds") {
            say(is_forbidden_bind(bind, allowed), bind);
        }
        for mount in host.mounts.items() {
            say(is_forbidden_mount(mount, allowed), &format!("{mount:?}"));
        }
        found
    }
}

fn has_by_default(capability: &str) -> bool {
    const DEFAULT: [&str; 14] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    let name = capability.to_uppercase();
    DEFAULT.contains(&name.strip_prefix("CAP_").unwrap_or(&name))
}

fn confines(option: &str) -> bool {
    ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"].contains(&option)
        || ["apparmor=docker-default", "seccomp=builtin", "seccomp:builtin"].contains(&option)
}

/// A bind, as it would be mounted: three parts at most, the first of which is a path or a name.
pub fn is_forbidden_bind(bind: &str, allowed: Allowed<'_>) -> bool {
    let parts: Vec<&str> = bind.split(':').collect();
    let crosses = |part: &&str| {
        part.split(',').any(|word| ["shared", "rshared", "slave", "rslave"].contains(&word))
    };
    match parts.as_slice() {
        [] | [_] => false,
        [source, rest @ ..] => {
            source.starts_with('/') && !is_below(source, allowed)
                || rest.iter().skip(1).any(crosses)
        }
    }
}

fn is_forbidden_mount(mount: &Mount, allowed: Allowed<'_>) -> bool {
    match mount.kind.as_str() {
        "bind" => {
            let propagation = mount.propagation.as_deref().unwrap_or_default();
            !is_below(&mount.source, allowed) || !["", "private", "rprivate"].contains(&propagation)
        }
        "volume" => {
            let driver =
                mount.volume.clone().and_then(|options| options.driver).unwrap_or_default();
            let options = driver.options.unwrap_or_default();
            let option = |name: &str| options.get(name).map_or("", String::as_str);
            let mounts = !option("device").is_empty() && option("type") != "tmpfs";
            let binds = option("o").split(',').any(|word| ["bind", "rbind"].contains(&word));
            !["", "local"].contains(&driver.name.as_str())
                || (mounts || binds) && !is_below(option("device"), allowed)
        }
        "tmpfs" | "image" => false,
        _ => true,
    }
}

/// Go's `path.Clean`, and whether that is below one of the paths.
fn is_below(path: &str, allowed: Allowed<'_>) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let clean = format!("/{}/", parts.join("/"));
    allowed.iter().any(|root| clean.starts_with(&format!("{root}/")))
}
