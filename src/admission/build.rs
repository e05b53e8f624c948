//! `ImageBuild`: its parameters. What the Dockerfile says runs in containers of the build; the
//! images it starts from are the daemon's own business.

use super::field::{Field, Rule, examined, harmless, inside};
use super::json::Json;
use super::judge::Judge;
use super::registry;
use super::variable::Variable;

/// The query of `ImageBuild`.
pub const IMAGE_BUILD_QUERY: &[Field] = &[
    examined(
        "networkmode",
        // The builder's own words; anything else is a network, the host's or a container's.
        Rule::Word(&["default", "bridge", "none"]),
        Variable::BuildNetworks,
        "gives the steps of the build that network",
    ),
    examined("remote", Rule::By(remote), Variable::BuildRemote, "is fetched by the daemon"),
    examined(
        "cgroupparent",
        Rule::By(super::host_config::cgroup_parent),
        Variable::CgroupParents,
        "puts the build below a cgroup of the host",
    ),
    examined(
        "securityopt",
        Rule::By(|judge, value| {
            // A list in JSON.
            let text = value.text().unwrap_or_default();
            match super::json::read(text.as_bytes()) {
                _ if text.is_empty() => {}
                Ok(options) => judge.each_text(&options, super::security::security_opt),
                // The daemon takes it as it is.
                Err(_) => super::security::security_opt(judge, text),
            }
        }),
        Variable::SecurityOpt,
        "loosens what confines the build",
    ),
    inside("memory", Rule::By(|judge, value| integer(judge, value, super::limit::memory))),
    inside("memswap", Rule::By(|judge, value| integer(judge, value, super::limit::memory_swap))),
    inside("cpuquota", Rule::By(|judge, value| integer(judge, value, super::limit::quota))),
    harmless("version"),
    harmless("session"),
    harmless("buildid"),
    registry::given_fields("t"),
    // Where a result goes: to the client through its session, or to an image of the daemon's.
    examined("outputs", Rule::By(outputs), Variable::Registries, registry::REASON),
    harmless("dockerfile"),
    // What the same fields of HostConfig are to a container.
    harmless("extrahosts"),
    harmless("shmsize"),
    harmless("ulimits"),
    harmless("cpushares"),
    harmless("cpusetcpus"),
    harmless("cpusetmems"),
    harmless("cpuperiod"),
    harmless("isolation"),
    harmless("squash"),
    harmless("platform"),
    // What the Dockerfile may ask for itself.
    harmless("buildargs"),
    harmless("labels"),
    harmless("target"),
    harmless("cachefrom"),
    harmless("pull"),
    harmless("q"),
    harmless("nocache"),
    harmless("rm"),
    harmless("forcerm"),
];

/// A URL or a git repository. `client-session` is `BuildKit`'s word for the client's own files.
fn remote(judge: &mut Judge<'_>, value: &Json<'_>) {
    let is_plain = matches!(value.text(), None | Some("" | "client-session"));
    if !is_plain && !judge.is_open("") {
        // Not shown: it may hold a token.
        judge.withhold("", "1");
    }
}

/// `BuildKit`'s exporters: `[{"Type":"image","Attrs":{"name":"a,b","push":"true"}}]`. Another than that
/// names no image, or one for the client (moby `builder/builder-next/builder.go`).
fn outputs(judge: &mut Judge<'_>, value: &Json<'_>) {
    let text = value.text().unwrap_or_default();
    let outputs = match super::json::read(text.as_bytes()) {
        _ if text.is_empty() => return,
        Ok(Json::List(outputs)) => outputs,
        Ok(Json::Null) => return,
        Ok(_) | Err(_) => return judge.bad_text(text, "is no list of outputs in JSON"),
    };
    for output in &outputs {
        judge.read_once(output, super::json::Keys::Folded);
        let attributes = output.field("Attrs").and_then(Json::entries).unwrap_or_default();
        let pushes = attributes.iter().any(|(key, _)| key == "push" || key == "registry.insecure");
        for (_, names) in attributes.iter().filter(|(key, _)| key == "name") {
            for name in names.text().unwrap_or_default().split(',').map(str::trim) {
                if pushes {
                    registry::remote(judge, name);
                } else {
                    registry::given(judge, name);
                }
            }
        }
    }
}

/// A number of the query, held to the rule of the same field in a body.
fn integer(judge: &mut Judge<'_>, value: &Json<'_>, rule: fn(&mut Judge<'_>, &Json<'_>)) {
    let Some(text) = value.text().filter(|text| !text.is_empty()) else { return };
    match super::json::read(text.as_bytes()) {
        Ok(number @ Json::Integer(_)) => rule(judge, &number),
        Ok(_) | Err(_) => judge.bad_text(text, "is no integer"),
    }
}
