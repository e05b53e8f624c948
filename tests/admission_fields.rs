//! The tables of the admission against the API's own descriptions: every field and parameter that
//! any version has of what is examined has been judged, as a struct or as a map as the daemon
//! reads it, and no table holds a name that comes from nowhere.

use dockgate::admission::examiner::EXAMINERS;
use dockgate::admission::field::{Field, Object, Rule};
use dockgate::admission::finding::Cause;
use dockgate::admission::json::is_named;
use dockgate::admission::variable::Kind;
use dockgate::admission::{Examiner, Finding, Rules, Variable};
use dockgate::api::{Arguments, Operation};
use std::collections::BTreeSet;

/// Parameters that no table has, because nothing in them could matter.
const PARAMETERS_LEFT_OUT: &[(&str, &str, &str)] = &[
    ("ContainerCreate", "platform", "which variant of the image"),
    ("ContainerStart", "detachKeys", "the client's own keyboard"),
    ("ContainerStop", "t", "how long the container has"),
    ("ContainerStop", "signal", "to the container's own process"),
    ("ContainerRestart", "t", "how long the container has"),
    ("ContainerRestart", "signal", "to the container's own process"),
    ("ContainerKill", "signal", "to the container's own process"),
    ("ContainerDelete", "v", "its anonymous volumes go too"),
    ("ContainerDelete", "force", "whether it may be running"),
    ("ContainerDelete", "link", "a link's name instead of the container"),
    ("ContainerArchive", "path", "links may lead anywhere: the mounts are judged instead"),
    ("ContainerArchiveInfo", "path", "links may lead anywhere: the mounts are judged instead"),
    ("ExecResize", "h", "the terminal's size"),
    ("ExecResize", "w", "the terminal's size"),
    ("ContainerAttachWebsocket", "detachKeys", "the client's own keyboard"),
    ("ContainerAttachWebsocket", "logs", "what is shown"),
    ("ContainerAttachWebsocket", "stream", "what is shown"),
    ("ContainerAttachWebsocket", "stdin", "what is attached"),
    ("ContainerAttachWebsocket", "stdout", "what is attached"),
    ("ContainerAttachWebsocket", "stderr", "what is attached"),
    ("ContainerAttach", "detachKeys", "the client's own keyboard"),
    ("ContainerAttach", "logs", "what is shown"),
    ("ContainerAttach", "stream", "what is shown"),
    ("ContainerAttach", "stdin", "what is attached"),
    ("ContainerAttach", "stdout", "what is attached"),
    ("ContainerAttach", "stderr", "what is attached"),
    ("PutContainerArchive", "path", "links may lead anywhere: the mounts are judged instead"),
    ("PutContainerArchive", "noOverwriteDirNonDir", "what becomes of a name that is taken"),
    ("PutContainerArchive", "copyUIDGID", "whose the files are, inside the container"),
    ("ImageCommit", "changes", "may be there many times; says what an image says"),
    ("ImageCreate", "changes", "may be there many times; says what an image says"),
    ("ImagePush", "tag", "which of the name's images"),
    ("ImagePush", "platform", "which variant of the image"),
    ("ServiceUpdate", "version", "a guard against lost updates"),
    ("ServiceUpdate", "registryAuthFrom", "whose credentials the daemon keeps"),
    ("ServiceUpdate", "rollback", "what it was before is looked up and judged"),
    ("SwarmUpdate", "version", "a guard against lost updates"),
    ("SwarmUpdate", "rotateWorkerToken", "a new token, which the answer does not tell"),
    ("SwarmUpdate", "rotateManagerToken", "a new token, which the answer does not tell"),
    ("SwarmUpdate", "rotateManagerUnlockKey", "a new key, which the answer does not tell"),
    ("NodeUpdate", "version", "a guard against lost updates"),
    ("SecretUpdate", "version", "a guard against lost updates"),
    ("ConfigUpdate", "version", "a guard against lost updates"),
    ("VolumeUpdate", "version", "a guard against lost updates"),
    ("PluginCreate", "name", "the plugin's local name"),
];

