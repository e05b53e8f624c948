//! What is said of a dangerous argument: where it stands, what the refusal says would open it, and
//! what the daemon then shows for it.

use crate::engine::Engine;

/// Where in which request a field stands.
#[derive(Debug)]
pub struct Place {
    pub target: &'static str,
    /// What the request needs beside the field, as JSON entries.
    pub lead: &'static str,
    /// The objects that the field is in, from the outside.
    pub path: &'static [&'static str],
    /// Whether the daemon finds the field at the body's top level too.
    pub is_embedded: bool,
    /// Where the daemon shows what it made; `{}` is what it called it.
    pub shown_at: &'static str,
    /// The JSON pointer to the field there.
    pub pointer: &'static str,
}

const CREATE: Place = Place {
    target: "/containers/create?name=box",
    lead: r#""Image":"bb","Cmd":["true"]"#,
    path: &[],
    is_embedded: false,
    shown_at: "/containers/{}/json",
    pointer: "",
};
pub static HOST: Place =
    Place { path: &["HostConfig"], is_embedded: true, pointer: "/HostConfig/FIELD", ..CREATE };
pub static NETWORKING: Place =
    Place { path: &["NetworkingConfig"], pointer: "/NetworkSettings/Networks", ..CREATE };
pub static VOLUME: Place = Place {
    target: "/volumes/create",
    lead: r#""Name":"vol""#,
    shown_at: "/volumes/{}",
    pointer: "/Options",
    ..CREATE
};
pub static NETWORK: Place = Place {
    target: "/networks/create",
    lead: r#""Name":"net""#,
    shown_at: "/networks/{}",
    pointer: "/FIELD",
    ..CREATE
};
pub static EXEC: Place = Place {
    target: "/containers/other/exec",
    lead: r#""Cmd":["true"]"#,
    shown_at: "/exec/{}/json",
    pointer: "/ProcessConfig/privileged",
    ..CREATE
};
pub static SERVICE: Place = Place {
    target: "/services/create",
    lead: r#""Name":"svc""#,
    path: &["TaskTemplate"],
    ..CREATE
};
pub static SERVICE_CONTAINER: Place = Place { path: &["TaskTemplate", "ContainerSpec"], ..SERVICE };
pub static SECRET: Place =
    Place { target: "/secrets/create", lead: r#""Name":"s","Data":"eA==""#, ..CREATE };
pub static CONFIG: Place = Place { target: "/configs/create", ..SECRET };
pub static SWARM_INIT: Place = Place {
    target: "/swarm/init",
    lead: r#""ListenAddr":"127.0.0.1:0""#,
    path: &["Spec", "CAConfig"],
    ..CREATE
};
pub static SWARM_JOIN: Place = Place { target: "/swarm/join", path: &[], ..SWARM_INIT };
pub static PLUGIN: Place = Place { target: "/plugins/pull?remote=x", lead: "", ..CREATE };
pub static PLUGIN_SET: Place = Place { target: "/plugins/x/set", ..PLUGIN };

/// What happens to the value once it is opened.
#[derive(Debug)]
pub enum Opened {
    /// The daemon shows it as it was given.
    AsGiven,
    /// The daemon shows this, its own way to write it.
    As(&'static str),
    /// This daemon, or this machine, has no use for it: why.
    NotHere(&'static str),
}

#[derive(Debug)]
pub struct Row {
    pub place: &'static Place,
    /// Empty where the body is the value itself.
    pub field: &'static str,
    /// In it, keys with a capital are the daemon's fields; others are a map's.
    pub value: &'static str,
    /// What the refusal says is needed; `None`: nothing helps.
    pub needs: Option<&'static str>,
    /// What is set in the end, where `needs` is not it.
    pub opened_by: Option<&'static str>,
    pub opened: Opened,
    /// The engines, by name, on which something else happens.
    pub opened_on: &'static [(&'static str, Opened)],
}

pub const fn row(
    place: &'static Place,
    field: &'static str,
    value: &'static str,
    needs: &'static str,
) -> Row {
    Row {
        place,
        field,
        value,
        needs: Some(needs),
        opened_by: None,
        opened: Opened::AsGiven,
        opened_on: &[],
    }
}

pub const fn host(field: &'static str, value: &'static str, needs: &'static str) -> Row {
    row(&HOST, field, value, needs)
}

impl Row {
    pub const fn shown(self, value: &'static str) -> Self {
        Self { opened: Opened::As(value), ..self }
    }

    pub const fn not_here(self, why: &'static str) -> Self {
        Self { opened: Opened::NotHere(why), ..self }
    }

    pub const fn on(self, engines: &'static [(&'static str, Opened)]) -> Self {
        Self { opened_on: engines, ..self }
    }

    /// What happens on this engine.
    pub fn opened(&self, engine: &Engine) -> &Opened {
        let own = self.opened_on.iter().find(|(name, _)| *name == engine.name);
        own.map_or(&self.opened, |(_, opened)| opened)
    }

    pub const fn opened_by(self, policy: &'static str) -> Self {
        Self { opened_by: Some(policy), ..self }
    }

    pub const fn hopeless(self) -> Self {
        Self { needs: None, ..self }
    }
}

pub const NEWER: &str = "for newer daemons";
pub const OLDER: &str = "of API 1.40 only";
pub const SWARM: &str = "this daemon is in no swarm";
pub const ABSENT: &str = "no such plugin or runtime here";
pub const ERROR: &str = "an error of the daemon's own";
pub const KERNEL: &str = "this kernel has none";
pub const OWN_SOCKET: &str = "this machine's own socket is left alone";

pub const BIND_ETC: &str = "ALLOW_BIND_MOUNTS=/etc";
pub const READ_ETC: &str = "ALLOW_BIND_MOUNTS=/etc:ro";
