//! The host's network by another name: a network's id, or its beginning, in a container and in a
//! service; and a node that keeps its role.

use std::fs;

use libtest_mimic::Failed;
use serde_json::Value;

use super::{ask, create, gate, refused, remove, shown};
use crate::Proof;
use crate::lab::Lab;

pub const PROOFS: &[Proof] = &[
    ("a container is not put on the host's network by its id or the beginning of it", containers),
    ("a service is not put on the host's network by an id, in the swarm or beside it", services),
    ("a node may keep the role that it has, and get no other", nodes),
];

/// The id of a network, as the daemon itself says it.
fn network_id(lab: &Lab, target: &str) -> Result<String, String> {
    let network = shown(lab, target)?;
    network["Id"].as_str().map(str::to_owned).ok_or_else(|| network.to_string())
}

fn containers(lab: &Lab) -> Result<(), Failed> {
    let id = network_id(lab, "/networks/host")?;
    let gate = gate(lab, "")?;
    let hosts = fs::read_link(format!("/proc/{}/ns/net", lab.daemon().pid()))?;
    for reference in [id.as_str(), &id[..12], &id[..6]] {
        for entries in [
            format!(r#""HostConfig":{{"NetworkMode":"{reference}"}}"#),
            format!(
                r#""HostConfig":{{"NetworkMode":"none"}},"NetworkingConfig":{{"EndpointsConfig":{{"{reference}":{{}}}}}}"#
            ),
        ] {
            // The daemon may well refuse it; what must not be is that it runs there.
            if create(&gate.endpoint(), &entries).is_err() {
                continue;
            }
            let _ = ask(&gate.endpoint(), "POST", "/containers/box/start", "");
            let pid = shown(lab, "/containers/box/json")?["State"]["Pid"].as_u64().unwrap_or(0);
            let is_there = pid > 0 && fs::read_link(format!("/proc/{pid}/ns/net"))? == hosts;
            remove(lab)?;
            if is_there {
                return Err(format!("{entries}: it runs on the host's network").into());
            }
        }
    }
    Ok(())
}

/// A swarm of this daemon alone, as long as the trial takes.
struct Swarm<'l>(&'l Lab);

impl<'l> Swarm<'l> {
    fn init(lab: &'l Lab) -> Result<Self, String> {
        let body = r#"{"ListenAddr":"127.0.0.1:0","AdvertiseAddr":"127.0.0.1"}"#;
        ask(&lab.daemon().endpoint(), "POST", "/swarm/init", body)?;
        Ok(Self(lab))
    }
}

impl Drop for Swarm<'_> {
    fn drop(&mut self) {
        let _ = ask(&self.0.daemon().endpoint(), "POST", "/swarm/leave?force=1", "");
    }
}

