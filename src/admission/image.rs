//! `ImageCreate`, `ImageCommit`, `ImageTag`, `ImageLoad`, `ImageSearch`, `ImagePush`,
//! `DistributionInspect`, `SystemAuth` and what plugins come from: what names an image, makes the daemon
//! talk to a registry, or fetch a URL.

use super::container;
use super::field::{Field, Object, Rule, examined, harmless, inside};
use super::own;
use super::registry;
use super::variable::Variable;

/// The query of `ImageCreate`.
pub const IMAGE_CREATE_QUERY: &[Field] = &[
    registry::remote_field("fromImage"),
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
    registry::given_field("repo"),
    harmless("tag"),
    harmless("message"),
    harmless("platform"),
];

/// The query of `ImageCommit`. Its `changes` (Dockerfile instructions) say what an image says.
pub const IMAGE_COMMIT_QUERY: &[Field] = &[
    // A commit stops its container for a moment.
    inside("container", Rule::By(own::reference)),
    registry::given_field("repo"),
    harmless("tag"),
    harmless("comment"),
    harmless("author"),
    harmless("pause"),
];

/// The query of `ImageTag`.
pub const IMAGE_TAG_QUERY: &[Field] = &[registry::given_field("repo"), harmless("tag")];

/// The body of `ImageCommit`: a container's `Config`.
pub const IMAGE_COMMIT: Object = Object::of(&[]).embeds(&[&container::CONFIG]);

/// The query of `ImageSearch`: a term may begin with the registry to be searched.
pub const IMAGE_SEARCH_QUERY: &[Field] = &[
    examined("term", Rule::By(registry::search_term), Variable::Registries, registry::REASON),
    harmless("limit"),
    harmless("filters"),
];

/// The name in the path of `ImagePush`, `DistributionInspect` and `PluginPush`.
pub const NAME: Field = registry::remote_field("name");

/// The body of `SystemAuth`.
pub const SYSTEM_AUTH: Object = Object::of(&[
    harmless("username"),
    harmless("password"),
    harmless("auth"),
    harmless("email"),
    examined("serveraddress", Rule::By(registry::address), Variable::Registries, registry::REASON),
    harmless("identitytoken"),
    harmless("registrytoken"),
]);

/// The query of `PluginPull`, `PluginUpgrade` and `GetPluginPrivileges`.
pub const PLUGIN_QUERY: &[Field] = &[registry::remote_field("remote"), harmless("name")];
