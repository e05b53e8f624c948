//! `PutContainerArchive`: an archive goes wherever links inside the container lead, into every
//! mount it has. So what counts is not the path but what the container has mounted.

use super::finding::Step;
use super::json::Json;
use super::judge::Judge;
use super::lookup::{Question, VolumeUse};

/// The question that the operation raises.
#[must_use]
pub fn question(container: &str) -> Question {
    Question::Container(container.to_owned())
}

/// Judges a container's mounts (`ContainerInspect`); its full id. `None` where the daemon says
/// nothing that can be read: without an id the request could only go to whoever bears the name.
pub fn existing_container(judge: &mut Judge<'_>, container: &Json<'_>) -> Option<String> {
    match container.field("Mounts") {
        None | Some(Json::Null) => {}
        Some(Json::List(mounts)) => {
            for mount in mounts {
                writable(judge, mount);
            }
        }
        Some(_) => return None,
    }
    let id = container.field("Id").and_then(Json::text)?;
    // It becomes a segment of the request's path.
    let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then(|| id.to_owned())
}

fn writable(judge: &mut Judge<'_>, mount: &Json<'_>) {
    let text = |name| mount.field(name).and_then(Json::text).unwrap_or_default();
    if mount.field("RW") == Some(&Json::Bool(false)) {
        return;
    }
    let before = judge.examined.findings.len();
    match text("Type") {
        "bind" => judge.host_path(text("Source"), false),
        "volume" if !text("Name").is_empty() => {
            judge.examined.questions.push(Question::Volume(VolumeUse {
                name: text("Name").to_owned(),
                path: vec![Step::Field("path")],
                is_read_only: false,
            }));
        }
        _ => {}
    }
    for finding in judge.examined.findings.iter_mut().skip(before) {
        finding.path = vec![Step::Field("path")];
        finding.reason = "is a path of the host that the container has mounted, where the archive could be written";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::{Rules, Variable, json};

    /// What is found, and how many volumes are asked about.
    fn judged(rules: &Rules, mounts: &str) -> (Vec<String>, usize) {
        let container = format!(r#"{{"Id":"0f","Mounts":{mounts}}}"#);
        let mut judge = Judge::new(rules);
        let container = json::read(container.as_bytes()).expect("json");
        assert_eq!(existing_container(&mut judge, &container).as_deref(), Some("0f"));
        let found = judge.examined.findings.iter().map(ToString::to_string).collect();
        (found, judge.examined.questions.len())
    }

    #[test]
    fn what_can_be_written_through_a_mount_is_judged() {
        let rules = Rules::new().with(Variable::BindMounts, "/srv:ro,/data").expect("paths");
        for (mounts, found, asked) in [
            ("null", 0, 0),
            (r#"[{"Type":"bind","Source":"/etc"}]"#, 1, 0),
            (r#"[{"Type":"bind","Source":"/etc","RW":true}]"#, 1, 0),
            (r#"[{"Type":"bind","Source":"/etc","RW":false}]"#, 0, 0),
            (r#"[{"Type":"bind","Source":"/srv","RW":true}]"#, 1, 0),
            (r#"[{"Type":"bind","Source":"/data","RW":true}]"#, 0, 0),
            (r#"[{"Type":"volume","Name":"v","RW":true}]"#, 0, 1),
            (r#"[{"Type":"volume","Name":"v","RW":false}]"#, 0, 0),
            (r#"[{"Type":"volume","Name":"","RW":true}]"#, 0, 0),
            (r#"[{"Type":"tmpfs","RW":true}]"#, 0, 0),
        ] {
            let (findings, questions) = judged(&rules, mounts);
            assert_eq!((findings.len(), questions), (found, asked), "{mounts}: {findings:?}");
        }
        let (findings, _) = judged(&rules, r#"[{"Type":"bind","Source":"/etc"}]"#);
        assert!(findings.concat().starts_with("path \"/etc\" is a path of the host that"));
    }
}
