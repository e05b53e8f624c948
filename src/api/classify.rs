//! Which operation a method and a path are: the path split into segments once, its version taken off,
//! and what is left looked up (`route.rs`). No allocation where nothing was percent-encoded.

use super::operation::Operation;
use super::route::{Path, ROUTES};
use super::version::ApiVersion;
use crate::http::{Method, Target, target::percent_decode};
use core::fmt;
use core::ops::Range;
use memchr::memchr;

/// A request reduced to the API's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it is.
    pub operation: Operation,
    /// The version its path names; without one the daemon takes its newest.
    pub version: Option<ApiVersion>,
}

/// The name that a path has where its operation's template leaves one open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'t> {
    /// The name, decoded.
    pub text: &'t str,
    /// Its bytes in the target, as they were sent.
    pub place: Range<usize>,
}

/// Why a request is no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclassified {
    /// Not in the table.
    Unknown,
    /// A version prefix in a form that not everybody reads alike.
    Version,
    /// Split before decoding, the path is something else: a `%2F` outside a name.
    EncodedSlash,
}

impl fmt::Display for Unclassified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no operation of the Docker API has this method and path",
            Self::Version => "the version prefix is not of the form /v1.41",
            Self::EncodedSlash => "a %2F stands where a '/' would change what is meant",
        })
    }
}

impl Call {
    /// Reduces a request to an operation.
    ///
    /// # Errors
    /// It is in no line of the table, or not every reader would find it in the same one.
    pub fn of(method: Method, target: &Target<'_>) -> Result<Self, Unclassified> {
        if target.moved.is_some() {
            return Err(Unclassified::Unknown);
        }
        let call = Self::of_segments(method, segments(&target.path))?;
        if target.has_encoded_slash() {
            let decoded: Vec<_> = target
                .raw_path
                .split(|&byte| byte == b'/')
                .skip(1)
                .map(|segment| percent_decode(segment).unwrap_or_default())
                .collect();
            if Self::of_segments(method, decoded.iter().map(AsRef::as_ref)) != Ok(call) {
                return Err(Unclassified::EncodedSlash);
            }
        }
        Ok(call)
    }

    /// The name in the path, decoded, and where in the target it stands: what is there for the
    /// template's first name. `None` where the operation has none, or it is not UTF-8.
    #[must_use]
    pub fn name<'t>(&self, target: &'t Target<'_>) -> Option<Name<'t>> {
        let (before, after) = self.operation.line().template.split_once('{')?;
        let after = after.split_once('}')?.1;
        let path = core::str::from_utf8(&target.path).ok()?;
        let path = match self.version {
            Some(_) => path.get(1..)?.split_once('/')?.1,
            None => path.strip_prefix('/')?,
        };
        let rest = path.strip_prefix(before.strip_prefix('/')?)?;
        // What stands behind the name has as many segments as in the template.
        let mut name = rest;
        for _ in after.matches('/') {
            name = name.rsplit_once('/')?.0;
        }
        Some(Name { text: name, place: self.place(target.raw_path, before, after)? })
    }

    /// Where a name stands in the path as it was sent. Cut before it is decoded, it has the same
    /// segments before and after the name ([`Unclassified::EncodedSlash`]).
    fn place(self, path: &[u8], before: &str, after: &str) -> Option<Range<usize>> {
        let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        let ahead = before.matches('/').count().saturating_sub(1);
        let ahead = ahead.saturating_add(usize::from(self.version.is_some()));
        let start = slashes.clone().map(|(at, _)| at).nth(ahead)?.checked_add(1)?;
        let end = match after.matches('/').count().checked_sub(1) {
            Some(behind) => slashes.rev().map(|(at, _)| at).nth(behind)?,
            None => path.len(),
        };
        (start < end).then_some(start..end)
    }

    fn of_segments<'s>(
        method: Method,
        mut segments: impl Iterator<Item = &'s [u8]>,
    ) -> Result<Self, Unclassified> {
        let mut first = segments.next();
        let version = match first {
            Some([b'v', text @ ..]) if matches!(text, [b'0'..=b'9' | b'.', ..]) => {
                first = segments.next();
                Some(ApiVersion::parse(text).ok_or(Unclassified::Version)?)
            }
            Some(_) | None => None,
        };
        if method == Method::Options {
            return Ok(Self { operation: Operation::Options, version });
        }
        let path = Path::of(first, segments);
        let operation = ROUTES.find(method, &path).ok_or(Unclassified::Unknown)?;
        Ok(Self { operation, version })
    }
}

