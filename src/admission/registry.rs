//! Where images come from and go to: the registry in an image's name
//! (distribution's `reference/normalize.go`).

use super::field::{Field, Rule, examined};
use super::json::Json;
use super::judge::Judge;
use super::variable::Variable;

const HUB: &str = "docker.io";

/// Why a registry's name is withheld.
pub const REASON: &str = "is of a registry that is not allowed";

/// A field that holds an image's name.
pub const fn image_field(name: &'static str) -> Field {
    let rule = Rule::By(|judge, value| judge.text(value, image));
    examined(name, rule, Variable::Registries, REASON)
}

/// Judges an image's name.
pub fn image(judge: &mut Judge<'_>, name: &str) {
    if name.is_empty() || judge.rules.list(Variable::Registries).is_empty() {
        return;
    }
    if is_id(name) {
        // What an id names came from anywhere; only a list with everything covers that.
        if !judge.rules.list(Variable::Registries).has("sha256") {
            let reason = "may be an image's id, which does not say where the image came from (NAME:TAG does)";
            judge.withhold_for(Variable::Registries, name, "sha256", reason);
        }
        return;
    }
    registry(judge, name, domain(name));
}

/// Judges a term that is searched for: what stands before its first slash may be a registry.
pub fn search_term(judge: &mut Judge<'_>, value: &Json<'_>) {
    let term = value.text().unwrap_or_default();
    if !term.is_empty() && !judge.rules.list(Variable::Registries).is_empty() {
        registry(judge, term, domain(term));
    }
}

/// Judges the address of a registry, with or without a scheme and a path.
pub fn address(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, address| {
        if address.is_empty() || judge.rules.list(Variable::Registries).is_empty() {
            return;
        }
        let Some(host) = host_of(address) else {
            return judge.bad_text("", "is no address of a registry");
        };
        let is_hub = matches!(host, "index.docker.io" | "registry-1.docker.io");
        registry(judge, address, if is_hub { HUB } else { host });
    });
}

/// The host, with its port, of an address with or without a scheme and a path; `None` where
/// readers could disagree about it.
pub fn host_of(address: &str) -> Option<&str> {
    let scheme = |scheme| address.strip_prefix(scheme);
    let rest = scheme("https://").or_else(|| scheme("http://")).unwrap_or(address);
    let is_plain = !rest.contains("://") && !rest.contains(['?', '#', '@', '\\', ' ']);
    rest.split('/').next().filter(|_| is_plain)
}

fn registry(judge: &mut Judge<'_>, value: &str, host: &str) {
    if !judge.rules.list(Variable::Registries).has(host) {
        judge.withhold_for(Variable::Registries, value, host, REASON);
    }
}

/// The registry of a name: its first part, where that can't be a part of a path.
fn domain(name: &str) -> &str {
    match name.split_once('/') {
        Some(("index.docker.io", _)) | None => HUB,
        Some((first, _)) => {
            let is_host = first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|byte| byte.is_ascii_uppercase());
            if is_host { first } else { HUB }
        }
    }
}

/// Whether the daemon may take a name for an image's id, or the beginning of one.
fn is_id(name: &str) -> bool {
    name.starts_with("sha256:") || name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::rules::Rules;

    #[test]
    fn names_belong_to_the_registry_that_the_daemon_would_ask() {
        for (name, expected) in [
            ("alpine", HUB),
            ("library/alpine:3", HUB),
            ("docker.io/library/alpine", HUB),
            ("index.docker.io/library/alpine", HUB),
            ("ghcr.io/x/y@sha256:00", "ghcr.io"),
            ("localhost/x", "localhost"),
            ("registry:5000/x", "registry:5000"),
            ("Registry/x", "Registry"),
            ("team/x", HUB),
        ] {
            assert_eq!(domain(name), expected, "{name}");
        }
    }

    fn is_allowed(name: &str, registries: &str) -> bool {
        let rules = Rules::new().with(Variable::Registries, registries).expect("a list");
        let mut judge = Judge::new(&rules);
        image(&mut judge, name);
        judge.examined.findings.is_empty()
    }

    #[test]
    fn an_id_names_no_registry() {
        assert!(is_allowed("alpine", "docker.io") && is_allowed("ghcr.io/x", "ghcr.io"));
        assert!(!is_allowed("ghcr.io/x", "docker.io"));
        for id in ["sha256:0123", "abcdef", "0"] {
            assert!(!is_allowed(id, "docker.io"), "{id}");
            assert!(is_allowed(id, "docker.io,sha256") && is_allowed(id, ""), "{id}");
        }
        assert!(is_allowed("cafe:latest", "docker.io"));
    }

    #[test]
    fn a_search_asks_the_registry_before_the_slash() {
        let rules = Rules::new().with(Variable::Registries, "docker.io").expect("a list");
        let is_allowed = |term: &str| {
            let mut judge = Judge::new(&rules);
            search_term(&mut judge, &Json::Text(term.into()));
            judge.examined.findings.is_empty()
        };
        assert!(is_allowed("cafe") && is_allowed("team/cafe") && is_allowed(""));
        assert!(!is_allowed("10.0.0.1:5000/x") && !is_allowed("localhost/x"));
    }
}
