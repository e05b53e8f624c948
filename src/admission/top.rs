//! The query of `ContainerTop`. The daemon hands it to the host's `ps`, which tells of every process of
//! the host, and keeps the lines that have a process of the container's where the title is `PID`; a word
//! there that is no number it tells in its answer (moby `daemon/top_unix.go`, `parsePSOutput`). Where the
//! columns before it can hold several words, that is any word of any process's arguments or environment.

use super::field::{Field, Rule, examined};
use super::judge::Judge;
use super::variable::Variable;

/// The query of `ContainerTop`.
pub const CONTAINER_TOP_QUERY: &[Field] = &[examined(
    "ps_args",
    Rule::By(|judge, value| {
        judge.text(value, |judge: &mut Judge<'_>, arguments| {
            if !is_of_container(arguments) && !judge.is_open("pid") {
                judge.withhold(arguments, "pid");
            }
        });
    }),
    Variable::HostNamespaces,
    "may show the host's processes (ps options without arguments and -o pid,... alone do not)",
)];

/// Whether `ps` tells each process's number before anything that has several words: its own formats do,
/// and one of the client's that begins with it.
fn is_of_container(arguments: &str) -> bool {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let mut has_format = false;
    while let Some(word) = words.next() {
        let options = word.strip_prefix('-').unwrap_or(word);
        // Of the options that are left out, -O has a format too, -Z and -M begin with labels, h has no
        // titles.
        let is_plain = |options: &str| {
            options.bytes().all(|byte| byte.is_ascii_alphabetic() && !b"oOZMh".contains(&byte))
        };
        match options.strip_suffix('o') {
            Some(before) if is_plain(before) && !has_format => {
                has_format = true;
                if !words.next().is_some_and(begins_with_pid) {
                    return false;
                }
            }
            None if !options.is_empty() && is_plain(options) => {}
            Some(_) | None => return false,
        }
    }
    true
}

/// Whether a format has `pid` for its first column, and no titles of its own.
fn begins_with_pid(format: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_%:,".contains(&byte);
    format.split(',').next() == Some("pid") && format.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_tells_a_processs_number_first_is_of_the_container() {
        for arguments in [
            "",
            "-ef",
            "aux",
            "-e -f",
            "axl",
            "-eo pid,args",
            "o pid,%cpu,user:20",
            "axo pid",
            "-A -o pid",
        ] {
            assert!(is_of_container(arguments), "{arguments}");
        }
        for arguments in [
            "-o args,pid",
            "eww -p 1 -o args:300,comm,pid",
            "-oargs,pid",
            "-opid",
            "-o",
            "-o pid -o args",
            "-o pid=x,args=PID",
            "-o pidns,args,pid",
            "-O args",
            "-eZ",
            "axh",
            "-",
            "--format pid",
            "-ef\t-o\targs,pid",
            "-p 1",
            "-eo %a%p",
        ] {
            assert!(!is_of_container(arguments), "{arguments}");
        }
    }
}