/// A path's segments: what stands between its slashes.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = path.strip_prefix(b"/");
    core::iter::from_fn(move || {
        let path = rest?;
        let end = memchr(b'/', path).unwrap_or(path.len());
        let (segment, after) = path.split_at_checked(end)?;
        rest = after.strip_prefix(b"/");
        Some(segment)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Line;

    fn call(method: Method, raw: &str) -> Result<Call, Unclassified> {
        Call::of(method, &Target::parse(raw.as_bytes()).expect("clean"))
    }

    fn operation(method: Method, raw: &str) -> Option<Operation> {
        call(method, raw).ok().map(|call| call.operation)
    }

    #[test]
    fn every_line_finds_itself() {
        for line in Operation::TABLE {
            let path = line.template.replace("...}", "/c/d}").replace("{path/c/d}", "x/y");
            let path = path.replace(['{', '}'], "");
            assert_eq!(operation(line.method, &path), Some(line.operation), "{path}");
            let versioned = format!("/v1.41{path}");
            assert_eq!(operation(line.method, &versioned), Some(line.operation), "{versioned}");
            assert_eq!(Operation::TABLE[line.operation.index()].operation, line.operation);
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_unknown() {
        for (method, path) in [
            (Method::Get, "/"),
            (Method::Get, "/v1.41"),
            (Method::Get, "/containers"),
            (Method::Get, "/containers/json/x"),
            (Method::Get, "/Containers/json"),
            (Method::Get, "/V1.41/containers/json"),
            (Method::Get, "/v1.41/v1.41/containers/json"),
            (Method::Get, "/containers/a/b"),
            (Method::Get, "/containers/attach/ws"),
            (Method::Get, "/services/a/b"),
            (Method::Post, "/containers/json"),
            (Method::Head, "/version"),
            (Method::Head, "/containers/json"),
            (Method::Other, "/version"),
            (Method::Get, "/images/json/"),
            (Method::Get, "/metrics"),
            (Method::Post, "/moby.buildkit.v1.Control/Solve"),
            (Method::Post, "/containers/x/exec/y"),
        ] {
            let Ok(target) = Target::parse(path.as_bytes()) else { continue };
            assert_eq!(Call::of(method, &target), Err(Unclassified::Unknown), "{method} {path}");
        }
    }

    #[test]
    fn names_with_slashes_are_known_by_their_ends() {
        for (method, path, expected) in [
            (Method::Get, "/images/json", Operation::ImageList),
            (Method::Get, "/images/json/json", Operation::ImageInspect),
            (Method::Get, "/images/a/json/history", Operation::ImageHistory),
            (Method::Delete, "/images/a/b/json", Operation::ImageDelete),
            (Method::Get, "/images/get", Operation::ImageGetAll),
            (Method::Get, "/images/x/get", Operation::ImageGet),
            (Method::Get, "/networks/", Operation::NetworkList),
            (Method::Get, "/v1.41/networks/", Operation::NetworkList),
            (Method::Get, "/plugins/privileges", Operation::GetPluginPrivileges),
            (Method::Delete, "/containers/x/checkpoints/y", Operation::CheckpointDelete),
            (Method::Delete, "/containers/a/b/checkpoints/y", Operation::ContainerDelete),
            (Method::Get, "/containers/foo/bar:1/json", Operation::ContainerInspect),
            (Method::Get, "/containers/json/json", Operation::ContainerInspect),
            (Method::Get, "/containers/a/json/json", Operation::ContainerInspect),
            (Method::Get, "/containers/a/b/attach/ws", Operation::ContainerAttachWebsocket),
            (Method::Get, "/containers/a/b/checkpoints", Operation::CheckpointList),
            (Method::Post, "/containers/x/exec/start", Operation::ContainerStart),
            (Method::Post, "/containers/x/exec/y/start", Operation::ContainerStart),
            (Method::Post, "/exec/x/y/start", Operation::ExecStart),
            (Method::Delete, "/containers/web/redis", Operation::ContainerDelete),
            (Method::Get, "/networks/a/b", Operation::NetworkInspect),
            (Method::Post, "/networks/a/connect/connect", Operation::NetworkConnect),
            (Method::Get, "/volumes/a/b", Operation::VolumeInspect),
        ] {
            assert_eq!(operation(method, path), Some(expected), "{path}");
        }
    }

    #[test]
    fn the_name_is_what_the_template_leaves_open() {
        for (method, path, expected) in [
            (Method::Get, "/images/json", None),
            (Method::Post, "/images/a/b:1/push", Some("a/b:1")),
            (Method::Post, "/v1.41/images/r%2Fx/push", Some("r/x")),
            (Method::Put, "/v1.41/containers/%61b/archive", Some("ab")),
            (Method::Get, "/distribution/push/json", Some("push")),
            (Method::Delete, "/containers/x/checkpoints/y", Some("x")),
            (Method::Put, "/v1.41/containers/web/re%2Fd%69s/archive", Some("web/re/dis")),
            (Method::Delete, "/containers/a/b", Some("a/b")),
            (Method::Get, "/containers/a/b/attach/ws", Some("a/b")),
            (Method::Get, "/version", None),
        ] {
            let target = Target::parse(path.as_bytes()).expect(path);
            let call = Call::of(method, &target).expect(path);
            let name = call.name(&target);
            let found = name.as_ref().map(|name| name.text);
            assert_eq!(found, expected, "{path}");
            let sent =
                name.map(|name| percent_decode(&path.as_bytes()[name.place]).expect("clean"));
            assert_eq!(sent.as_deref(), expected.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn an_encoded_slash_passes_only_inside_a_name() {
        assert_eq!(operation(Method::Get, "/images/a%2Fb/json"), Some(Operation::ImageInspect));
        assert_eq!(operation(Method::Delete, "/plugins/a%2fb"), Some(Operation::PluginDelete));
        assert_eq!(
            operation(Method::Get, "/containers/a%2Fb/json"),
            Some(Operation::ContainerInspect)
        );
        for path in [
            "/containers%2Fjson",
            "/containers/p%2Fjson",
            "/v1.41%2fversion",
            "/images%2fjson",
            "/images/x%2fjson",
            "/containers%2Fx/json",
        ] {
            assert_eq!(call(Method::Get, path), Err(Unclassified::EncodedSlash), "{path}");
        }
    }

    #[test]
    fn what_is_not_clean_is_no_operation_on_any_path() {
        for path in ["//version", "/./version", "/version/../_ping", "/containers//web/json"] {
            assert_eq!(call(Method::Get, path), Err(Unclassified::Unknown), "{path}");
            assert_eq!(call(Method::Options, path), Err(Unclassified::Unknown), "{path}");
        }
    }

    #[test]
    fn each_reason_has_words_of_its_own() {
        let words = |reason: Unclassified| reason.to_string();
        assert!(words(Unclassified::Unknown).starts_with("no operation"));
        assert!(words(Unclassified::Version).contains("/v1.41"));
        assert!(words(Unclassified::EncodedSlash).contains("%2F"));
    }

    #[test]
    fn the_version_is_read_in_its_one_form() {
        let version = |path| call(Method::Get, path).map(|call| call.version);
        assert_eq!(version("/_ping"), Ok(None));
        assert_eq!(version("/v1.41/_ping"), Ok(Some(ApiVersion { major: 1, minor: 41 })));
        assert_eq!(version("/v1%2e41/_ping"), Ok(Some(ApiVersion { major: 1, minor: 41 })));
        for path in [
            "/v1/_ping",
            "/v1.41.0/_ping",
            "/v./_ping",
            "/v1..41/_ping",
            "/v01.41/_ping",
            "/v1.041/_ping",
            "/v1.41a/_ping",
        ] {
            assert_eq!(version(path), Err(Unclassified::Version), "{path}");
        }
    }

    /// The table walked line by line: of those that take the path, the one with the fewest names.
    fn naive(method: Method, path: &[&str]) -> Option<Operation> {
        let takes = |line: &&Line| line.method == method && fits(&line.template[1..], path);
        let names =
            |line: &&Line| (line.template.contains("...}"), line.template.matches('{').count());
        Operation::TABLE.iter().filter(takes).min_by_key(names).map(|line| line.operation)
    }

    fn fits(template: &str, path: &[&str]) -> bool {
        let (segment, rest) = template
            .split_once('/')
            .map_or((template, None), |(segment, rest)| (segment, Some(rest)));
        let Some((first, others)) = path.split_first() else { return false };
        let ends = |others: &[&str]| rest.map_or(others.is_empty(), |rest| fits(rest, others));
        if segment.ends_with("...}") {
            (1..=path.len()).any(|count| ends(&path[count..]))
        } else {
            (segment.starts_with('{') || segment == *first) && ends(others)
        }
    }

    /// Every line's path with every name, and what is next to it.
    fn near_misses() -> Vec<String> {
        let mut paths = Vec::new();
        for line in Operation::TABLE {
            for name in ["x", "json", "create", "a/b", "a.b:5000/json/push", "get", "ws", "vars"] {
                let segments = line.template.split('/').map(|segment| match segment {
                    _ if segment.ends_with("...}") => name,
                    _ if segment.starts_with('{') => name.split('/').next().unwrap_or_default(),
                    _ => segment,
                });
                let path = segments.collect::<Vec<_>>().join("/");
                let (parent, last) = path.rsplit_once('/').unwrap_or_default();
                paths.extend([
                    format!("{path}/x"),
                    format!("{path}/json"),
                    format!("{path}x"),
                    format!("/x{path}"),
                    path.split_at(path.len().saturating_sub(1)).0.to_owned(),
                    parent.to_owned(),
                    format!("{parent}/{}", last.to_uppercase()),
                    format!("{parent}/x/{last}"),
                    path.replacen('e', "f", 1),
                    path,
                ]);
            }
        }
        paths
    }

    #[test]
    #[cfg_attr(miri, ignore = "80,000 walks")]
    fn what_is_looked_up_is_what_a_walk_over_the_table_finds() {
        let methods = [
            Method::Get,
            Method::Head,
            Method::Post,
            Method::Put,
            Method::Delete,
            Method::Options,
            Method::Other,
        ];
        for path in near_misses() {
            let Ok(target) = Target::parse(path.as_bytes()) else { continue };
            // "/networks/" is "/networks".
            let segments: Vec<&str> =
                path.split('/').filter(|segment| !segment.is_empty()).collect();
            for method in methods {
                let found = Call::of(method, &target).map(|call| call.operation);
                // The daemon answers it on any path.
                let options = (method == Method::Options).then_some(Operation::Options);
                let expected = options.or_else(|| naive(method, &segments));
                assert_eq!(found, expected.ok_or(Unclassified::Unknown), "{method} {path}");
            }
        }
    }
}
