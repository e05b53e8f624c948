//! A record as a line of JSON, the schema of docs/audit.md. A change that a reader would notice
//! other than as a new field takes a new [`VERSION`].

use super::json::{self, ObjectWriter, object};
use super::time::rfc3339;
use crate::admission::Findings;
use crate::admission::finding::{Finding, field_name};
use crate::api::Operation;
use crate::observe::record::{
    Details, Moved, Record, Subject, Times, Traffic, TunnelRecord, Verdict,
};
use crate::observe::who::{Client, Who};
use std::time::{Duration, SystemTime};

/// The schema's.
const VERSION: u64 = 1;

/// Of a request.
pub fn of_request(process: &str, record: &Record<'_>) -> Vec<u8> {
    let &Record { client, subject, verdict, status, traffic, times, notes } = record;
    line(|o| {
        begin(o, "request", process, subject.details.as_ref().map_or(0, |details| details.id));
        who(o, client);
        what(o, subject);
        o.text("verdict", verdict.name());
        o.maybe("reason", Some(verdict.reason()).filter(|&reason| reason != "-"));
        match verdict {
            Verdict::Refused(refusal) => {
                o.text("detail", &refusal.to_string());
                o.list("findings", refusal.findings(), finding);
            }
            Verdict::Failed(why) => o.text("detail", why),
            Verdict::Allowed
            | Verdict::Abandoned
            | Verdict::Malformed(_)
            | Verdict::Unfinished { .. } => {}
        }
        answered(o, status);
        bytes(o, traffic);
        o.object("times_us", |o| {
            let Times { whole, daemon, own } = times.unwrap_or_default();
            o.number("whole", micros(whole));
            o.number("daemon", micros(daemon));
            o.number("own", micros(own));
        });
        trace(o, subject);
        if let Some(notes) = notes {
            o.object("notes", |o| {
                let would_refuse = notes.would_refuse.iter().flat_map(Findings::iter);
                o.list("would_refuse", would_refuse, finding);
                o.list("stripped", notes.stripped.iter(), finding);
                o.list("unknown", notes.unknown.iter(), |line, field| json::text(line, field));
            });
        }
    })
}

/// Of a tunnel.
pub fn of_tunnel(process: &str, record: &TunnelRecord<'_>) -> Vec<u8> {
    let &TunnelRecord { client, subject, end, traffic, time } = record;
    line(|o| {
        begin(o, "tunnel", process, subject.details.as_ref().map_or(0, |details| details.id));
        who(o, client);
        what(o, subject);
        o.text("end", end.name());
        bytes(o, traffic);
        o.object("times_us", |o| o.number("whole", micros(time.unwrap_or_default())));
        trace(o, subject);
    })
}

/// Of bytes that were no request.
pub fn of_malformed(
    process: &str,
    id: u64,
    client: &dyn Client,
    (name, status): (&'static str, u16),
    request: &str,
) -> Vec<u8> {
    line(|o| {
        begin(o, "malformed", process, id);
        who(o, client);
        let (method, path) = request.split_once(' ').unzip();
        o.maybe("method", method);
        o.maybe("path", path);
        o.text("verdict", "malformed");
        o.text("reason", name);
        answered(o, status);
    })
}

fn line(fill: impl FnOnce(&mut ObjectWriter<'_>)) -> Vec<u8> {
    let mut line = Vec::with_capacity(768);
    object(&mut line, fill);
    line.push(b'\n');
    line
}

fn begin(o: &mut ObjectWriter<'_>, kind: &str, process: &str, id: u64) {
    o.number("v", VERSION);
    o.text("time", &rfc3339(SystemTime::now()));
    o.text("kind", kind);
    o.text("id", &format!("{process}-{id}"));
}

fn who(o: &mut ObjectWriter<'_>, client: &dyn Client) {
    match client.who() {
        Who::Address(address) => o.object("client", |o| o.text("address", &address.to_string())),
        Who::Process { pid, uid, gid, listener } => o.object("client", |o| {
            o.number("pid", *pid);
            o.number("uid", *uid);
            o.number("gid", *gid);
            o.text("listener", listener);
        }),
        Who::Gone => o.null("client"),
    }
}

fn what(o: &mut ObjectWriter<'_>, subject: &Subject) {
    let details = subject.details.as_deref();
    o.maybe("method", details.map(Details::method));
    o.maybe("path", details.map(Details::path));
    o.maybe("operation", subject.operation.map(Operation::id));
    o.flag("writes", subject.writes);
}

fn answered(o: &mut ObjectWriter<'_>, status: u16) {
    match status {
        0 => o.null("status"),
        status => o.number("status", status),
    }
}

fn bytes(o: &mut ObjectWriter<'_>, traffic: Traffic) {
    o.object("bytes", |o| {
        for (name, Moved { copied, spliced }) in [("up", traffic.up), ("down", traffic.down)] {
            o.object(name, |o| {
                o.number("copied", copied);
                o.number("spliced", spliced);
            });
        }
    });
}

fn trace(o: &mut ObjectWriter<'_>, subject: &Subject) {
    let trace = subject.details.as_deref().and_then(|details| details.trace.as_deref());
    let named = |text: &'_ str| !text.is_empty();
    o.maybe("traceparent", trace.map(|trace| trace.traceparent.as_str()).filter(|it| named(it)));
    o.maybe("request_id", trace.map(|trace| trace.request_id.as_str()).filter(|it| named(it)));
}

fn finding(line: &mut Vec<u8>, finding: &Finding) {
    let Finding { path, value, cause, reason, needs, is_mount: _ } = finding;
    let said = |text: &'_ str| !text.is_empty();
    object(line, |o| {
        let field = field_name(path);
        o.maybe("field", Some(field.as_str()).filter(|it| said(it)));
        o.maybe("value", Some(value.as_str()).filter(|it| said(it)));
        o.text("reason", cause.name());
        o.text("detail", reason);
        o.maybe("needs", Some(needs.as_str()).filter(|it| said(it)));
    });
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
