//! Checkpoints (experimental): directories of the host that the daemon writes, reads and removes as
//! root.

use super::field::{Field, Object, Rule, examined, harmless, inside};
use super::host_path;
use super::json::Json;
use super::judge::Judge;
use super::variable::Variable;

/// The body of `CheckpointCreate`.
pub const CHECKPOINT_CREATE: Object = Object::of(&[
    inside("CheckpointID", Rule::By(name)),
    directory("CheckpointDir"),
    harmless("Exit"),
]);

/// The query of `CheckpointList` and `CheckpointDelete`.
pub const CHECKPOINT_QUERY: &[Field] = &[directory("dir")];

/// A directory that holds checkpoints: a path of the host like a bind mount's.
pub const fn directory(name: &'static str) -> Field {
    examined(
        name,
        Rule::By(|judge, value| {
            judge.text(value, |judge, path| match path {
                "" => {}
                path if host_path::has_dots(path) || !path.starts_with('/') => {
                    judge.bad_text(path, "is no plain absolute path");
                }
                path => judge.host_path(path, false),
            });
        }),
        Variable::BindMounts,
        "is a path of the host",
    )
}

/// A checkpoint's name, which the daemon joins to a directory's.
pub fn name(judge: &mut Judge<'_>, value: &Json<'_>) {
    let is_plain = |name: &str| {
        !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    match value {
        Json::Null => {}
        Json::Text(name) if is_plain(name) => {}
        Json::Text(_)
        | Json::Bool(_)
        | Json::Integer(_)
        | Json::Number
        | Json::List(_)
        | Json::Object(_) => judge.bad_value(value, "is no checkpoint's name"),
    }
}
