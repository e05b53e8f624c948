//! `ContainerExec` and `ExecStart`.

use super::field::{Object, Rule, examined, harmless, inside};
use super::limit;
use super::shield;
use super::variable::Variable;

/// The body of `ContainerExec`.
pub const CONTAINER_EXEC: Object = Object::of(&[
    inside("User", Rule::By(limit::exec_user)),
    examined(
        "Privileged",
        Rule::Off,
        Variable::ExecPrivileged,
        "gives the process every capability",
    ),
    harmless("Tty"),
    harmless("ConsoleSize"),
    harmless("AttachStdin"),
    harmless("AttachStderr"),
    harmless("AttachStdout"),
    harmless("Detach"),
    harmless("DetachKeys"),
    // Whoever may run something in a container runs what they like.
    harmless("Env"),
    inside("WorkingDir", Rule::By(shield::working_directory)),
    harmless("Cmd"),
]);

/// The body of `ExecStart`: whatever could matter was said when the exec was made.
pub const EXEC_START: Object =
    Object::of(&[harmless("Detach"), harmless("Tty"), harmless("ConsoleSize")]);