/// A service that runs nothing, on the networks that `place` names.
fn service(name: &str, target: &str, is_old: bool) -> String {
    let networks = format!(r#""Networks":[{{"Target":"{target}"}}]"#);
    let (inner, outer) = if is_old {
        (String::new(), format!(",{networks}"))
    } else {
        (format!(",{networks}"), String::new())
    };
    format!(
        r#"{{"Name":"{name}","Mode":{{"Replicated":{{"Replicas":0}}}},"TaskTemplate":{{"ContainerSpec":{{"Image":"bb"}}{inner}}}{outer}}}"#
    )
}

fn services(lab: &Lab) -> Result<(), Failed> {
    let _swarm = Swarm::init(lab)?;
    let daemon = lab.daemon().endpoint();
    let local = network_id(lab, "/networks/host?scope=local")?;
    let swarms = network_id(lab, "/networks/host?scope=swarm")?;
    if local == swarms {
        return Err("the swarm's host network is the daemon's own".into());
    }
    let closed = gate(lab, "")?;
    let mark = lab.daemon().mark();
    for id in [&local, &swarms] {
        for reference in [id.as_str(), &id[..12], &id[..4]] {
            for is_old in [false, true] {
                let body = service("h", reference, is_old);
                refused(
                    ask(&closed.endpoint(), "POST", "/services/create", &body),
                    "needs ALLOW_HOST_NAMESPACES=network",
                )
                .map_err(|why| format!("{reference}: {why}"))?;
            }
        }
    }
    let heard = lab.daemon().calls_since(&mark);
    if let Some(call) = heard.iter().find(|call| !call.starts_with("GET /networks")) {
        return Err(format!("the daemon was asked {call}").into());
    }
    drop(closed);
    // By the beginning of the local one's id the daemon takes the swarm's: that is what is at stake.
    let open = gate(lab, "ALLOW_HOST_NAMESPACES=network")?;
    for (name, reference) in [("one", &local[..12]), ("two", &swarms[..12])] {
        ask(&open.endpoint(), "POST", "/services/create", &service(name, reference, false))?;
        let made = shown(lab, &format!("/services/{name}"))?;
        let target = made.pointer("/Spec/TaskTemplate/Networks/0/Target").and_then(Value::as_str);
        ask(&daemon, "DELETE", &format!("/services/{name}"), "")?;
        if target != Some(&swarms) {
            return Err(format!("{reference} is {target:?} and not {swarms}").into());
        }
    }
    drop(open);
    let closed = gate(lab, "")?;
    // Any other network is as usable as ever, by name, id and the beginning of one.
    let made = ask(
        &closed.endpoint(),
        "POST",
        "/networks/create",
        r#"{"Name":"net","Driver":"overlay"}"#,
    )?;
    let made: Value = serde_json::from_str(&made)?;
    let id = made["Id"].as_str().unwrap_or_default().to_owned();
    for (count, reference) in ["net", &id, &id[..12]].into_iter().enumerate() {
        let name = format!("plain{count}");
        ask(&closed.endpoint(), "POST", "/services/create", &service(&name, reference, false))
            .map_err(|why| format!("{reference}: {why}"))?;
        ask(&daemon, "DELETE", &format!("/services/{name}"), "")?;
    }
    Ok(())
}

fn nodes(lab: &Lab) -> Result<(), Failed> {
    let _swarm = Swarm::init(lab)?;
    let nodes = shown(lab, "/nodes")?;
    let node = nodes.get(0).cloned().unwrap_or_default();
    let (id, role) = (node["ID"].as_str().unwrap_or_default(), &node["Spec"]["Role"]);
    if role != "manager" {
        return Err(format!("no manager: {node}").into());
    }
    let gate = gate(lab, "")?;
    let host = node["Description"]["Hostname"].as_str().unwrap_or_default();
    for reference in [id, &id[..12], host] {
        let mark = lab.daemon().mark();
        let version =
            shown(lab, &format!("/nodes/{id}"))?["Version"]["Index"].as_u64().unwrap_or(0);
        let target = format!("/nodes/{reference}/update?version={version}");
        let body = r#"{"Role":"manager","Availability":"active","Labels":{"a":"b"}}"#;
        ask(&gate.endpoint(), "POST", &target, body)
            .map_err(|why| format!("{reference}: {why}"))?;
        // What was looked up is what is changed.
        let calls = lab.daemon().calls_since(&mark);
        if !calls.iter().any(|call| call.starts_with(&format!("POST /nodes/{id}/update"))) {
            return Err(format!("{reference}: the daemon was asked {calls:?}").into());
        }
    }
    drop(gate);
    let gate = super::gate(lab, "ALLOW_NODE_ROLES=manager")?;
    let mark = lab.daemon().mark();
    let body = r#"{"Role":"worker","Availability":"active"}"#;
    let target = format!("/nodes/{id}/update?version=1");
    refused(ask(&gate.endpoint(), "POST", &target, body), "needs ALLOW_NODE_ROLES=worker")?;
    let heard = lab.daemon().calls_since(&mark);
    if heard.iter().any(|call| !call.starts_with("GET /nodes/")) {
        return Err(format!("the daemon was asked {heard:?}").into());
    }
    Ok(())
}
