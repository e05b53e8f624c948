//! What a service, a secret or a config could gain, in a real swarm: what a refusal says is needed opens it, and the swarm
//! shows it as it was asked for. That it is refused without is tried where every row is (`matrix.rs`).

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::elsewhere;
use super::row::{NEWER, Opened, Row};
use super::spellings::{entry, framed};
use super::{ask, gate, shown};
use crate::Proof;
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[(
    "what a refusal says a service needs opens it, and the swarm shows it as asked for",
    opened,
)];

/// Where the swarm shows what was asked for, below `Spec`, by the request.
const SHOWN: [(&str, &str); 3] = [
    ("/services/create", "/services/"),
    ("/secrets/create", "/secrets/"),
    ("/configs/create", "/configs/"),
];

/// What this swarm would want beside a leave of the gate's.
const NOT_HERE: [(&str, &str); 3] =
    [("PluginSpec", "a plugin"), ("Runtime", "a plugin"), ("Driver", "a plugin")];

fn opened(lab: &Lab) -> Result<(), Failed> {
    lab.open_swarm()?;
    let mut count = 0;
    for row in elsewhere::ROWS {
        let place = SHOWN.iter().find(|(target, _)| *target == row.place.target);
        let is_too_new = matches!(row.opened(lab.engine()), Opened::NotHere(NEWER));
        let is_left_out = is_too_new || NOT_HERE.iter().any(|(field, _)| *field == row.field);
        let Some((_, shown_at)) = place.filter(|_| !is_left_out) else { continue };
        one(lab, row, shown_at).map_err(|why| format!("{} {}: {why}", row.field, row.value))?;
        count += 1;
    }
    if count < 8 { Err(format!("only {count} rows").into()) } else { Ok(()) }
}

fn one(lab: &Lab, row: &Row, shown_at: &str) -> Result<(), String> {
    let text = |error: serde_json::Error| error.to_string();
    let gate = gate(lab, row.opened_by.or(row.needs).unwrap_or_default())
        .map_err(|error| error.to_string())?;
    let mut body: Value =
        serde_json::from_str(&framed(row.place, str::to_owned, &entry(str::to_owned, row)))
            .map_err(text)?;
    if row.place.target == "/services/create" {
        // None of it is to be run.
        body["Mode"] = json!({"Replicated": {"Replicas": 0}});
        body["TaskTemplate"]["ContainerSpec"]["Image"] = json!("bb");
    }
    let made = ask(&gate.endpoint(), "POST", row.place.target, &body.to_string())?;
    let made: Value = serde_json::from_str(&made).map_err(text)?;
    let id = made["ID"].as_str().ok_or("no ID")?;
    let target = format!("{shown_at}{id}");
    let made = shown(lab, &target)?;
    ask(&lab.daemon().endpoint(), "DELETE", &target, "")?;
    let mut steps = vec!["/Spec"];
    steps.extend(row.place.path);
    steps.push(row.field);
    let got = made.pointer(&steps.join("/"));
    // Networks it shows by their ids.
    let host = shown(lab, "/networks/host?scope=swarm")?["Id"].to_string();
    let value = if row.field == "Networks" {
        row.value.replace("\"host\"", &host)
    } else {
        row.value.to_owned()
    };
    let expected: Value = serde_json::from_str(&value).map_err(text)?;
    if got.is_some_and(|got| holds(got, &expected)) {
        Ok(())
    } else {
        Err(format!("the swarm shows {got:?} of {made}"))
    }
}

/// Whether all that was asked for is there; the swarm adds to it.
fn holds(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| got.get(key).is_some_and(|got| holds(got, value)))
        }
        (Value::Array(got), Value::Array(expected)) => {
            got.len() == expected.len()
                && got.iter().zip(expected).all(|(got, expected)| holds(got, expected))
        }
        _ => got == expected,
    }
}
