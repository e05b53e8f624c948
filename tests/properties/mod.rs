//! What holds for any bytes, as plain functions: the fuzz targets try it on what they invent, and the
//! test beside this file on what was kept of that. Each returns whether its input was of use: accepted,
//! or sent on; where it does not hold, it panics.
//!
//! The readers whose names begin with `naive` use none of the gate's code.

mod admission;
mod body_cursor;
mod cut;
mod exchange;
mod naive_answer;
mod naive_chunks;
mod naive_head;
mod naive_lines;
mod naive_policy;
mod naive_query;
mod naive_stream;
mod naive_target;
mod query;
mod request_head;
mod response_head;
mod stage;
mod target;

// Written for other tests too, which use the rest of them.
#[path = "../admission_twin/compare.rs"]
mod compare;
#[expect(dead_code, reason = "volumes are what the twin's own test asks about")]
#[path = "../admission_twin/daemon.rs"]
mod daemon;
#[path = "../admission_twin/reader.rs"]
mod reader;
#[path = "../model/router.rs"]
mod router;

/// A property, and the name of its fuzz target and of its files.
pub struct Property {
    pub name: &'static str,
    pub holds: fn(&[u8]) -> bool,
}

/// All of them.
pub const ALL: [Property; 7] = [
    Property { name: "admission", holds: admission::holds },
    Property { name: "body_cursor", holds: body_cursor::holds },
    Property { name: "exchange", holds: exchange::holds },
    Property { name: "query", holds: query::holds },
    Property { name: "request_head", holds: request_head::holds },
    Property { name: "response_head", holds: response_head::holds },
    Property { name: "target", holds: target::holds },
];

/// What a fuzz target does with an input.
pub fn check(name: &str, input: &[u8]) -> bool {
    let property = ALL.iter().find(|property| property.name == name);
    (property.expect("a property of that name").holds)(input)
}
