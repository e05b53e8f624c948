//! Paths of the host, compared as the daemon will use them: cleaned by their text alone (Go's
//! `path.Clean`). Where a symbolic link leads can't be seen from here.

use super::spelling;

/// Sockets that are root on the host, beside the one that the gate itself uses.
pub const SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
];

/// Directories of the host with what its root runs and obeys, or other containers' files.
const ROOTS_OWN: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/root",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/spool/cron",
];

/// A path that may be mounted, with what is below it or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Cleaned.
    pub path: String,
    /// Whether only reading is allowed.
    pub is_read_only: bool,
    /// Whether what is below it is not meant: a client that writes there could make a link, and
    /// name that as the path to mount.
    pub is_exact: bool,
}

/// The words that may follow a path, each once.
const WORDS: [&str; 3] = ["ro", "rw", "exact"];

impl Prefix {
    /// Reads `/path`, and behind it `:ro` or `:rw` and `:exact`, in any order.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(str::trim);
        let path = parts.next().filter(|path| path.starts_with('/'))?;
        let words: Vec<&str> = parts.collect();
        let count = |word| words.iter().filter(|&&other| other == word).count();
        let is_known = words.iter().all(|word| WORDS.contains(word));
        let [read, write, exact] = WORDS.map(count);
        (is_known && read.saturating_add(write) < 2 && exact < 2).then(|| Self {
            path: clean(&spelling::read(path)),
            is_read_only: read > 0,
            is_exact: exact > 0,
        })
    }

    /// Reads a list of them. A word that stands behind a comma belongs to the path before it.
    #[must_use]
    pub fn parse_list<'t>(items: impl Iterator<Item = &'t str>) -> Option<Vec<Self>> {
        let mut texts: Vec<String> = Vec::new();
        for item in items {
            match texts.last_mut() {
                Some(text) if WORDS.contains(&item) => {
                    text.push(':');
                    text.push_str(item);
                }
                Some(_) | None => texts.push(item.to_owned()),
            }
        }
        texts.iter().map(|text| Self::parse(text)).collect()
    }

    fn covers(&self, path: &str) -> bool {
        if self.is_exact { self.path == path } else { is_within(path, &self.path) }
    }
}

/// What the prefixes say of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is below none of them.
    None,
    /// It may be read.
    Read,
    /// It may be read and written.
    Write,
}

/// What may be done with `path`, cleaned. One that is or holds one of the `guarded` paths must be
/// listed itself.
#[must_use]
pub fn access<'g>(
    path: &str,
    prefixes: &[Prefix],
    mut guarded: impl Iterator<Item = &'g str>,
) -> Access {
    let is_guarded = guarded.any(|guarded| holds(path, guarded));
    prefixes
        .iter()
        .filter(|prefix| if is_guarded { prefix.path == path } else { prefix.covers(path) })
        .map(|prefix| if prefix.is_read_only { Access::Read } else { Access::Write })
        .max_by_key(|access| *access == Access::Write)
        .unwrap_or(Access::None)
}

/// Why a path is withheld with what root runs or obeys, where it could be written to.
pub const WRITES_ROOTS_OWN: &str =
    "is a path of the host with what its root runs or obeys: written to, root on the host";

/// Why a cleaned path is withheld: what a client would gain by it.
#[must_use]
pub fn reason<'g>(
    path: &str,
    sockets: &[String],
    mut own: impl Iterator<Item = &'g str>,
) -> &'static str {
    if path == "/" {
        "is a path of the host, and all of it: root on the host"
    } else if sockets.iter().any(|socket| socket == path || other_way(path) == *socket) {
        "is a path of the host, and a socket that commands it: root on the host"
    } else if sockets.iter().any(|socket| holds(path, socket)) {
        "is a path of the host with a socket in it that commands it: root on the host"
    } else if own.any(|own| holds(path, own)) {
        "is a path of the host with files or sockets of the gate's own"
    } else if ROOTS_OWN.iter().any(|root| is_within(path, root)) {
        WRITES_ROOTS_OWN
    } else {
        "is a path of the host"
    }
}

