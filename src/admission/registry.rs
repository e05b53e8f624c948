//! Where images come from and go to, and what they are called: names are held to the list of
//! registries wherever a request gives one; where the daemon would connect to the registry, it is none
//! on this host itself unless the list has it.

use super::field::{Field, Rule, examined};
use super::host_address;
use super::image_name::{HUB, ImageName, is_of_host};
use super::json::Json;
use super::judge::Judge;
use super::rules::Rules;
use super::spelling;
use super::variable::Variable;

/// Why a registry's name is withheld.
pub const REASON: &str = "is of a registry that is not allowed";
const PART_REASON: &str = "is none of the names that are allowed in its registry";
const OWN_REASON: &str =
    "is an address of this host itself, which the daemon would connect to in the client's place";
const ID_REASON: &str =
    "may be an image's id, which does not say where the image came from (NAME:TAG does)";
const LOAD_REASON: &str = "brings images with whatever names it holds";

/// The item for images by their ids.
const IDS: &str = "sha256";
/// The item for images that are loaded.
const LOAD: &str = "load";

/// A field that holds the name of an image that is there, or its id.
pub const fn image_field(name: &'static str) -> Field {
    let rule = Rule::By(|judge, value| judge.text(value, image));
    examined(name, rule, Variable::Registries, REASON)
}

/// A field that holds the name of an image that the daemon fetches, sends or asks about.
pub const fn remote_field(name: &'static str) -> Field {
    let rule = Rule::By(|judge, value| judge.text(value, remote));
    examined(name, rule, Variable::Registries, REASON)
}

/// A field that holds the name that an image gets.
pub const fn given_field(name: &'static str) -> Field {
    let rule = Rule::By(|judge, value| judge.text(value, given));
    examined(name, rule, Variable::Registries, REASON)
}

/// A parameter that may come several times, each with a name that the image gets.
pub const fn given_fields(name: &'static str) -> Field {
    const EACH: Rule = Rule::By(|judge, value| judge.text(value, given));
    examined(name, Rule::Each(&EACH), Variable::Registries, REASON)
}

/// Judges the name of an image that is there, or its id.
pub fn image(judge: &mut Judge<'_>, name: &str) {
    if name.is_empty() || judge.rules.list(Variable::Registries).is_empty() {
        return;
    }
    if !is_id(name) {
        return given(judge, name);
    }
    // What an id names came from anywhere; only a list with everything covers that.
    if !judge.rules.list(Variable::Registries).has(IDS) {
        judge.withhold_for(Variable::Registries, name, IDS, ID_REASON);
    }
}

/// Judges the name of an image that a node of the swarm runs, and fetches where it must.
pub fn image_of_service(judge: &mut Judge<'_>, name: &str) {
    if is_own(judge.rules, ImageName::of(name).host) {
        remote(judge, name);
    } else {
        image(judge, name);
    }
}

/// Judges a name that makes the daemon connect to its registry.
pub fn remote(judge: &mut Judge<'_>, name: &str) {
    if name.is_empty() {
        return;
    }
    let image = ImageName::of(name);
    if is_own(judge.rules, image.host) {
        return own(judge, name, image.host);
    }
    given(judge, name);
}

/// Judges a name that an image gets.
pub fn given(judge: &mut Judge<'_>, name: &str) {
    let list = judge.rules.list(Variable::Registries);
    if name.is_empty() || list.is_empty() {
        return;
    }
    let image = ImageName::of(name);
    if list.iter().any(|item| image.is_covered(item)) {
        return;
    }
    // Who lists parts of a registry does not mean all of it.
    if list.iter().any(|item| is_of_host(item, image.host)) {
        judge.withhold_for(Variable::Registries, name, &image.full(), PART_REASON);
    } else {
        judge.withhold_for(Variable::Registries, name, image.host, REASON);
    }
}

/// `ImageLoad`: the archive says itself what its images are called.
pub fn load(judge: &mut Judge<'_>) {
    let list = judge.rules.list(Variable::Registries);
    if !list.is_empty() && !list.has(LOAD) {
        judge.withhold_for(Variable::Registries, "", LOAD, LOAD_REASON);
    }
}

/// Judges a term that is searched for: what stands before its first slash may be a registry.
pub fn search_term(judge: &mut Judge<'_>, value: &Json<'_>) {
    let term = value.text().unwrap_or_default();
    if !term.is_empty() {
        host(judge, term, ImageName::of(term).host);
    }
}

