//! Paths of the host, compared as the daemon will use them: cleaned by their text alone (Go's
//! `path.Clean`). Where a symbolic link leads can't be seen from here.

/// Sockets that are root on the host, beside the one that the gate itself uses.
pub const SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
];

/// A path that may be mounted, with what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Cleaned.
    pub path: String,
    /// Whether only reading is allowed.
    pub is_read_only: bool,
}

impl Prefix {
    /// Reads `/path` or `/path:ro`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (path, is_read_only) = match text.split_once(':') {
            None | Some((_, "rw")) => (text.trim_end_matches(":rw"), false),
            Some((path, "ro")) => (path, true),
            Some(_) => return None,
        };
        path.starts_with('/').then(|| Self { path: clean(path), is_read_only })
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
    let is_guarded = guarded.any(|guarded| is_within(guarded, path));
    prefixes
        .iter()
        .filter(
            |prefix| {
                if is_guarded { prefix.path == path } else { is_within(path, &prefix.path) }
            },
        )
        .map(|prefix| if prefix.is_read_only { Access::Read } else { Access::Write })
        .max_by_key(|access| *access == Access::Write)
        .unwrap_or(Access::None)
}

/// Whether a cleaned path is `root` or below it.
#[must_use]
pub fn is_within(path: &str, root: &str) -> bool {
    root == "/"
        || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
        assert_eq!(may("/var", "/"), Access::None);
        assert_eq!(may("/", "/"), Access::Write);
    }

    #[test]
    fn prefixes_are_absolute() {
        for bad in ["", "srv", "/srv:rx", "/srv:ro:ro", ":ro"] {
            assert_eq!(Prefix::parse(bad), None, "{bad:?}");
        }
    }
}