/// Names in the tables that no description has.
const NAMES_OF_OUR_OWN: &[(&str, &str)] = &[
    ("Cpuset", "the oldest name of CpusetCpus"),
    ("InitPath", "of daemons with API 1.25 alone"),
    ("AuxAddress", "the daemon's name of AuxiliaryAddresses"),
    ("ClusterOptions", "moby's Mount"),
    ("CheckpointID", "checkpoints, of experimental daemons"),
    ("CheckpointDir", "checkpoints, of experimental daemons"),
    ("Exit", "checkpoints, of experimental daemons"),
    ("checkpoint", "checkpoints, of experimental daemons"),
    ("checkpoint-dir", "checkpoints, of experimental daemons"),
    ("dir", "checkpoints, of experimental daemons"),
    ("ps_args", "the query of ContainerTop, which the descriptions' list of arguments leaves out"),
    ("session", "BuildKit, as the docker CLI uses it"),
    ("buildid", "BuildKit, as the docker CLI uses it"),
    ("cgroupparent", "moby's build options"),
    ("cpusetmems", "moby's build options"),
    ("isolation", "moby's build options"),
    ("securityopt", "moby's build options"),
    ("ulimits", "moby's build options"),
    ("auth", "moby's AuthConfig"),
    ("identitytoken", "moby's AuthConfig"),
    ("registrytoken", "moby's AuthConfig"),
];

/// Maps that are read as structs: keys that differ in case only are refused.
const MAPS_FOLDED: &[(&str, &str)] = &[(
    "AccessMode.AccessibilityRequirements",
    "inside a cluster volume's specification, which is withheld as a whole",
)];

/// Variables that no line of a table names.
const VARIABLES_IN_CODE: &[(Variable, &str)] = &[
    (Variable::EngineFixed, "shield.rs: by its own table"),
    (Variable::TmpfsOptions, "volume.rs: words among others"),
    (Variable::RequireNonRoot, "limit.rs: about what is not there"),
    (Variable::RequireNoNewPrivileges, "limit.rs: about what is not there"),
    (Variable::RequireReadonlyRootfs, "limit.rs: about what is not there"),
    (Variable::RequireCapDropAll, "limit.rs: about what is not there"),
    (Variable::MaxMemory, "limit.rs: a limit"),
    (Variable::MaxCpus, "limit.rs: a limit"),
    (Variable::MaxPids, "limit.rs: a limit"),
    (Variable::Existing, "existing.rs: about what is there already"),
    (Variable::Gate, "own.rs: about what is the gate's own"),
];

/// One line of the data.
struct Row {
    operation: &'static str,
    place: &'static str,
    path: &'static str,
    kind: &'static str,
}

fn rows() -> Vec<Row> {
    let text = include_str!("data/swagger-fields.tsv");
    let rows: Vec<Row> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut cells = line.split('\t');
            let mut cell = || cells.next().expect("a row has five cells");
            let row = Row { operation: cell(), place: cell(), path: cell(), kind: cell() };
            assert!(cell().contains('-'), "{line}");
            row
        })
        .collect();
    assert!(rows.len() > 1000, "the data has been read");
    rows
}

/// The rows about bodies, and those of `HostConfig` once more where old daemons find them too.
fn body_rows() -> Vec<Row> {
    let rows = || rows().into_iter().filter(|row| row.place == "body");
    let beside = rows().filter(|row| row.operation == "ContainerCreate").filter_map(|row| {
        let path = row.path.strip_prefix("HostConfig.")?;
        Some(Row { path, ..row })
    });
    rows().chain(beside).collect()
}

fn examiner(operation: &str) -> &'static Examiner {
    EXAMINERS
        .iter()
        .find(|examiner| examiner.operation.id() == operation)
        .unwrap_or_else(|| panic!("{operation} is not examined"))
}

/// A step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Field(&'static str),
    Element,
    Value,
}

fn steps(path: &'static str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let mut name = part;
        let mut after = Vec::new();
        loop {
            if let Some(rest) = name.strip_suffix("[]") {
                (name, after) = (rest, [vec![Step::Element], after].concat());
            } else if let Some(rest) = name.strip_suffix("{}") {
                (name, after) = (rest, [vec![Step::Value], after].concat());
            } else {
                break;
            }
        }
        if !name.is_empty() {
            steps.push(Step::Field(name));
        }
        steps.extend(after);
    }
    steps
}

