//! What an open operation does only by a parameter of its query, and a variable withholds.

use super::variable::Variable;
use crate::admission::query;
use crate::api::Operation;

/// A parameter that asks for what a variable withholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Whose it is.
    pub operation: Operation,
    /// Its name; it is a boolean.
    pub name: &'static str,
    /// 0 withholds what it asks for.
    pub variable: Variable,
}

const fn line(operation: Operation, name: &'static str, variable: Variable) -> Parameter {
    Parameter { operation, name, variable }
}

/// Each of them.
pub const PARAMETERS: &[Parameter] = &[
    line(Operation::ContainerAttach, "logs", Variable::AllowLogs),
    line(Operation::ContainerAttachWebsocket, "logs", Variable::AllowLogs),
];

/// What moby takes for false in any case (`daemon/server/httputils/form.go`, `BoolValue`).
const FALSE: [&str; 5] = ["", "0", "no", "false", "none"];

impl Parameter {
    /// Whether a query may ask for it. Of several values moby takes the first and podman, which finds
    /// a name in any case, the last: one is enough. A query that can't be read may hold it too.
    #[must_use]
    pub fn is_asked_for(&self, query: &[u8]) -> bool {
        let is_false = |value: &str| FALSE.contains(&value.trim().to_ascii_lowercase().as_str());
        query::read(query).is_none_or(|parameters| {
            parameters
                .iter()
                .any(|(key, value)| key.eq_ignore_ascii_case(self.name) && !is_false(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boolean_is_read_as_the_daemon_reads_it_and_in_doubt_as_true() {
        let asks = |query: &str| PARAMETERS[0].is_asked_for(query.as_bytes());
        for query in
            ["", "stream=1", "logs", "logs=", "logs=0", "logs=No&x", "logs=+NONE+", "xlogs=1"]
        {
            assert!(!asks(query), "{query}");
        }
        for query in [
            "logs=1",
            "logs=true",
            "x&logs=yes",
            "l%6fgs=1",
            "logs=%31",
            "logs=00",
            "logs=0&logs=1",
            "logs=1&logs=0",
            "LOGS=1",
            "logs=f",
            "stream=1;logs=1",
            "logs=%",
            "%=1",
        ] {
            assert!(asks(query), "{query}");
        }
    }
}
