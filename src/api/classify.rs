//! Which operation a method and a path are: the path split into segments once, the lines of its
//! first segment compared with it. No allocation where nothing was percent-encoded.

use super::operation::{Line, Operation};
use super::version::ApiVersion;
use crate::http::{Method, Target, target::percent_decode};
use core::fmt;
use std::sync::LazyLock;

/// Segments that a template can have; only names with slashes make a path longer.
const SEGMENTS_MAX: usize = 4;

/// A request reduced to the API's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it is.
    pub operation: Operation,
    /// The version its path names; without one the daemon takes its newest.
    pub version: Option<ApiVersion>,
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
        let call = Self::of_segments(method, target.path.split(|&byte| byte == b'/').skip(1))?;
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

    /// The name in the path, decoded: what stands for the template's first name. `None` where the
    /// operation has none, or it is not UTF-8.
    #[must_use]
    pub fn name<'t>(&self, target: &'t Target<'_>) -> Option<&'t str> {
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
        Some(name)
    }

    fn of_segments<'s>(
        method: Method,
        segments: impl Iterator<Item = &'s [u8]>,
    ) -> Result<Self, Unclassified> {
        let mut segments = segments.peekable();
        let version = match segments.peek().and_then(|first| first.strip_prefix(b"v")) {
            Some(text @ [b'0'..=b'9' | b'.', ..]) => {
                Some(ApiVersion::parse(text).ok_or(Unclassified::Version)?)
            }
            Some(_) | None => None,
        };
        if version.is_some() {
            segments.next();
        }
        let path = Path::of(segments);
        if method == Method::Options {
            return Ok(Self { operation: Operation::Options, version });
        }
        ROUTES
            .iter()
            .find(|group| path.get(0) == Some(group.first))
            .and_then(|group| group.routes.iter().find(|route| route.takes(method, &path)))
            .map(|route| Self { operation: route.operation, version })
            .ok_or(Unclassified::Unknown)
    }
}

/// A path's segments: the first few, the last, and how many there are.
struct Path<'s> {
    head: [&'s [u8]; SEGMENTS_MAX],
    last: &'s [u8],
    count: usize,
}

impl<'s> Path<'s> {
    fn of(segments: impl Iterator<Item = &'s [u8]>) -> Self {
        let mut path = Self { head: [b""; SEGMENTS_MAX], last: b"", count: 0 };
        for segment in segments {
            // The empty one after a last slash; only "/networks/" comes so far with it.
            if segment.is_empty() {
                continue;
            }
            if let Some(place) = path.head.get_mut(path.count) {
                *place = segment;
            }
            path.last = segment;
            path.count = path.count.saturating_add(1);
        }
        path
    }

    fn get(&self, index: usize) -> Option<&'s [u8]> {
        if index < self.count { self.head.get(index).copied() } else { None }
    }
}

/// The operations below one first segment.
struct Group {
    first: &'static [u8],
    routes: Vec<Route>,
}

/// A line's template, taken apart once.
struct Route {
    operation: Operation,
    method: Method,
    shape: Shape,
}

enum Shape {
    /// So many segments, each a literal or, where `None`, one name.
    Segments(Vec<Option<&'static [u8]>>),
    /// The first segment, a name of one or more segments, and a literal if there is one.
    LongName(Option<&'static [u8]>),
}

impl Route {
    fn of(line: &Line) -> Self {
        let segments = || line.template.split('/').skip(1);
        let shape = if line.template.contains("...}") {
            let last = line.template.rsplit('/').next().filter(|last| !last.starts_with('{'));
            Shape::LongName(last.map(str::as_bytes))
        } else {
            let literal =
                |segment: &'static str| (!segment.starts_with('{')).then_some(segment.as_bytes());
            Shape::Segments(segments().map(literal).collect())
        };
        Self { operation: line.operation, method: line.method, shape }
    }

    fn takes(&self, method: Method, path: &Path<'_>) -> bool {
        self.method == method
            && match &self.shape {
                Shape::Segments(segments) => {
                    segments.len() == path.count
                        && segments.iter().enumerate().all(|(index, literal)| {
                            literal.is_none() || *literal == path.get(index)
                        })
                }
                Shape::LongName(None) => path.count >= 2,
                Shape::LongName(Some(last)) => path.count >= 3 && path.last == *last,
            }
    }
}

/// The table by first segment, the busiest first; within a group literals before names, so that
/// `/containers/json` is never a container called `json`.
static ROUTES: LazyLock<Vec<Group>> = LazyLock::new(|| {
    const BUSIEST: [&str; 5] = ["containers", "_ping", "images", "events", "exec"];
    let first = |line: &Line| line.template.split('/').nth(1).unwrap_or_default();
    let mut names: Vec<&'static str> = BUSIEST.to_vec();
    for line in Operation::TABLE {
        if !names.contains(&first(line)) && line.operation != Operation::Options {
            names.push(first(line));
        }
    }
    names
        .into_iter()
        .map(|name| {
            let mut lines: Vec<&Line> =
                Operation::TABLE.iter().filter(|line| first(line) == name).collect();
            lines.sort_by_key(|line| line.template.matches('{').count());
            Group { first: name.as_bytes(), routes: lines.into_iter().map(Route::of).collect() }
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: Method, raw: &str) -> Result<Call, Unclassified> {
        Call::of(method, &Target::parse(raw.as_bytes()).expect("clean"))
    }

    fn operation(method: Method, raw: &str) -> Option<Operation> {
        call(method, raw).ok().map(|call| call.operation)
    }

    #[test]
    fn every_line_finds_itself() {
        for line in Operation::TABLE {
            let path =
                line.template.replace("{name...}", "a.b:5000/c/d").replace("{path...}", "x/y");
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
            (Method::Get, "/containers/a/b/json"),
            (Method::Post, "/containers/json"),
            (Method::Head, "/version"),
            (Method::Head, "/containers/json"),
            (Method::Other, "/version"),
            (Method::Get, "/images/json/"),
            (Method::Get, "/metrics"),
            (Method::Post, "/moby.buildkit.v1.Control/Solve"),
            (Method::Post, "/containers/x/exec/start"),
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
            (Method::Get, "/version", None),
        ] {
            let target = Target::parse(path.as_bytes()).expect(path);
            let call = Call::of(method, &target).expect(path);
            assert_eq!(call.name(&target), expected, "{path}");
        }
    }

    #[test]
    fn an_encoded_slash_passes_only_inside_a_name() {
        assert_eq!(operation(Method::Get, "/images/a%2Fb/json"), Some(Operation::ImageInspect));
        assert_eq!(operation(Method::Delete, "/plugins/a%2fb"), Some(Operation::PluginDelete));
        for path in [
            "/containers%2Fjson",
            "/containers/p%2Fjson",
            "/v1.41%2fversion",
            "/images%2fjson",
            "/images/x%2fjson",
        ] {
            assert_eq!(call(Method::Get, path), Err(Unclassified::EncodedSlash), "{path}");
        }
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
}