/// A body with that value at the end of that path.
fn body(path: &'static str, value: &str) -> String {
    steps(path).iter().rev().fold(value.to_owned(), |inner, step| match step {
        Step::Field(name) => format!("{{\"{name}\":{inner}}}"),
        Step::Element => format!("[{inner}]"),
        Step::Value => format!("{{\"a\":{inner}}}"),
    })
}

fn findings(operation: &str, body: &str) -> Vec<Finding> {
    let rules = Rules::new().with(Variable::UnknownFields, "deny").expect("a word");
    examiner(operation).examine(&rules, body.as_bytes()).findings
}

/// Whether the tables say something of what the steps lead to: an own line, or one above that
/// covers it.
fn is_judged(rule: &'static Rule, steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    match (rule, step) {
        (Rule::Object(object), Step::Field(name)) => {
            field(object, name).is_some_and(|field| is_judged(&field.rule, rest))
        }
        (Rule::Each(rule), Step::Element) | (Rule::Values(rule), Step::Value) => {
            is_judged(rule, rest)
        }
        // Another shape than the description's, or one text or number, which has no parts.
        (Rule::Object(_) | Rule::Each(_) | Rule::Values(_) | Rule::Off | Rule::Word(_), _) => false,
        (
            Rule::Harmless
            | Rule::HarmlessMap
            | Rule::Empty
            | Rule::Words(_)
            | Rule::Keys(_)
            | Rule::By(_),
            _,
        ) => true,
    }
}

