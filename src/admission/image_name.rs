//! An image's name as the engine reads it (distribution's `reference/normalize.go`): the registry that
//! it would ask, and the path there.

/// Docker Hub's name in a list.
pub const HUB: &str = "docker.io";

/// Other names of it, which the engine takes for that one, or asks in its place.
const HUBS_OTHER_NAMES: &[&str] = &["index.docker.io", "registry-1.docker.io"];

/// The namespace of images of Docker Hub that have none.
const LIBRARY: &str = "library";

/// A name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName<'n> {
    /// The registry, with its port.
    pub host: &'n str,
    /// The path in it, without tag and digest.
    path: String,
}

impl<'n> ImageName<'n> {
    /// Reads a name.
    #[must_use]
    pub fn of(name: &'n str) -> Self {
        let (host, rest) = match name.split_once('/') {
            Some(("index.docker.io", rest)) => (HUB, rest),
            Some((first, rest)) if is_host(first) => (first, rest),
            Some(_) | None => (HUB, name),
        };
        let rest = rest.split('@').next().unwrap_or(rest);
        // A tag stands behind the last part.
        let path = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => path,
            Some(_) | None => rest,
        };
        let path = if host == HUB && !path.contains('/') {
            format!("{LIBRARY}/{path}")
        } else {
            path.to_owned()
        };
        Self { host, path }
    }

    /// The whole name without tag and digest.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// Whether an item of a list covers it: a registry, or one with the beginning of a path, in whole
    /// parts or with a `*` behind it.
    #[must_use]
    pub fn is_covered(&self, item: &str) -> bool {
        let full = self.full();
        match item.strip_suffix('*') {
            Some(beginning) => full.starts_with(beginning),
            None => {
                full.strip_prefix(item).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        }
    }
}

/// Whether the first part of a name is a registry.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':'])
        || first == "localhost"
        || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether an item covers something in a registry, or all of it.
#[must_use]
pub fn is_of_host(item: &str, host: &str) -> bool {
    let first = item.split('/').next().unwrap_or(item);
    match first.strip_suffix('*') {
        Some(beginning) => host.starts_with(beginning),
        None => first == host,
    }
}

/// Words in a list that are no registries: images by their ids, and images that are loaded.
pub const WORDS: &[&str] = &["sha256", "load"];

