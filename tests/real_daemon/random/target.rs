//! Methods and targets: of real operations, and then perhaps not quite. All of them name what
//! nobody has, or carry what can't be parsed, so that whatever is run does no harm.

use super::dice::Dice;
use crate::router;

pub struct Target {
    pub method: &'static str,
    pub text: String,
    /// Written as any client would write it.
    pub is_plain: bool,
}

/// Asks other machines, or takes its time: what would only make this slow.
const SLOW: [&str; 3] = ["/distribution", "/images/search", "/auth"];

/// Of Podman's own API, and of no Docker daemon.
const FOREIGN: [[&str; 3]; 5] = [
    ["GET", "/libpod/info", ""],
    ["GET", "/libpod/containers/json", ""],
    ["GET", "/libpod/containers/{name}/json", ""],
    ["POST", "/libpod/containers/{name}/start", ""],
    ["DELETE", "/libpod/containers/{name}", ""],
];

const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get", "PATCH", "CONNECT"];

/// No hexadecimal digits: those could be the beginning of something's identity.
const NAMES: [&str; 5] = ["nobody", "box", "zz", "z.y", "nobody"];
const ODD_NAMES: [&str; 10] =
    ["z%2Fy", "z/y", "..", "%2e%2e", "json", "create", "x%00", "x%0ay", "z%2f..%2fy", "é"];

const VERSIONS: [&str; 4] = ["1.41", "1.41", "1.24", "1.40"];
const ODD_VERSIONS: [&str; 13] = [
    "1.23",
    "1.12",
    "01.41",
    "1.41.",
    "1.041",
    "1%2e41",
    "1.999",
    "2.0",
    "1",
    ".",
    "1..41",
    "1.41.0",
    "1.99999999999999999999",
];

/// Each replaces one byte of a path.
const ODD_PIECES: [&str; 16] =
    ["/", "//", "/./", "/../", "\\", ";", "#", "?", "%2f", "\t", " ", "%", "\0", "%00", "%0a", "é"];
const ODD_ENDS: [&str; 9] = ["/", "/..", "%2f", "/.", "#x", "%20", "/json", "?a=b;c", "?x=%zz"];
const ODD_STARTS: [&str; 8] =
    ["http://x", "unix://", "/", "/.", "x:", "HTTPS://x:80", "http://[::1]", "/v1.41"];

/// Routes that end in a slash, or have nothing else.
const EDGES: [&str; 8] = [
    "/networks/",
    "/volumes/",
    "/debug/vars",
    "/debug/pprof/",
    "/debug/pprof",
    "/",
    "/containers",
    "",
];

/// A target with `tag` in its query, first of all.
pub fn target(dice: &mut Dice, tag: usize) -> Target {
    let lines: Vec<_> = router::lines()
        .filter(|[_, path, _]| !SLOW.iter().any(|slow| path.starts_with(slow)))
        .collect();
    let [own, template, _] = if dice.one_in(20) {
        dice.pick(&FOREIGN)
    } else if dice.one_in(3) {
        [
            "GET",
            dice.pick(&["/containers/json", "/version", "/containers/{name}/json", "/_ping"]),
            "",
        ]
    } else {
        dice.pick(&lines)
    };
    let mut is_plain = !dice.one_in(3);
    let mut text = path(dice, template, is_plain);
    let method = if dice.one_in(10) { dice.pick(&METHODS) } else { own };
    if !is_plain && dice.one_in(3) {
        spoil(dice, &mut text);
    }
    if dice.one_in(12) {
        // A letter that is written as an escape is the same letter.
        escape(dice, &mut text);
    }
    if !is_plain && dice.one_in(15) {
        let version = dice.pick(&["", "/v1.41", "/v4.3.1"]);
        text = format!("{version}{}", dice.pick(&EDGES));
    }
    if is_plain && dice.one_in(200) {
        (text, is_plain) = ("*".to_owned(), false);
        return Target { method, text, is_plain };
    }
    let mark = if text.contains('?') { '&' } else { '?' };
    text = format!("{text}{mark}tag={tag}&until=1&filters=x");
    Target { method, text, is_plain }
}

fn path(dice: &mut Dice, template: &str, is_plain: bool) -> String {
    let mut path = String::new();
    if dice.one_in(2) {
        let version = if is_plain { dice.pick(&VERSIONS) } else { dice.pick(&ODD_VERSIONS) };
        path = format!("/v{version}");
    }
    for segment in template.split('/').skip(1) {
        let is_name = segment.starts_with('{');
        let name =
            if is_plain || dice.one_in(2) { dice.pick(&NAMES) } else { dice.pick(&ODD_NAMES) };
        path = format!("{path}/{}", if is_name { name } else { segment });
    }
    path
}

fn spoil(dice: &mut Dice, path: &mut String) {
    match dice.below(4) {
        0 => path.push_str(dice.pick(&ODD_ENDS)),
        1 => path.insert_str(0, dice.pick(&ODD_STARTS)),
        which => {
            let at = dice.below(path.len());
            if path.is_char_boundary(at) && path.is_char_boundary(at + 1) {
                // An escape of an escape, which is to be decoded once.
                let twice = format!("%25{:02x}", path.as_bytes()[at]);
                let piece = if which == 2 { &twice } else { dice.pick(&ODD_PIECES) };
                path.replace_range(at..=at, piece);
            }
        }
    }
}

fn escape(dice: &mut Dice, path: &mut String) {
    let at = dice.below(path.len());
    if path.as_bytes()[at].is_ascii_lowercase() && !path[..at].ends_with(['%', '0', '2', '5']) {
        let escaped = format!("%{:02x}", path.as_bytes()[at]);
        path.replace_range(at..=at, &escaped);
    }
}
