//! Random mixtures of dangerous and harmless arguments, spelt at random: whatever gets through, no
//! container that the daemon then has can do anything to the host. What counts is what the daemon
//! says of each of them, by a reading that shares nothing with the gate.

use libtest_mimic::Failed;
use serde_json::Value;

use super::row::{Opened, Row};
use super::spellings::{self, KEYS, Key};
use super::{gate, of_create, shown};
use crate::Proof;
use crate::http::Connection;
use crate::lab::Lab;
use crate::random::Dice;

pub const PROOFS: &[Proof] = &[
    ("whatever arguments are mixed, no container that comes of it can reach the host", mixtures),
    ("the reading of what came of it knows a dangerous container when it sees one", reading),
];

const REQUESTS: usize = 400;

/// Fields as they may be, or nearly.
const HARMLESS: [(&str, &str); 36] = [
    ("Privileged", "false"),
    ("Privileged", "null"),
    ("Binds", r#"["named:/n"]"#),
    ("Binds", r#"["/alone"]"#),
    ("Binds", "null"),
    ("Mounts", r#"[{"Type":"volume","Source":"named","Target":"/m"}]"#),
    ("Mounts", r#"[{"Type":"tmpfs","Target":"/m","TmpfsOptions":{"SizeBytes":65536}}]"#),
    (
        "Mounts",
        r#"[{"Type":"volume","Target":"/m","VolumeOptions":{"DriverConfig":{"Name":"local"}}}]"#,
    ),
    ("Tmpfs", r#"{"/t":"noexec,size=1m"}"#),
    ("VolumeDriver", r#""local""#),
    ("VolumesFrom", "[]"),
    ("CapAdd", r#"["chown","CAP_KILL"]"#),
    ("CapAdd", r#""MKNOD""#),
    ("CapDrop", r#"["ALL"]"#),
    ("SecurityOpt", r#"["no-new-privileges:true"]"#),
    ("SecurityOpt", "null"),
    ("MaskedPaths", "null"),
    ("Devices", "[]"),
    ("NetworkMode", r#""none""#),
    ("NetworkMode", r#""""#),
    ("PidMode", r#""""#),
    ("PidMode", r#""private""#),
    ("IpcMode", r#""private""#),
    ("IpcMode", r#""shareable""#),
    ("UTSMode", r#""""#),
    ("UsernsMode", "null"),
    ("Runtime", r#""runc""#),
    ("CgroupParent", r#""""#),
    ("LogConfig", r#"{"Type":"json-file","Config":{"max-size":"1m"}}"#),
    ("OomScoreAdj", "500"),
    ("OomKillDisable", "false"),
    ("Sysctls", "{}"),
    ("Memory", "16777216"),
    ("RestartPolicy", r#"{"Name":"on-failure"}"#),
    ("GroupAdd", r#"["0"]"#),
    ("Novel", r#"{"Privileged":true}"#),
];

fn mixtures(lab: &Lab) -> Result<(), Failed> {
    let gate = gate(lab, "")?;
    let mut connection = gate.endpoint().connect()?;
    let mut dice = Dice(0xad31_5510);
    let (mut created, mut refused) = (0, 0);
    for number in 0..REQUESTS {
        let body = body(&mut dice);
        let target = format!(
            "{}/containers/create?name=n{number}",
            dice.pick(&["", "", "/v1.41", "/v1.40", "/v1.24"])
        );
        let answer = connection.ask("POST", &target, &body)?;
        if answer.header("Connection") == Some("close") {
            connection = gate.endpoint().connect()?;
        }
        match answer.status {
            201 => {
                created += 1;
                // While it is fresh what it was asked for can be told.
                let container = shown(lab, &format!("/containers/n{number}/json"))?;
                confined(&container).map_err(|why| format!("{why}\ncame of {body}"))?;
            }
            _ => refused += 1,
        }
    }
    let daemon = &mut lab.daemon().endpoint().connect()?;
    let left = list(daemon, "/containers/json?all=1")?.as_array().map_or(0, Vec::len);
    let volumes = list(daemon, "/volumes")?;
    let is_made =
        |volume: &&Value| volume["Options"].as_object().is_some_and(|map| !map.is_empty());
    let made = volumes["Volumes"].as_array().and_then(|all| all.iter().find(is_made));
    if let Some(volume) = made {
        return Err(format!("a volume came of it: {volume}").into());
    }
    // Nothing but refusals, or none, would prove nothing.
    if left != created || created < 50 || refused < 100 {
        return Err(format!("{created} created, {left} left, {refused} refused").into());
    }
    Ok(())
}

fn list(connection: &mut Connection, target: &str) -> Result<Value, Failed> {
    Ok(serde_json::from_str(&connection.ask("GET", target, "")?.body)?)
}

/// A body with a few fields, each written in some way, in some place.
fn body(dice: &mut Dice) -> String {
    let is_wild = dice.one_in(2);
    let (mut inner, mut outer) = (Vec::new(), Vec::new());
    for _ in 0..=dice.below(4) {
        let (field, value) = if is_wild && dice.one_in(3) {
            let row: &Row = &of_create::ROWS[dice.below(of_create::ROWS.len())];
            (row.field, mutated(dice, row.value))
        } else {
            let (field, value) = HARMLESS[dice.below(HARMLESS.len())];
            (field, value.to_owned())
        };
        let entry = entry(dice, field, &value);
        let entries = if dice.one_in(8) { &mut outer } else { &mut inner };
        entries.push(entry);
    }
    let key = key(dice);
    let object = format!("\"{}\":{{{}}}", key("HostConfig"), inner.join(","));
    match dice.below(if is_wild { 12 } else { 24 }) {
        0 => outer.extend(inner),
        1 => outer.extend([object, format!("\"{}\":{{}}", key("hostconfig"))]),
        2 => outer.extend([format!("\"HostConfig\":{{{}}}", inner.join(",")), object]),
        3 => outer.extend(inner.into_iter().chain(["\"HostConfig\":null".to_owned()])),
        _ => outer.push(object),
    }
    let lead = ["\"Image\":\"bb\"", "\"Cmd\":[\"true\"]"].map(str::to_owned);
    outer.extend(lead);
    let count = outer.len();
    outer.swap(dice.below(count), count - 1);
    format!("{{{}}}", outer.join(","))
}

fn entry(dice: &mut Dice, field: &'static str, value: &str) -> String {
    let key = key(dice);
    let name = key(field);
    // A value that is no JSON any more stays as it is.
    let value = spellings::respelt(value, key).unwrap_or_else(|| value.to_owned());
    if dice.one_in(40) {
        format!("\"{name}\":{value},\"{field}\":null")
    } else {
        format!("\"{name}\":{value}")
    }
}

fn key(dice: &mut Dice) -> Key {
    if dice.one_in(2) { str::to_owned } else { KEYS[dice.below(KEYS.len())].1 }
}

/// A dangerous value, and then perhaps not quite.
fn mutated(dice: &mut Dice, value: &str) -> String {
    let mut value = value.to_owned();
    if dice.one_in(3) {
        let at = dice.below(value.len());
        let odd = match dice.below(4) {
            0 => value[at..=at].to_ascii_uppercase(),
            1 => value[at..=at].to_ascii_lowercase(),
            2 => format!("{} ", &value[at..=at]),
            _ => dice.pick(&["", "/", ".", "..", ":", "=", ",", "\\u0000", "ſ"]).to_owned(),
        };
        value.replace_range(at..=at, &odd);
    }
    value
}

/// Whether a container can do nothing to the host, by what the daemon says of it.
fn confined(container: &Value) -> Result<(), String> {
    let config = &container["HostConfig"];
    let texts = |field: &str| -> Vec<String> {
        let values = config[field].as_array().cloned().unwrap_or_default();
        values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    };
    let is = |field: &str, plain: &[&str]| {
        config[field].as_str().is_none_or(|text| plain.contains(&text))
    };
    let capabilities = ["CHOWN", "KILL", "MKNOD"];
    let mounts = container["Mounts"].as_array().cloned().unwrap_or_default();
    let asked = config["Mounts"].as_array().cloned().unwrap_or_default();
    let has_defaults = |field: &str, least: usize| texts(field).len() >= least;
    let tmpfs = config["Tmpfs"].to_string();
    let network = config["NetworkMode"].to_string().to_lowercase().replace('"', "");
    let checks = [
        ("Privileged", config["Privileged"] == false),
        ("Binds", texts("Binds").iter().all(|bind| !bind.starts_with('/') || !bind.contains(':'))),
        (
            "Mounts",
            mounts.iter().all(|mount| mount["Type"] == "volume" || mount["Type"] == "tmpfs"),
        ),
        ("Mounts", asked.iter().all(|mount| mount["Type"] == "volume" || mount["Type"] == "tmpfs")),
        (
            "DriverConfig",
            asked.iter().all(|mount| is_empty(&mount["VolumeOptions"]["DriverConfig"]["Options"])),
        ),
        ("VolumesFrom", is_empty(&config["VolumesFrom"])),
        ("VolumeDriver", is("VolumeDriver", &["", "local"])),
        (
            "Tmpfs",
            ["exec", "suid", "dev"]
                .iter()
                .all(|word| !tmpfs.split(['"', ',', ':']).any(|option| option == *word)),
        ),
        ("TmpfsOptions", asked.iter().all(|mount| is_empty(&mount["TmpfsOptions"]["Options"]))),
        ("Annotations", is_empty(&config["Annotations"])),
        ("Devices", is_empty(&config["Devices"])),
        ("DeviceCgroupRules", is_empty(&config["DeviceCgroupRules"])),
        ("DeviceRequests", is_empty(&config["DeviceRequests"])),
        (
            "CapAdd",
            texts("CapAdd").iter().all(|name| {
                let name = name.to_uppercase();
                capabilities.contains(&name.trim_start_matches("CAP_"))
            }),
        ),
        (
            "SecurityOpt",
            texts("SecurityOpt").iter().all(|option| {
                option.starts_with("no-new-privileges")
                    && !option.contains('f')
                    && !option.contains('F')
            }),
        ),
        ("MaskedPaths", has_defaults("MaskedPaths", 10)),
        ("ReadonlyPaths", has_defaults("ReadonlyPaths", 5)),
        ("Sysctls", is_empty(&config["Sysctls"])),
        // Any other is a network's name.
        ("NetworkMode", !network.starts_with("container") && network.trim() != "host"),
        ("Networks", container["NetworkSettings"]["Networks"]["host"].is_null()),
        ("PidMode", is("PidMode", &["", "private"])),
        ("IpcMode", is("IpcMode", &["private", "shareable", "none", ""])),
        ("UTSMode", is("UTSMode", &["", "private"])),
        ("UsernsMode", is("UsernsMode", &["", "private"])),
        ("Cgroup", is_empty(&config["Cgroup"])),
        ("Runtime", is("Runtime", &["runc", ""])),
        ("CgroupParent", is_empty(&config["CgroupParent"])),
        ("LogConfig", config["LogConfig"]["Type"] == "json-file"),
        ("OomScoreAdj", config["OomScoreAdj"].as_i64().is_none_or(|score| score >= 0)),
        ("OomKillDisable", config["OomKillDisable"] != true),
    ];
    match checks.iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(format!("{field} of {config}")),
        None => Ok(()),
    }
}

/// Every row that this daemon obeys, made straight on it.
fn reading(lab: &Lab) -> Result<(), Failed> {
    let daemon = &mut lab.daemon().endpoint().connect()?;
    daemon.ask("POST", "/containers/create?name=other", r#"{"Image":"bb","Cmd":["true"]}"#)?;
    confined(&shown(lab, "/containers/other/json")?)?;
    let mut seen = 0;
    for (number, row) in of_create::ROWS.iter().enumerate() {
        // Where the daemon's default is the host's cgroup namespace it says nothing; one that is
        // named in capitals is none.
        let says_nothing = row.field == "CgroupnsMode" || row.value.contains("HOST");
        if matches!(row.opened(lab.engine()), Opened::NotHere(_)) || says_nothing {
            continue;
        }
        let body = format!(
            r#"{{"Image":"bb","Cmd":["true"],"HostConfig":{{"{}":{}}}}}"#,
            row.field, row.value
        );
        let answer = daemon.ask("POST", &format!("/containers/create?name=n{number}"), &body)?;
        if answer.status != 201 {
            return Err(format!("{body}: {}", answer.body).into());
        }
        if confined(&shown(lab, &format!("/containers/n{number}/json"))?).is_ok() {
            return Err(format!("nothing was seen of {body}").into());
        }
        seen += 1;
    }
    if seen < 60 { Err(format!("only {seen} rows").into()) } else { Ok(()) }
}