/// The line of a name in any case: the descriptions don't always write it as the daemon does.
fn field(object: &'static Object, name: &str) -> Option<&'static Field> {
    let own = object.fields.iter().find(|field| is_named(name, field.name));
    own.or_else(|| object.embeds.iter().find_map(|other| field(other, name)))
}

#[test]
fn every_described_field_has_been_judged() {
    let missing: Vec<String> = body_rows()
        .iter()
        .filter(|row| {
            let line = examiner(row.operation).body;
            !line.is_some_and(|line| is_judged(&line.rule, &steps(row.path)))
        })
        .map(|row| format!("{} {}", row.operation, row.path))
        .collect();
    assert!(missing.is_empty(), "in no table:\n{}", missing.join("\n"));
}

/// The same from outside, so that what code decides instead of a table is held to it too.
#[test]
fn no_described_field_is_unknown_to_an_examination() {
    let mut unknown = Vec::new();
    for row in body_rows() {
        for finding in findings(row.operation, &body(row.path, "null")) {
            let is_misread = finding.reason.contains("wrong type")
                || finding.reason == "is no map"
                || finding.reason == "is no list of texts";
            if finding.cause == Cause::UnknownField || is_misread {
                unknown.push(format!("{} {}: {finding}", row.operation, row.path));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn a_map_has_exact_keys_and_a_struct_has_not() {
    let repeats = |row: &Row, value: &str| {
        let findings = findings(row.operation, &body(row.path, value));
        findings.iter().any(|finding| finding.cause == Cause::RepeatedKey)
    };
    let mut misread = Vec::new();
    for row in body_rows() {
        let is_listed = MAPS_FOLDED.iter().any(|(part, _)| row.path.contains(part));
        let (is_map, is_struct) = (row.kind == "map", row.kind == "object");
        let (same, folded) = ("{\"x\":null,\"x\":null}", "{\"x\":null,\"X\":null}");
        let is_folded = is_struct || is_map && is_listed;
        if (is_map || is_struct) && (!repeats(&row, same) || repeats(&row, folded) != is_folded) {
            misread.push(format!("{} {} is a {}", row.operation, row.path, row.kind));
        }
    }
    assert!(misread.is_empty(), "{}", misread.join("\n"));
}

#[test]
fn every_described_parameter_has_been_judged_or_has_a_reason_not_to_be() {
    let mut left_out: BTreeSet<(&str, &str)> =
        PARAMETERS_LEFT_OUT.iter().map(|&(operation, name, _)| (operation, name)).collect();
    for row in rows().iter().filter(|row| row.place == "query") {
        let has_line = examiner(row.operation).query.iter().any(|field| field.name == row.path);
        let is_left_out = left_out.remove(&(row.operation, row.path));
        assert!(has_line != is_left_out, "{} {}", row.operation, row.path);
    }
    assert!(left_out.is_empty(), "no description has {left_out:?}");
}

/// Does something with each table of all examiners; those of embedded structs are tables too.
fn each_table(then: &mut dyn FnMut(&'static [Field])) {
    fn of_rule(rule: &'static Rule, then: &mut dyn FnMut(&'static [Field])) {
        match rule {
            Rule::Object(object) => of_object(object, then),
            Rule::Each(rule) | Rule::Values(rule) => of_rule(rule, then),
            Rule::Harmless
            | Rule::HarmlessMap
            | Rule::Off
            | Rule::Empty
            | Rule::Word(_)
            | Rule::Words(_)
            | Rule::Keys(_)
            | Rule::By(_) => {}
        }
    }
    fn of_object(object: &'static Object, then: &mut dyn FnMut(&'static [Field])) {
        then(object.fields);
        for field in object.fields {
            of_rule(&field.rule, then);
        }
        for other in object.embeds {
            of_object(other, then);
        }
    }
    for examiner in EXAMINERS {
        then(examiner.query);
        then(examiner.name.map(std::slice::from_ref).unwrap_or_default());
        if let Some(body) = examiner.body {
            of_rule(&body.rule, then);
        }
    }
}

/// Does something with each line of the tables.
fn each_line(then: &mut dyn FnMut(&'static Field)) {
    each_table(&mut |fields| fields.iter().for_each(&mut *then));
}

#[test]
fn every_name_in_a_table_comes_from_a_description_or_has_a_reason() {
    let described: BTreeSet<&str> = rows()
        .iter()
        .flat_map(|row| row.path.split('.'))
        .map(|part| part.trim_end_matches("[]").trim_end_matches("{}"))
        .collect();
    let mut ours: BTreeSet<&str> = NAMES_OF_OUR_OWN.iter().map(|&(name, _)| name).collect();
    let mut found = BTreeSet::new();
    let mut from_nowhere = BTreeSet::new();
    each_line(&mut |field| {
        if !described.contains(field.name) && !ours.contains(field.name) {
            from_nowhere.insert(field.name);
        }
        found.insert(field.name);
    });
    assert!(from_nowhere.is_empty(), "{from_nowhere:?}");
    ours.retain(|name| !found.contains(name) || described.contains(name));
    assert!(ours.is_empty(), "listed without need: {ours:?}");
}

/// The walk relies on it: keys that are found on one line after the other are each there once.
#[test]
fn no_table_has_a_name_twice() {
    each_table(&mut |fields| {
        for (index, field) in fields.iter().enumerate() {
            let is_again = |other: &Field| is_named(other.name, field.name);
            assert!(!fields[index + 1..].iter().any(is_again), "{}", field.name);
        }
    });
}

#[test]
fn what_is_withheld_has_a_reason_and_what_is_harmless_has_none() {
    each_line(&mut |field| {
        assert_eq!(field.opens.is_some(), !field.reason.is_empty(), "{}", field.name);
        let is_harmless = matches!(field.rule, Rule::Harmless | Rule::HarmlessMap);
        assert!(!is_harmless || field.opens.is_none(), "{}", field.name);
    });
}

#[test]
fn every_variable_opens_something() {
    let bodies = EXAMINERS.iter().filter_map(|examiner| examiner.body);
    let mut open: Vec<Variable> = bodies.filter_map(|line| line.opens).collect();
    each_line(&mut |field| open.extend(field.opens));
    for &variable in Variable::ALL {
        let is_choice = matches!(variable.kind(), Kind::Choice(_));
        let is_listed = VARIABLES_IN_CODE.iter().any(|&(listed, _)| listed == variable);
        assert!(is_choice || open.contains(&variable) != is_listed, "{variable}");
    }
}

#[test]
fn a_body_is_examined_where_and_only_where_it_is_collected() {
    for line in Operation::TABLE {
        let is_examined =
            Examiner::find(line.operation).is_some_and(|examiner| examiner.body.is_some());
        let is_collected = matches!(line.arguments, Arguments::Json | Arguments::Unread);
        assert_eq!(is_collected, is_examined, "{}", line.id);
    }
}

#[test]
fn no_operation_has_two_examiners() {
    let ids: BTreeSet<&str> = EXAMINERS.iter().map(|examiner| examiner.operation.id()).collect();
    assert_eq!(ids.len(), EXAMINERS.len());
}
