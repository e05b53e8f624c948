//! What is told is read by Prometheus itself, and so are the rules in `deploy`. Debian's package
//! `prometheus` has both programs; `scripts/setup.sh` installs it.

use super::gate::{Dir, Gate, start};
use super::metrics::{ON, place, scrape};
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING};
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const MISSING: &str = "scripts/setup.sh installs it";

/// How long it may take from Prometheus's start to its first scrape.
const SCRAPED_TIME_MAX: Duration = Duration::from_secs(60);

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus").join(name)
}

/// Has promtool do this, given what it reads from standard input.
#[track_caller]
fn promtool(arguments: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect(MISSING);
    let mut stdin = child.stdin.take().expect("its input");
    // It may have read enough.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("its end");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// A gate that has something to tell.
fn busy() -> Gate {
    let (gate, daemon) = start(&[ON]);
    let client = gate.client();
    client.send(format!("{PING}{FORBIDDEN}"));
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
    assert_eq!(client.answer().status, 403);
    gate
}

#[test]
fn the_rules_and_the_configuration_are_as_promtool_wants_them_and_alerts_are_raised() {
    promtool(&["check", "rules", &deploy("alerts.yml").display().to_string()], "");
    promtool(&["check", "config", &deploy("prometheus.yml").display().to_string()], "");
    promtool(&["test", "rules", &deploy("alerts.test.yml").display().to_string()], "");
}

/// What the dashboard asks, with its own variables filled in.
fn dashboard_queries() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana/dockgate.json");
    let text = fs::read_to_string(path).expect("a dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let queries = targets.map(|target| target["expr"].as_str().expect("a query"));
    let filled = |query: &str| query.replace("$__rate_interval", "5m").replace('$', "");
    queries.map(filled).collect()
}

#[test]
fn promtool_takes_what_the_dashboard_asks() {
    let rules: Vec<_> = dashboard_queries()
        .iter()
        .enumerate()
        .map(|(index, query)| serde_json::json!({"record": format!("x:{index}"), "expr": query}))
        .collect();
    assert!(rules.len() > 10);
    // JSON is YAML.
    let rules = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let dir = Dir::new();
    let path = dir.path("rules.yml");
    fs::write(&path, rules.to_string()).expect("rules");
    promtool(&["check", "rules", &path.display().to_string()], "");
}

#[test]
fn every_metric_that_is_asked_for_is_told() {
    let told = scrape(&busy());
    let alerts = fs::read_to_string(deploy("alerts.yml")).expect("rules");
    let asked = dashboard_queries().join(" ") + &alerts;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = asked
        .split(|c| !is_name(c))
        .filter(|word| word.starts_with("dockgate_") || word.starts_with("process_"));
    let mut count = 0;
    for name in names {
        let name = name.strip_suffix("_bucket").unwrap_or(name);
        assert!(told.contains(&format!("# TYPE {name} ")), "{name} is not told");
        count += 1;
    }
    assert!(count > 20, "only {count} names found");
}

#[test]
fn promtool_has_nothing_to_say_against_what_is_told() {
    promtool(&["check", "metrics"], &scrape(&busy()));
}

/// A running Prometheus.
struct Prometheus {
    child: Child,
    port: u16,
}

impl Prometheus {
    /// Starts one that scrapes nothing but this gate, with all that it writes in `dir`.
    fn start(dir: &Dir, gate: &Gate) -> Self {
        let configuration = dir.path("prometheus.yml");
        let scrape = format!(
            "scrape_configs:\n  - job_name: dockgate\n    scrape_interval: 1s\n    \
             static_configs:\n      - targets: ['{}']\n",
            place(gate)
        );
        fs::write(&configuration, scrape).expect("a configuration");
        let log = File::create(dir.path("prometheus.log")).expect("a log");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect(MISSING);
        Self { child, port }
    }

    /// What it says to a query; nothing while it does not answer.
    fn query(&self, query: &str) -> Option<String> {
        let peer = Peer::new(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?);
        peer.send(format!(
            "GET /api/v1/query?query={query} HTTP/1.1\r\nHost: prometheus\r\nConnection: close\r\n\r\n"
        ));
        String::from_utf8(peer.read_to_end()).ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn prometheus_scrapes_a_gate() {
    let gate = busy();
    let dir = Dir::new();
    let prometheus = Prometheus::start(&dir, &gate);
    let begun = Instant::now();
    let found = loop {
        let answer = prometheus.query("dockgate_requests_total").unwrap_or_default();
        if answer.contains("SystemPing") {
            break answer;
        }
        let log = || fs::read_to_string(dir.path("prometheus.log")).unwrap_or_default();
        assert!(begun.elapsed() < SCRAPED_TIME_MAX, "not scraped: {answer}\n{}", log());
        thread::sleep(Duration::from_millis(100));
    };
    for words in [r#""operation":"VolumeList""#, r#""reason":"withheld""#, r#""verdict":"allowed""#]
    {
        assert!(found.contains(words), "{found}");
    }
}
