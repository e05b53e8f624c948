//! The operation table against the API's own descriptions: every operation of every version has
//! its line under its own name, and every line has its source.

use dockgate::api::{Effect, Operation, Section};
use dockgate::http::Method;
use dockgate::policy::{Settings, Variable};
use std::collections::{BTreeMap, BTreeSet};

type Route = (String, String);

/// Method, path and name of each row; lines with `#` are comments.
fn rows(text: &str) -> BTreeMap<Route, String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            let mut field = || fields.next().expect("a row has three fields");
            ((field(), field()), field())
        })
        .collect()
}

fn described() -> BTreeMap<Route, String> {
    rows(include_str!("data/swagger-operations.tsv"))
}

fn router_only() -> BTreeMap<Route, String> {
    rows(include_str!("data/router-operations.tsv"))
}

/// The table in the same terms: what a parameter is called is nobody's business.
fn table() -> BTreeMap<Route, String> {
    Operation::TABLE
        .iter()
        .map(|line| {
            let segments: Vec<&str> = line
                .template
                .split('/')
                .map(|segment| if segment.starts_with('{') { "{name}" } else { segment })
                .collect();
            ((line.method.as_str().to_owned(), segments.join("/")), line.id.to_owned())
        })
        .collect()
}

#[test]
fn every_described_operation_has_its_line_and_every_line_its_source() {
    let mut sources = described();
    assert!(sources.len() > 100, "the data has been read");
    for (route, name) in router_only() {
        assert_eq!(sources.insert(route.clone(), name), None, "{route:?} stands in both files");
    }
    assert_eq!(table(), sources);
}

#[test]
fn no_two_lines_share_a_name() {
    let names: BTreeSet<&str> = Operation::TABLE.iter().map(|line| line.id).collect();
    assert_eq!(names.len(), Operation::TABLE.len());
}

/// What the ancestors' prefix rules say, with the one difference that is meant.
#[test]
fn an_operation_belongs_to_the_section_of_its_path() {
    for line in Operation::TABLE {
        let Some(section) = line.section else { continue };
        let variable = Variable::opening(section).expect("each section has a variable");
        let first = line.template.split('/').nth(1).expect("a path has a segment");
        let expected = if line.operation == Operation::ContainerExec {
            "EXEC".to_owned()
        } else {
            first.trim_start_matches('_').to_uppercase()
        };
        assert_eq!(variable.name(), expected, "{}", line.id);
    }
}

#[test]
fn what_is_not_get_or_head_writes_and_so_does_a_websocket_with_standard_input() {
    for line in Operation::TABLE.iter().filter(|line| line.section.is_some()) {
        let reads = matches!(line.method, Method::Get | Method::Head)
            && line.operation != Operation::ContainerAttachWebsocket;
        assert_eq!(line.effect == Effect::Reads, reads, "{}", line.id);
    }
}

#[test]
fn without_a_variable_there_is_only_what_no_client_may_have_or_no_daemon_has() {
    let closed: Vec<&str> =
        Operation::TABLE.iter().filter(|line| line.section.is_none()).map(|line| line.id).collect();
    assert_eq!(
        closed,
        [
            "ContainerListOld",
            "DebugPprof",
            "DebugPprofProfile",
            "DebugPprofSymbol",
            "DebugVars",
            "ImagesViz",
            "ImageInsert",
            "PluginInspectOld",
            "AuthGet",
            "Options"
        ]
    );
}

#[test]
fn the_defaults_are_the_ancestors() {
    let on: Vec<&str> = Variable::ALL
        .iter()
        .filter(|&&variable| Settings::default().is_on(variable))
        .map(|variable| variable.name())
        .collect();
    assert_eq!(on, ["EVENTS", "PING", "VERSION"]);
    assert_eq!(Variable::opening(Section::Grpc).map(Variable::name), Some("GRPC"));
}

#[test]
fn what_follows_or_hijacks_goes_on_for_as_long_as_somebody_sends() {
    for operation in [
        Operation::SystemEvents,
        Operation::ContainerLogs,
        Operation::ContainerAttach,
        Operation::Session,
    ] {
        assert!(operation.line().streams, "{operation:?}");
    }
    assert!(!Operation::SystemPing.line().streams && !Operation::ContainerList.line().streams);
}
