//! The model of the daemon's router says what a daemon was seen to do, and the gate calls nothing
//! by another name than the model does.

#[path = "model/router.rs"]
mod router;

use dockgate::api::{Call, Operation};
use dockgate::http::{Method, Target};
use proptest::prelude::*;
use router::{Debug, Route, Router, route};

fn operation(method: &str, target: &str) -> Option<&'static str> {
    match route(method, target.as_bytes()) {
        Route::Operation { id, .. } => Some(id),
        Route::Redirect | Route::NotFound | Route::BadRequest | Route::Server => None,
    }
}

#[test]
fn routes_are_found_on_the_path_that_was_decoded_once() {
    for (method, target, expected) in [
        ("GET", "/%63ontainers/json", "ContainerList"),
        ("GET", "/containers%2fjson", "ContainerList"),
        ("GET", "/%761.41/version", "SystemVersion"),
        ("GET", "/v1%2e41/version", "SystemVersion"),
        ("GET", "/v1.41%2fversion", "SystemVersion"),
        ("GET", "/containers/p%2Fjson", "ContainerInspect"),
        ("GET", "/containers/a/b/json", "ContainerInspect"),
        ("GET", "/v1.41.0/version", "SystemVersion"),
        ("GET", "/v../version", "SystemVersion"),
        ("GET", "/networks/", "NetworkList"),
        ("GET", "/volumes/", "VolumeInspect"),
        ("DELETE", "/containers/a/checkpoints/b", "CheckpointDelete"),
        ("DELETE", "/containers/a/b/checkpoints/c", "ContainerDelete"),
        ("GET", "/version??x", "SystemVersion"),
        ("GET", "http://x/version", "SystemVersion"),
        ("GET", "unix:///version", "SystemVersion"),
        ("GET", "http:/version", "SystemVersion"),
        ("OPTIONS", "/whatever", "Options"),
        ("FOO", "/debug/vars", "DebugVars"),
        ("GET", "/debug/pprof/", "DebugPprof"),
        ("GET", "/debug/pprof/symbol", "DebugPprofProfile"),
    ] {
        assert_eq!(operation(method, target), Some(expected), "{method} {target}");
    }
}

#[test]
fn what_is_not_routed_is_answered_as_daemons_do() {
    for (method, target, expected) in [
        ("GET", "/%2563ontainers/json", Route::NotFound),
        ("GET", "/containers/json/", Route::NotFound),
        ("GET", "/containers/json#f", Route::NotFound),
        ("GET", "/containers\\json", Route::NotFound),
        ("GET", "/V1.41/version", Route::NotFound),
        ("GET", "/v1.41a/version", Route::NotFound),
        ("GET", "/v1.41/v1.41/version", Route::NotFound),
        ("GET", "/v1.41/", Route::NotFound),
        ("GET", "/v1.41", Route::NotFound),
        ("GET", "/", Route::NotFound),
        ("GET", "/metrics", Route::NotFound),
        ("get", "/version", Route::NotFound),
        ("HEAD", "/version", Route::NotFound),
        ("CONNECT", "/version", Route::NotFound),
        ("GET", "/containers/a%0ab/json", Route::NotFound),
        ("GET", "//version", Route::Redirect),
        ("GET", "/./version", Route::Redirect),
        ("GET", "/%2e%2e/version", Route::Redirect),
        ("GET", "/containers%2f%2fjson", Route::Redirect),
        ("GET", "/version/..", Route::Redirect),
        ("GET", "http://x//version", Route::Redirect),
        ("GET", "http://x", Route::Redirect),
        ("GET", "x:80", Route::Redirect),
        ("CONNECT", "x:80", Route::Redirect),
        ("GET", "*", Route::Redirect),
        ("OPTIONS", "*", Route::Server),
        ("GET", "", Route::BadRequest),
        ("GET", "version", Route::BadRequest),
        ("GET", "%2fversion", Route::BadRequest),
        ("GET", "?x", Route::BadRequest),
        ("GET", "/version%", Route::BadRequest),
        ("GET", "/version%zz", Route::BadRequest),
        ("GET", "/ver\u{1}sion", Route::BadRequest),
        ("GET", "http://x y/version", Route::BadRequest),
        ("GET", "http://x:y/version", Route::BadRequest),
        ("G(T", "/version", Route::BadRequest),
        ("", "/version", Route::BadRequest),
    ] {
        assert_eq!(route(method, target.as_bytes()), expected, "{method} {target}");
    }
}

