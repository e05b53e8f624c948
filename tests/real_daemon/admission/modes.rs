//! Mounts that are taken out, requests that are only watched, arguments that nobody looks at.

use libtest_mimic::Failed;
use serde_json::json;

use super::{ask, create, gate, refused, remove, shown};
use crate::Proof;
use crate::lab::Lab;
use crate::process::{HANG, eventually};

pub const PROOFS: &[Proof] = &[
    ("strip takes out the mounts that are not allowed, and leaves every other byte", strips),
    ("strip takes out nothing but mounts", strips_no_more),
    ("audit lets everything pass and says what it would refuse", |lab| {
        watches(lab, "ADMISSION=audit", true)
    }),
    ("off lets everything pass and says nothing", |lab| watches(lab, "ADMISSION=off", false)),
];

/// A number that a reader with floating point would round, and one in a text.
const BODY: &str = r#""Labels":{"n":"9007199254740993","e":"a\u002fb \ud83d\udc33"},"HostConfig":{ "Memory" : 9007199254740993,
    "Binds":["/etc:/e", "plain:/p" ,"bound:/b","//srv/../:/r:ro"],"Mounts" : [{"Type":"bind","Source":"/","Target":"/m"},
    {"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1048577}}, {"Type":"volume","Source":"bound","Target":"/v"}],"ShmSize":67108865}"#;

fn bound(lab: &Lab) -> Result<(), String> {
    let options = r#"{"Name":"bound","DriverOpts":{"type":"none","o":"bind","device":"/etc"}}"#;
    ask(&lab.daemon().endpoint(), "POST", "/volumes/create", options).map(drop)
}

fn strips(lab: &Lab) -> Result<(), Failed> {
    bound(lab)?;
    let gate = gate(lab, "BIND_MOUNT_ACTION=strip")?;
    create(&gate.endpoint(), BODY)?;
    let made = shown(lab, "/containers/box/json")?;
    let config = &made["HostConfig"];
    let got = json!([
        config["Binds"],
        config["Mounts"],
        config["Memory"],
        config["ShmSize"],
        made["Config"]["Labels"]
    ]);
    let expected = json!([
        ["plain:/p"],
        [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1_048_577}}],
        9_007_199_254_740_993_u64,
        67_108_865,
        {"n": "9007199254740993", "e": "a/b \u{1f433}"},
    ]);
    let mut mounts: Vec<_> = made["Mounts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|mount| mount["Destination"].as_str())
        .collect();
    mounts.sort_unstable();
    if got != expected || mounts != ["/p", "/t"] {
        return Err(format!("{got}\nand not {expected}\nmounted: {mounts:?}").into());
    }
    let told = || {
        gate.log().matches("took out of POST /containers/create (BIND_MOUNT_ACTION=strip)").count()
    };
    eventually(HANG, || Ok(told() == 5)).map_err(|_| gate.log())?;
    for entries in [r#""Binds":["/etc:/e"]"#, r#""HostConfig":{"bindſ":["/etc:/e","/etc:/f"]}"#] {
        if !is_read(lab, entries) {
            continue;
        }
        remove(lab)?;
        create(&gate.endpoint(), entries)?;
        let made = shown(lab, "/containers/box/json")?;
        if made["HostConfig"]["Binds"] != json!([]) || made["Mounts"] != json!([]) {
            return Err(format!("{entries}: {made}").into());
        }
    }
    Ok(())
}

/// Not every engine reads the fields of `HostConfig` beside it.
fn is_read(lab: &Lab, entries: &str) -> bool {
    lab.engine().embeds_host_config || entries.contains("HostConfig")
}

fn strips_no_more(lab: &Lab) -> Result<(), Failed> {
    bound(lab)?;
    let gate = gate(lab, "BIND_MOUNT_ACTION=strip")?;
    for (entries, words) in [
        (r#""HostConfig":{"Binds":["/etc:/e"],"Privileged":true}"#, "needs ALLOW_PRIVILEGED=1"),
        (r#""HostConfig":{"Binds":["/etc:/e:rshared"]}"#, "needs ALLOW_MOUNT_PROPAGATION=rshared"),
        (r#""HostConfig":{"Binds":["/etc:/e"],"binds":[]}"#, "more than once"),
        (
            r#""HostConfig":{"Binds":["/etc:/e"]},"Binds":["/:/r"],"PidMode":"host""#,
            "ALLOW_HOST_NAMESPACES=pid",
        ),
        (r#""HostConfig":{"VolumesFrom":["x"]}"#, "needs ALLOW_VOLUMES_FROM=1"),
    ] {
        refused(create(&gate.endpoint(), entries), words)
            .map_err(|why| format!("{entries}: {why}"))?;
    }
    refused(
        ask(
            &gate.endpoint(),
            "POST",
            "/volumes/create",
            r#"{"Name":"b2","DriverOpts":{"type":"none","o":"bind","device":"/etc"}}"#,
        ),
        "needs ALLOW_BIND_MOUNTS=/etc",
    )?;
    Ok(())
}

fn watches(lab: &Lab, policy: &str, is_told: bool) -> Result<(), Failed> {
    bound(lab)?;
    let gate = gate(lab, policy)?;
    for (entries, pointer, value, reason) in [
        (
            r#""HostConfig":{"Privileged":true}"#,
            "/HostConfig/Privileged",
            json!(true),
            "privileged",
        ),
        (
            r#""HostConfig":{"Privileged":true,"privileged":null}"#,
            "/HostConfig/Privileged",
            json!(true),
            "repeated-key",
        ),
        (
            r#""HostConfig":{"Binds":["/etc:/e"]}"#,
            "/HostConfig/Binds",
            json!(["/etc:/e"]),
            "bind-mounts",
        ),
        (
            r#""HostConfig":{"Binds":["bound:/e"]}"#,
            "/HostConfig/Binds",
            json!(["bound:/e"]),
            "bind-mounts",
        ),
        (r#""PidMode":"host""#, "/HostConfig/PidMode", json!("host"), "host-namespaces"),
    ] {
        if !is_read(lab, entries) {
            continue;
        }
        create(&gate.endpoint(), entries).map_err(|why| format!("{entries}: {why}"))?;
        let made = shown(lab, "/containers/box/json")?;
        if made.pointer(pointer) != Some(&value) {
            return Err(format!("{entries}: {made}").into());
        }
        remove(lab)?;
        let told = || {
            gate.log().lines().any(|line| {
                line.contains("would refuse POST /containers/create (ADMISSION=audit)")
                    && line.contains(&format!("reason=\"{reason}\""))
            })
        };
        if is_told {
            eventually(HANG, || Ok(told())).map_err(|_| format!("{entries}: {}", gate.log()))?;
        }
    }
    if !is_told && gate.log().contains("would refuse") { Err(gate.log().into()) } else { Ok(()) }
}