/// Looks at an item of a list of registries.
///
/// # Errors
/// Some name that it may be meant to be, where no name is covered by it.
pub fn check(item: &str) -> Result<(), String> {
    if item == "*" || WORDS.contains(&item) {
        return Ok(());
    }
    let address = item.split_once("://").map_or(item, |(_, rest)| rest);
    let address = address.split(['@', '?', '#']).next().unwrap_or(address).trim_end_matches('/');
    let (first, path) = match address.split_once('/') {
        Some((first, path)) => (first, Some(path)),
        None => (address, None),
    };
    let host = if HUBS_OTHER_NAMES.contains(&first) { HUB } else { first };
    let is_named = is_host(host) || first.ends_with('*') && path.is_none();
    let mended = match path {
        None if is_named => host.to_owned(),
        None => format!("{HUB}/{host}"),
        Some(path) => {
            // Whatever the tag: it is not looked at.
            let path = match path.rsplit_once(':') {
                Some((path, tag)) if !tag.contains('/') => path,
                Some(_) | None => path,
            };
            let path = path.to_ascii_lowercase();
            if is_named { format!("{host}/{path}") } else { format!("{HUB}/{host}/{path}") }
        }
    };
    if mended == item { Ok(()) } else { Err(mended) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_belong_to_the_registry_that_the_engine_would_ask() {
        for (name, expected) in [
            ("alpine", "docker.io/library/alpine"),
            ("library/alpine:3", "docker.io/library/alpine"),
            ("docker.io/alpine", "docker.io/library/alpine"),
            ("docker.io/library/alpine", "docker.io/library/alpine"),
            ("index.docker.io/library/alpine", "docker.io/library/alpine"),
            ("index.docker.io/alpine@sha256:00", "docker.io/library/alpine"),
            ("team/x", "docker.io/team/x"),
            ("ghcr.io/x/y:1@sha256:00", "ghcr.io/x/y"),
            ("ghcr.io/x", "ghcr.io/x"),
            ("localhost/x", "localhost/x"),
            ("registry:5000/x:1", "registry:5000/x"),
            ("[::1]:5000/a/b", "[::1]:5000/a/b"),
            ("Registry/x", "Registry/x"),
        ] {
            assert_eq!(ImageName::of(name).full(), expected, "{name}");
        }
    }

    #[test]
    fn an_item_covers_whole_parts_of_a_path() {
        let covers = |item: &str, name: &str| ImageName::of(name).is_covered(item);
        for (item, name) in [
            ("*", "alpine"),
            ("docker.io", "alpine"),
            ("docker.io/library", "alpine:3"),
            ("docker.io/acme", "acme/app"),
            ("docker.io/acme/app", "acme/app:1"),
            ("ghcr.io", "ghcr.io/acme/app"),
            ("ghcr.io/acme", "ghcr.io/acme/app/x@sha256:00"),
            ("ghcr.io/acme/*", "ghcr.io/acme/app"),
            ("ghcr.io/acme/a*", "ghcr.io/acme/app"),
            ("localhost:5000", "localhost:5000/x"),
            ("10.0.0.*", "10.0.0.1/x"),
        ] {
            assert!(covers(item, name), "{item} {name}");
        }
        for (item, name) in [
            ("docker.io", "ghcr.io/x"),
            ("ghcr.io/acme", "ghcr.io/acmeevil/app"),
            ("ghcr.io/acme/*", "ghcr.io/acme"),
            ("ghcr.io/acme", "ghcr.io/x/acme/app"),
            ("ghcr.io/acme", "ghcr.io.evil.example/acme/app"),
            ("ghcr.io", "ghcr.io:443/x"),
            ("docker.io/acme", "docker.io/library/acme"),
            ("localhost:5000", "localhost:50001/x"),
        ] {
            assert!(!covers(item, name), "{item} {name}");
        }
        for (item, host, is_of) in [
            ("ghcr.io/acme/*", "ghcr.io", true),
            ("ghcr.*", "ghcr.io", true),
            ("*", "ghcr.io", true),
            ("ghcr.io", "ghcr.io.evil.example", false),
        ] {
            assert_eq!(is_of_host(item, host), is_of, "{item} {host}");
        }
    }

    #[test]
    fn what_no_name_is_covered_by_is_said_with_what_is_meant() {
        for item in [
            "*",
            "sha256",
            "load",
            "docker.io",
            "ghcr.io/acme/app",
            "ghcr.io/acme/*",
            "localhost",
            "localhost:5000",
            "reg*",
            "[::1]:5000",
        ] {
            assert_eq!(check(item), Ok(()), "{item}");
        }
        for (item, meant) in [
            ("https://ghcr.io", "ghcr.io"),
            ("http://localhost:5000/v2/", "localhost:5000/v2"),
            ("ghcr.io/", "ghcr.io"),
            ("index.docker.io", "docker.io"),
            ("https://index.docker.io/", "docker.io"),
            ("registry-1.docker.io/acme", "docker.io/acme"),
            ("acme", "docker.io/acme"),
            ("acme/app", "docker.io/acme/app"),
            ("acme/*", "docker.io/acme/*"),
            ("ghcr.io/acme/app:1", "ghcr.io/acme/app"),
            ("ghcr.io/acme/app@sha256:00", "ghcr.io/acme/app"),
            ("ghcr.io/Acme", "ghcr.io/acme"),
        ] {
            assert_eq!(check(item), Err(meant.to_owned()), "{item}");
        }
    }
}