/// Whether a cleaned path is `root` or below it.
#[must_use]
pub fn is_within(path: &str, root: &str) -> bool {
    root == "/"
        || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a guarded path is `path` or below it, by either way to it.
fn holds(path: &str, guarded: &str) -> bool {
    is_within(guarded, path) || is_within(&other_way(guarded), path)
}

/// The same path by the other of two names that hosts have for one directory: `/var/run` leads to
/// `/run` (FHS 3.0, section 5.13). Without one, the path itself.
fn other_way(path: &str) -> String {
    let rest = |root| path.strip_prefix(root).filter(|_| is_within(path, root));
    match (rest("/run"), rest("/var/run")) {
        (Some(rest), _) => format!("/var/run{rest}"),
        (None, Some(rest)) => format!("/run{rest}"),
        (None, None) => path.to_owned(),
    }
}

/// Whether a path has segments that mean another one.
#[must_use]
pub fn has_dots(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The path as an absolute one without empty, `.` and `..` segments.
#[must_use]
pub fn clean(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_the_daemon_cleans_them() {
        for (path, cleaned) in [
            ("/", "/"),
            ("//etc", "/etc"),
            ("/etc/", "/etc"),
            ("/etc/../etc/./x//y", "/etc/x/y"),
            ("/../..", "/"),
            ("/srv/..//etc/", "/etc"),
            ("../../x", "/x"),
            ("", "/"),
            ("/...", "/..."),
        ] {
            assert_eq!(clean(path), cleaned, "{path:?}");
        }
    }

    fn may(path: &str, prefixes: &str) -> Access {
        let prefixes: Vec<Prefix> =
            prefixes.split(',').map(|text| Prefix::parse(text).expect("a prefix")).collect();
        let sockets: Vec<String> = SOCKETS.iter().map(|&path| path.to_owned()).collect();
        access(&clean(path), &prefixes, sockets.iter().map(String::as_str))
    }

    #[test]
    fn a_prefix_covers_what_is_below_it_and_no_more() {
        assert_eq!(may("/srv/a/b", "/srv/a"), Access::Write);
        assert_eq!(may("/srv/a", "/srv/a/"), Access::Write);
        assert_eq!(may("/srv/ab", "/srv/a"), Access::None);
        assert_eq!(may("/srv", "/srv/a"), Access::None);
        assert_eq!(may("/srv/a/../b", "/srv/a"), Access::None);
        assert_eq!(may("/srv/a", "/srv:ro"), Access::Read);
        assert_eq!(may("/srv/a", "/srv:ro,/srv/a"), Access::Write);
        assert_eq!(may("/etc", "/"), Access::Write);
        assert_eq!(may("/", "/:ro"), Access::Read);
    }

    #[test]
    fn a_socket_that_is_root_is_opened_only_by_its_name() {
        for path in
            ["/var/run/docker.sock", "/run/docker.sock", "/var/run", "/run", "/run/containerd"]
        {
            assert_eq!(may(path, "/,/var,/run/x"), Access::None, "{path}");
            assert_eq!(may(path, &format!("/,{path}")), Access::Write, "{path}");
        }
        assert_eq!(may("/run/user/1000", "/"), Access::Write);
        let socket = |socket, path: &str| {
            let prefix = Prefix::parse("/").expect("a prefix");
            access(path, &[prefix], core::iter::once(socket))
        };
        for path in ["/run/x", "/run/x/a.sock", "/var/run/x", "/var/run/x/a.sock"] {
            assert_eq!(socket("/var/run/x/a.sock", path), Access::None, "{path}");
            assert_eq!(socket("/run/x/a.sock", path), Access::None, "{path}");
        }
        assert_eq!(socket("/runner/a.sock", "/var/runner"), Access::Write);
        assert_eq!(may("/var", "/"), Access::None);
        assert_eq!(may("/", "/"), Access::Write);
    }

    #[test]
    fn prefixes_are_absolute() {
        for bad in [
            "",
            "srv",
            "/srv:rx",
            "/srv:ro:ro",
            ":ro",
            "/srv:exactly",
            "/srv:exact:exact",
            "/srv:ro:rw",
            "/srv:",
            "exact",
            "/srv:EXACT",
        ] {
            assert_eq!(Prefix::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_exact_path_covers_nothing_below_it() {
        for (item, is_read_only) in [
            ("/srv/a:exact", false),
            ("/srv/a:rw:exact", false),
            ("/srv/a/:ro:exact", true),
            ("/srv/a:exact:ro", true),
        ] {
            let parsed = Prefix::parse(item).expect("a path");
            assert_eq!((parsed.is_exact, parsed.is_read_only), (true, is_read_only), "{item}");
        }
        assert_eq!(may("/srv/a", "/srv/a:exact"), Access::Write);
        assert_eq!(may("/srv/a/.", "/srv/a:exact:ro"), Access::Read);
        for path in ["/srv/a/b", "/srv/a/l/..//x", "/srv", "/srv/ab"] {
            assert_eq!(may(path, "/srv/a:exact"), Access::None, "{path}");
        }
        assert_eq!(may("/srv/a/b", "/srv/a:exact,/srv/a:ro"), Access::Read);
        let list = |text: &str| Prefix::parse_list(text.split(',')).map(|items| items.len());
        assert_eq!(list("/srv/a:ro,exact,/b"), Some(2));
        assert_eq!(list("/srv/a,exact,ro"), Some(1));
        assert_eq!((list("exact,/a"), list("/a,exact,exact")), (None, None));
    }

    #[test]
    fn a_path_that_makes_root_says_so() {
        let sockets: Vec<String> = SOCKETS.iter().map(|&path| path.to_owned()).collect();
        for path in ["/", "/var/run/docker.sock", "/run", "/var", "/etc/cron.d", "/usr"] {
            assert!(
                reason(path, &sockets, std::iter::empty()).contains("root on the host"),
                "{path}"
            );
        }
        for path in ["/srv", "/home/me", "/etcetera", "/run/user"] {
            assert_eq!(
                reason(path, &sockets, std::iter::empty()),
                "is a path of the host",
                "{path}"
            );
        }
    }
}
