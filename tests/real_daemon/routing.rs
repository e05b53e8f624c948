//! The model of the daemon's router, held against the daemon itself: thousands of odd paths straight
//! to its socket, and what it does with each is what the model says.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use libtest_mimic::Failed;

use crate::Proof;
use crate::lab::Lab;
use crate::process::HANG;
use crate::random::{self, Dice};
use crate::router::Route;
use dockgate::api::Operation;

pub const PROOFS: &[Proof] = &[
    ("every route that the daemon registers is in the operation table", every_route_is_known),
    ("the model of the daemon's router says what the daemon does", the_model_is_right),
];

const PATHS: usize = 6_000;

/// What takes the connection over, and answers in its own way.
const HIJACKS: [&str; 4] = ["ContainerAttach", "ExecStart", "Session", "Grpc"];

/// What is not there they don't call by its name.
const SILENT: [&str; 2] = ["ContainerCopy", "DebugPprofProfile"];

fn every_route_is_known(lab: &Lab) -> Result<(), Failed> {
    let registered = lab.daemon().routes();
    let router = lab.engine().router();
    for route in &registered {
        let (method, template) = route.split_once(' ').ok_or("no method")?;
        let path: Vec<&str> = template.split('/').map(named).collect();
        let path = path.join("/");
        let Route::Operation { id, .. } = router.route(method, path.as_bytes()) else {
            return Err(format!("the model does not know {route}").into());
        };
        let line = Operation::TABLE.iter().find(|line| line.id == id).ok_or(id)?;
        if line.method.as_str() != method {
            return Err(format!("{route} is not {line:?}").into());
        }
    }
    // A log that tells of no routes would prove nothing.
    if registered.len() > 90 { Ok(()) } else { Err(format!("only {registered:?}").into()) }
}

fn named(segment: &str) -> &str {
    if segment.starts_with('{') { "nobody" } else { segment }
}

struct Asked {
    method: &'static str,
    target: String,
    status: Option<u16>,
    answer: String,
}

fn the_model_is_right(lab: &Lab) -> Result<(), Failed> {
    let socket = lab.daemon().socket();
    let router = lab.engine().router();
    let mut dice = Dice(0x0dd_9a7b5);
    let mark = lab.daemon().mark();
    let mut asked = BTreeMap::new();
    for tag in 0..PATHS {
        let random::Target { method, text, .. } = random::target(&mut dice, tag);
        let answer = ask(&socket, method, &text)?;
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        asked.insert(tag, Asked { method, target: text, status, answer });
    }
    let calls = lab.daemon().all_calls_since(&mark);
    let called: BTreeMap<_, _> =
        calls.iter().filter_map(|call| Some((random::tag(call)?, call))).collect();
    let mut kinds = BTreeMap::new();
    for (tag, asked) in &asked {
        let route = router.route(asked.method, asked.target.as_bytes());
        let Asked { method, target, status, answer } = asked;
        let ran = called.get(tag);
        let fits = match &route {
            Route::Operation { id, parameters, .. } => {
                let is_own = || is_answer_of(id, parameters, *status, answer, method);
                ran.is_some() && (HIJACKS.contains(id) || is_own())
            }
            Route::Redirect => ran.is_none() && *status == Some(301),
            Route::NotFound => {
                ran.is_none()
                    && *status == Some(404)
                    && (answer.contains("page not found") || *method == "HEAD")
            }
            Route::BadRequest => ran.is_none() && *status == Some(400),
            Route::Server => ran.is_none() && *status == Some(200),
        };
        if !fits {
            return Err(format!(
                "{method} {target}: the model says {route:?}, and yet {ran:?}, {answer}"
            )
            .into());
        }
        let kind = match route {
            Route::Operation { id, .. } => id,
            Route::Redirect => "redirected",
            Route::NotFound => "not found",
            Route::BadRequest => "bad",
            Route::Server => "server",
        };
        *kinds.entry(kind).or_insert(0) += 1;
    }
    println!("{PATHS} requests, routed to {} ends", kinds.len());
    // A generator that always asks for the same would prove nothing.
    let few = ["redirected", "not found", "bad"].iter().find(|kind| kinds.get(*kind) < Some(&20));
    match few {
        None if kinds.len() > 80 => Ok(()),
        _ => Err(format!("too few kinds: {kinds:?}").into()),
    }
}

/// Whether an operation can have answered so: not the router instead of it, nor another one, nor
/// itself with another name.
fn is_answer_of(
    id: &str,
    parameters: &[Vec<u8>],
    status: Option<u16>,
    answer: &str,
    method: &str,
) -> bool {
    match status {
        None | Some(301) => false,
        // Daemons that are no experiment have routes for these, and nothing behind them.
        Some(501) => id.starts_with("Checkpoint"),
        Some(404) if method != "HEAD" && !SILENT.contains(&id) => {
            let name = parameters.first().map_or("", |name| str::from_utf8(name).unwrap_or(""));
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'/');
            !answer.contains("page not found") && (!is_plain || answer.contains(name))
        }
        Some(_) => !id.starts_with("Checkpoint") || status == Some(400),
    }
}

fn ask(socket: &std::path::Path, method: &str, target: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(HANG))?;
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut bytes = Vec::new();
    // One that closes early may reset: what it said counts.
    let _ = stream.read_to_end(&mut bytes);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
