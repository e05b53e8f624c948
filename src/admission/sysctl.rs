//! Kernel parameters of a container. Those of a network namespace of the container's own give
//! nothing of the host.

use super::field::{Field, Rule, examined};
use super::json::{Json, Keys};
use super::judge::Judge;
use super::variable::Variable;

const REASON: &str = "is a kernel parameter";
const SHARED_REASON: &str =
    "is a kernel parameter that the container would share with the host, or with another container";

/// What Linux before 5.13 let a network namespace write for the whole host (Linux commits
/// 2671fa4dc010 and 97684f0970f6).
const ONCE_SHARED: &[&str] = &[
    "net.ipv4.tcp_allowed_congestion_control",
    "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_expect_max",
    "net.netfilter.nf_conntrack_max",
];

/// `Sysctls`, judged with the object it is in, which says whose network it is.
pub const SYSCTLS: Field = examined(
    "Sysctls",
    Rule::By(|judge, value| judge.read_once(value, Keys::Exact)),
    Variable::Sysctls,
    REASON,
);

/// Judges the `Sysctls` of an object; whether the container has a network of its own is known.
pub fn of(judge: &mut Judge<'_>, config: &Json<'_>, is_own_network: bool) {
    let Some(sysctls) = config.field("Sysctls") else { return };
    judge.step(super::finding::Step::Field("Sysctls"), |judge| {
        judge.each_entry(sysctls, |judge, key, _| name(judge, key, is_own_network));
    });
}

/// Judges one by its name.
pub fn name(judge: &mut Judge<'_>, name: &str, is_own_network: bool) {
    let item = if name.is_empty() { "*" } else { name };
    if judge.rules.list(Variable::Sysctls).has(item) || is_own_network && is_of_network(name) {
        return;
    }
    let is_shared = name.starts_with("net.") && !is_own_network;
    let reason = if is_shared { SHARED_REASON } else { REASON };
    judge.withhold_for(Variable::Sysctls, name, item, reason);
}

/// Whether a parameter belongs to the network namespace that it is written in: `/proc/sys/net` shows
/// only such, or as read-only (runc `libcontainer/configs/validate`, crun `linux.c`: both take
/// `net.` for that). Other letters could be a path, or the other way to write one.
fn is_of_network(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.starts_with("net.")
        && name.bytes().all(is_plain)
        && name.split('.').all(|part| !part.is_empty())
        && !ONCE_SHARED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::rules::Rules;

    fn found(key: &str, is_own_network: bool, listed: &str) -> String {
        let rules = Rules::new().with(Variable::Sysctls, listed).expect("a list");
        let mut judge = Judge::new(&rules);
        name(&mut judge, key, is_own_network);
        judge.examined.findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_of_the_containers_own_network_passes() {
        for key in ["net.ipv4.ip_forward", "net.core.somaxconn", "net.ipv4.conf.eth0.rp_filter"] {
            assert_eq!(found(key, true, ""), "", "{key}");
            assert!(found(key, false, "").contains("share"), "{key}");
            assert_eq!(found(key, false, key), "", "{key}");
        }
        for key in [
            "kernel.core_pattern",
            "kernel.shmmax",
            "net",
            "net.",
            "net..ipv4",
            "net/ipv4/ip_forward",
            "net.ipv4/../../kernel",
            "NET.ipv4.ip_forward",
            "net.netfilter.nf_conntrack_max",
            "",
        ] {
            assert!(found(key, true, "").contains("ALLOW_SYSCTLS="), "{key}");
        }
    }
}
