//! What the gate lets through is answered as on the daemon's own socket: head, fields and body.

use std::collections::BTreeSet;
use std::io;

use libtest_mimic::Failed;

use super::POLICIES;
use super::dice::Dice;
use super::judge::{self, Fate};
use super::request::{Maker, Request};
use crate::gate::Gate;
use crate::http::{Answer, Endpoint};
use crate::lab::Lab;
use crate::router::Route;

/// Under each policy.
const ANSWERS: usize = 200;

/// Their answers differ from one time to the next.
const VOLATILE: [&str; 3] = ["SystemInfo", "ImageGetAll", "ImageLoad"];

pub fn are_the_daemons(lab: &Lab) -> Result<(), Failed> {
    let router = lab.engine().router();
    let mut maker = Maker { dice: Dice(0xa_5e5), tags: 0 };
    let mut operations = BTreeSet::new();
    for policy in POLICIES {
        let gate = Gate::start(&lab.daemon().socket(), policy)?;
        let mut compared = 0;
        while compared < ANSWERS {
            let request = maker.request();
            let route = router.route(request.target.method, request.target.text.as_bytes());
            let Route::Operation { id, .. } = route else { continue };
            let request = [request];
            if judge::judge(&router, policy, &request, true) != [Fate::Must]
                || VOLATILE.contains(&id)
            {
                continue;
            }
            let [request] = request;
            let direct = ask(&lab.daemon().endpoint(), &request)?;
            let through = ask(&gate.endpoint(), &request)?;
            if comparable(&direct) != comparable(&through) {
                let sent = request.bytes.escape_ascii();
                return Err(format!(
                    "{policy}: {sent} is answered with\n{through:?}\nnot with\n{direct:?}"
                )
                .into());
            }
            operations.insert(id);
            compared += 1;
        }
    }
    println!("{} answers compared, of {} operations", ANSWERS * POLICIES.len(), operations.len());
    if operations.len() > 35 { Ok(()) } else { Err(format!("only of {operations:?}").into()) }
}

/// The client stays: one that ends its side has what it asked for called off.
fn ask(endpoint: &Endpoint, request: &Request) -> io::Result<Answer> {
    let mut connection = endpoint.connect()?;
    connection.send(&request.bytes)?;
    if request.target.method == "HEAD" { connection.head() } else { connection.answer() }
}

/// The answer without its date. Of the body the order is left out too: what the daemon keeps in
/// maps it lists now so, now so.
fn comparable(answer: &Answer) -> (u16, Vec<&(String, String)>, Vec<u8>) {
    let fields = answer.headers.iter().filter(|(name, _)| name != "Date").collect();
    let mut body = answer.body.clone().into_bytes();
    body.sort_unstable();
    (answer.status, fields, body)
}