#[test]
fn names_and_versions_are_told() {
    let Route::Operation { id, version, parameters } = route("POST", b"/v01.4./images/a%2Fb/c/tag")
    else {
        panic!("it is an operation")
    };
    assert_eq!((id, version.as_deref()), ("ImageTag", Some("01.4.")));
    assert_eq!(parameters, [b"a/b/c"]);
    let Route::Operation { parameters, .. } = route("DELETE", b"/containers/x/checkpoints/y")
    else {
        panic!("it is an operation")
    };
    assert_eq!(parameters, [b"x", b"y"]);
}

#[test]
fn a_daemon_can_have_fewer_routes() {
    let old = Router::without(&["VolumeUpdate"], Debug::AnyMethod);
    assert_eq!(old.route("PUT", b"/volumes/x"), Route::NotFound);
    assert_eq!(old.route("GET", b"/v1.41/debug/vars"), Route::NotFound);
    assert_eq!(operation("GET", "/v1.41/debug/vars"), Some("DebugVars"));
    assert_eq!(operation("PUT", "/volumes/x"), Some("VolumeUpdate"));
}

#[test]
fn the_debug_routes_of_newer_daemons_are_as_others() {
    let new = Router::without(&[], Debug::AsOthers);
    for target in ["/debug/vars", "/v1.51/debug/vars"] {
        let route = new.route("GET", target.as_bytes());
        assert!(matches!(route, Route::Operation { id: "DebugVars", .. }), "{target}: {route:?}");
    }
    assert_eq!(new.route("FOO", b"/debug/vars"), Route::NotFound);
    assert_eq!(new.route("POST", b"/debug/pprof/heap"), Route::NotFound);
}

const METHODS: [Method; 6] =
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete, Method::Options];

/// Paths of operations, with a few pieces out of place.
fn targets() -> impl Strategy<Value = String> {
    let version = prop::sample::select(vec!["", "/v1.41", "/v1.24", "/%761.4", "/v1.", "/v1%2f"]);
    let line = prop::sample::select(Operation::TABLE.to_vec());
    let name = "[a-c]{1,2}|%2[fFeE]|json|a/b|a%2fb|[%/.\n;é]";
    let odd = prop::option::weighted(0.2, "//|/\\.|%2[fe5]|/json|\\?x|#|/");
    (version, line, prop::collection::vec(name, 2), odd).prop_map(|(version, line, names, odd)| {
        let mut path = String::new();
        let mut names = names.iter();
        for segment in line.template.split('/').skip(1) {
            let name = if segment.starts_with('{') { names.next() } else { None };
            path = format!("{path}/{}", name.map_or(segment, String::as_str));
        }
        format!("{version}{path}{}", odd.unwrap_or_default())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn what_the_gate_takes_for_an_operation_the_daemon_takes_for_the_same(
        method in prop::sample::select(METHODS.to_vec()),
        target in targets(),
    ) {
        let Ok(parsed) = Target::parse(target.as_bytes()) else { return Ok(()) };
        let Ok(call) = Call::of(method, &parsed) else { return Ok(()) };
        // What nothing opens may have any name.
        if call.operation.line().section.is_none() {
            return Ok(());
        }
        let Route::Operation { id, version, parameters } = route(method.as_str(), target.as_bytes()) else {
            return Err(TestCaseError::fail(format!("{method} {target} is nothing to the daemon")));
        };
        prop_assert_eq!(call.operation.id(), id);
        prop_assert_eq!(call.version.map(|version| version.to_string()), version);
        let name = call.name(&parsed).map(|name| name.text.as_bytes().to_vec());
        prop_assert!(name.is_none() || name == parameters.first().cloned());
    }
}
