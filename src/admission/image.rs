//! `ImageCreate`, `ImageCommit`, `ImagePush`, `DistributionInspect` and `SystemAuth`: what makes the
//! daemon talk to a registry, or fetch a URL.

use super::container;
use super::field::{Field, Object, Rule, examined, harmless, inside};
use super::registry;
use super::variable::Variable;

const REGISTRY_REASON: &str = "is of a registry that is not allowed";

/// The query of `ImageCreate`.
pub const IMAGE_CREATE_QUERY: &[Field] = &[
    examined("fromImage", Rule::By(registry::image_field), Variable::Registries, REGISTRY_REASON),
    examined(
        "fromSrc",
        // "-" is the request's own body. A URL is not shown: it may hold a token.
        Rule::By(|judge, value| {
            let source = value.text().unwrap_or_default();
            if !matches!(source, "" | "-") && !judge.is_open("") {
                judge.withhold("", "1");
            }
        }),
        Variable::ImportRemote,
        "is fetched by the daemon",
    ),
    harmless("repo"),
    harmless("tag"),
    harmless("message"),
    harmless("platform"),
];

/// The query of `ImageCommit`. Its `changes` (Dockerfile instructions) say what an image says.
pub const IMAGE_COMMIT_QUERY: &[Field] = &[
    harmless("container"),
    harmless("repo"),
    harmless("tag"),
    harmless("comment"),
    harmless("author"),
    harmless("pause"),
];

/// The body of `ImageCommit`: a container's `Config`.
pub const IMAGE_COMMIT: Object = Object::of(&[]).embeds(&[&container::CONFIG]);

/// The name in the path of `ImagePush` and `DistributionInspect`.
pub const NAME: Field =
    examined("name", Rule::By(registry::image_field), Variable::Registries, REGISTRY_REASON);

/// The body of `SystemAuth`.
pub const SYSTEM_AUTH: Object = Object::of(&[
    harmless("username"),
    harmless("password"),
    harmless("auth"),
    harmless("email"),
    examined("serveraddress", Rule::By(registry::address), Variable::Registries, REGISTRY_REASON),
    harmless("identitytoken"),
    harmless("registrytoken"),
]);

/// The query of `PluginPull` and `PluginUpgrade`.
pub const PLUGIN_QUERY: &[Field] = &[
    examined("remote", Rule::By(registry::image_field), Variable::Registries, REGISTRY_REASON),
    inside("name", Rule::Harmless),
];