/// Judges the address of a registry, with or without a scheme and a path.
pub fn address(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, address| {
        if address.is_empty() {
            return;
        }
        let Some(name) = host_of(address) else {
            // Not shown: it may hold a password.
            return judge.bad_text("", "is no address of a registry");
        };
        let is_hub = matches!(name, "index.docker.io" | "registry-1.docker.io");
        host(judge, address, if is_hub { HUB } else { name });
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

/// Judges a registry as such, whatever images it has.
fn host(judge: &mut Judge<'_>, value: &str, host: &str) {
    let list = judge.rules.list(Variable::Registries);
    if is_own(judge.rules, host) {
        own(judge, value, host);
    } else if !list.is_empty() && !list.iter().any(|item| is_of_host(item, host)) {
        judge.withhold_for(Variable::Registries, value, host, REASON);
    }
}

/// Whether a registry is this host and no item but `*` covers it.
fn is_own(rules: &Rules, host: &str) -> bool {
    let mut items = rules.list(Variable::Registries).iter().filter(|&item| item != "*");
    host_address::is_own(host) && !items.any(|item| is_of_host(item, host))
}

fn own(judge: &mut Judge<'_>, value: &str, host: &str) {
    // Unset allows any: to name this one, the others must be named as well.
    let is_any = judge.rules.list(Variable::Registries).is_empty();
    let host = spelling::written(host);
    let item = if is_any { format!("*,{host}") } else { host };
    judge.withhold_written(Variable::Registries, value, &item, OWN_REASON);
}

/// Whether the daemon may take a name for an image's id, or the beginning of one.
fn is_id(name: &str) -> bool {
    name.starts_with("sha256:") || name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(judge_name: fn(&mut Judge<'_>, &str), name: &str, registries: &str) -> String {
        let rules = Rules::new().with(Variable::Registries, registries).expect("a list");
        let mut judge = Judge::new(&rules);
        judge_name(&mut judge, name);
        judge.examined.findings.iter().map(ToString::to_string).collect()
    }

    fn is_allowed(name: &str, registries: &str) -> bool {
        found(image, name, registries).is_empty()
    }

    #[test]
    fn an_id_names_no_registry() {
        assert!(is_allowed("alpine", "docker.io") && is_allowed("ghcr.io/x", "ghcr.io"));
        assert!(!is_allowed("ghcr.io/x", "docker.io"));
        for id in ["sha256:0123", "abcdef", "0"] {
            assert!(!is_allowed(id, "docker.io"), "{id}");
            assert!(is_allowed(id, "docker.io,sha256") && is_allowed(id, ""), "{id}");
            assert!(found(given, id, "docker.io").is_empty(), "{id}");
        }
        assert!(is_allowed("cafe:latest", "docker.io"));
    }

    #[test]
    fn who_lists_a_part_of_a_registry_is_told_no_more_than_the_name_to_add() {
        for (list, name, item) in [
            ("ghcr.io/acme", "ghcr.io/other/x:1", "ghcr.io/other/x"),
            ("docker.io/library/nginx", "redis@sha256:00", "docker.io/library/redis"),
            ("docker.io", "ghcr.io/other/x:1", "ghcr.io"),
        ] {
            let message = found(given, name, list);
            assert!(message.ends_with(&format!(": needs ALLOW_REGISTRIES={item}")), "{message}");
            assert_eq!(found(given, name, &format!("{list},{item}")), "");
        }
    }

    #[test]
    fn the_daemon_is_sent_to_this_host_only_where_the_list_has_it() {
        let needs = |item: &str| format!("{OWN_REASON}: needs ALLOW_REGISTRIES={item}");
        for name in ["localhost:5000/x", "127.0.0.1/x", "[::1]:80/x", "169.254.169.254/latest"] {
            let host = name.split('/').next().unwrap_or_default();
            for (list, item) in
                [("", format!("*,{host}")), ("*", host.to_owned()), ("docker.io", host.to_owned())]
            {
                for judged in [remote, image_of_service] {
                    let message = found(judged, name, list);
                    assert!(message.ends_with(&needs(&item)), "{list} {name}: {message}");
                }
            }
            for list in [host.to_owned(), format!("*,{host}"), format!("{host}/*")] {
                assert!(found(remote, name, &list).is_empty(), "{list} {name}");
            }
            assert!(found(given, name, "").is_empty() && found(image, name, "*").is_empty());
        }
        assert!(found(remote, "alpine", "*,localhost:5000").is_empty());
        assert!(found(remote, "ghcr.io/x", "").is_empty());
        assert!(!found(remote, "localhost:5001/x", "*,localhost:5000").is_empty());
    }

    #[test]
    fn a_search_asks_the_registry_before_the_slash() {
        let is_allowed = |term: &str, list: &str| {
            let judged = |judge: &mut Judge<'_>, term: &str| {
                search_term(judge, &Json::Text(term.into()));
            };
            found(judged, term, list).is_empty()
        };
        for term in ["cafe", "team/cafe", ""] {
            assert!(is_allowed(term, "docker.io") && is_allowed(term, ""), "{term}");
        }
        assert!(!is_allowed("10.0.0.1:5000/x", "docker.io"));
        assert!(!is_allowed("localhost/x", "docker.io") && !is_allowed("localhost/x", ""));
        assert!(is_allowed("ghcr.io/acme/x", "ghcr.io/acme"));
    }
}
