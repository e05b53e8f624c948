//! The operation table as it is looked up: by first segment, then by method, then by shape. Built
//! once from the table, which stays the only place where operations are told.

use super::operation::{Line, Operation};
use crate::http::Method;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Segments that a template can have; only names with slashes make a path longer.
const SEGMENTS_MAX: usize = 4;

/// Literals that may follow a name with slashes.
const TAIL_MAX: usize = 2;

/// A path's segments: the first few, the last few, and how many there are.
pub(super) struct Path<'s> {
    head: [&'s [u8]; SEGMENTS_MAX],
    tail: [&'s [u8]; TAIL_MAX],
    count: usize,
}

impl<'s> Path<'s> {
    pub(super) fn of(first: Option<&'s [u8]>, others: impl Iterator<Item = &'s [u8]>) -> Self {
        let mut path = Self { head: [b""; SEGMENTS_MAX], tail: [b""; TAIL_MAX], count: 0 };
        if let Some(first) = first {
            path.push(first);
        }
        others.for_each(|segment| path.push(segment));
        path
    }

    fn push(&mut self, segment: &'s [u8]) {
        // The empty one after a last slash; only "/networks/" comes so far with it.
        if segment.is_empty() {
            return;
        }
        if let Some(place) = self.head.get_mut(self.count) {
            *place = segment;
        }
        let [_, last] = self.tail;
        self.tail = [last, segment];
        self.count = self.count.saturating_add(1);
    }

    fn get(&self, index: usize) -> Option<&'s [u8]> {
        if index < self.count { self.head.get(index).copied() } else { None }
    }
}

/// The table by first segment, so that a path is compared with the lines it can be only: a hash
/// table without collisions.
pub(super) static ROUTES: LazyLock<Routes> = LazyLock::new(Routes::new);

pub(super) struct Routes {
    factor: usize,
    groups: [Option<Group>; GROUPS_MAX],
}

/// Places for groups; a power of two, some times as many as there are.
const GROUPS_MAX: usize = 128;

/// The operations below one first segment, by method.
struct Group {
    first: &'static [u8],
    methods: Vec<(Method, Vec<Route>)>,
}

impl Routes {
    fn new() -> Self {
        let mut names: Vec<_> = lines().map(first).collect();
        names.sort_unstable();
        names.dedup();
        let is_perfect = |&factor: &usize| {
            let places: BTreeSet<_> = names.iter().map(|name| place(name, factor)).collect();
            places.len() == names.len()
        };
        let factor = (1..GROUPS_MAX).find(is_perfect).unwrap_or_default();
        let mut groups = [const { None }; GROUPS_MAX];
        for name in names {
            if let Some(group) = groups.get_mut(place(name, factor)) {
                *group = Some(Group::of(name));
            }
        }
        Self { factor, groups }
    }

    pub(super) fn find(&self, method: Method, path: &Path<'_>) -> Option<Operation> {
        let first = path.get(0)?;
        let group = self.groups.get(place(first, self.factor))?.as_ref()?;
        let (_, routes) = group.methods.iter().find(|(other, _)| *other == method)?;
        let route = routes.iter().find(|route| route.takes(path))?;
        (group.first == first).then_some(route.operation)
    }
}

/// The lines that have a path of their own.
fn lines() -> impl Iterator<Item = &'static Line> {
    Operation::TABLE.iter().filter(|line| line.operation != Operation::Options)
}

fn first(line: &Line) -> &'static [u8] {
    line.template.split('/').nth(1).unwrap_or_default().as_bytes()
}

/// Where the group of a first segment is: a hash of its length and three of its bytes.
fn place(first: &[u8], factor: usize) -> usize {
    let (Some([a, b, ..]), Some(z)) = (first.first_chunk::<2>(), first.last()) else { return 0 };
    let hash = [*a, *b, *z]
        .iter()
        .fold(first.len(), |hash, &byte| hash.wrapping_mul(factor).wrapping_add(usize::from(byte)));
    hash % GROUPS_MAX
}

impl Group {
    /// Within a group literals come before names, so that `/containers/json` is never a container
    /// called `json`, and names of one segment before those with slashes: the daemon has its
    /// checkpoints before its containers (moby `daemon/command/daemon.go`: "or the DELETE gets
    /// masked").
    fn of(name: &'static [u8]) -> Self {
        let mut lines: Vec<&Line> = lines().filter(|line| first(line) == name).collect();
        lines.sort_by_key(|line| {
            (line.template.contains("...}"), line.template.matches('{').count())
        });
        let mut methods: Vec<(Method, Vec<Route>)> = Vec::new();
        for line in lines {
            match methods.iter_mut().find(|(method, _)| *method == line.method) {
                Some((_, routes)) => routes.push(Route::of(line)),
                None => methods.push((line.method, vec![Route::of(line)])),
            }
        }
        Self { first: name, methods }
    }
}

/// A line's template, taken apart once.
struct Route {
    operation: Operation,
    shape: Shape,
}

enum Shape {
    /// So many segments, these of them literals; the rest is one name each. The first is the
    /// group's.
    Segments(usize, Vec<(usize, &'static [u8])>),
    /// The first segment, a name of one or more segments, and these literals after it.
    LongName(Vec<&'static [u8]>),
}

impl Route {
    fn of(line: &Line) -> Self {
        let segments = || line.template.split('/').skip(1).map(str::as_bytes).enumerate();
        let literals = segments().skip(1).filter(|(_, segment)| !segment.starts_with(b"{"));
        let shape = if line.template.contains("...}") {
            Shape::LongName(literals.map(|(_, literal)| literal).collect())
        } else {
            Shape::Segments(segments().count(), literals.collect())
        };
        Self { operation: line.operation, shape }
    }

    /// Whether it takes a path that begins with its group's segment.
    fn takes(&self, path: &Path<'_>) -> bool {
        match &self.shape {
            Shape::Segments(count, literals) => {
                *count == path.count
                    && literals.iter().all(|&(index, literal)| path.get(index) == Some(literal))
            }
            Shape::LongName(literals) => {
                path.count >= literals.len().saturating_add(2) && path.tail.ends_with(literals)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_first_segment_has_a_place_of_its_own() {
        for line in lines() {
            let group = ROUTES.groups[place(first(line), ROUTES.factor)].as_ref();
            assert_eq!(group.map(|group| group.first), Some(first(line)), "{}", line.id);
        }
    }
}
