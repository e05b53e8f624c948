//! The variables that are no part of the policy, one line each, and the ones that nobody knows.

use crate::admission;
use crate::policy::Variable;

/// A variable as the help shows it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Its value where the environment has none.
    pub default: &'static str,
    /// One line.
    pub meaning: &'static str,
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, meaning }
}

/// Every variable but those of the policy and of the admission.
pub const SETTINGS: &[Setting] = &[
    setting(
        "LISTEN",
        "127.0.0.1:2375",
        "where clients come in, separated by commas: :2375 (every address), 127.0.0.1:2375, [::1]:2375, tcp://HOST:PORT, unix:///PATH; listeners that a service manager hands over (LISTEN_FDS) take its place",
    ),
    setting("LISTEN_SOCKET_MODE", "0660", "permission bits of a unix socket in LISTEN, octal"),
    setting("DISABLE_IPV6", "0", "1: an empty address in LISTEN means IPv4 only"),
    setting("SOCKET_PATH", "/var/run/docker.sock", "the daemon's socket"),
    setting(
        "RUN_AS",
        "65534:65534",
        "user and group, by number, that a gate started as root runs as; the socket's group is added by itself",
    ),
    setting(
        "SANDBOX",
        "strict",
        "strict: no file system, no system call beyond the table; log: the kernel logs other calls and lets them pass; off",
    ),
    setting(
        "RELAY",
        "auto",
        "auto: large uploads are spliced (they don't pass through this process), the rest is copied; copy; splice: both ways, whatever its size",
    ),
    setting(
        "EXIT_ON_STALE_SOCKET",
        "0",
        "1: exit with status 75 where the mounted socket belongs to a daemon that is gone, so that the container is started again",
    ),
    setting(
        "ALLOW_HOSTS",
        "",
        "names with a dot that clients on TCP may call the gate by (their DOCKER_HOST), such as proxy.infra.svc.cluster.local or *.example.org; addresses, *.localhost and names without a dot always may",
    ),
    setting(
        "ALLOW_ORIGINS",
        "",
        "web pages whose requests are let in, such as https://panel.example.org; no Docker client has an Origin",
    ),
    setting(
        "METRICS_LISTEN",
        "off",
        "where Prometheus asks for /metrics, and others for /healthz and /readyz: one place as in LISTEN, such as 127.0.0.1:9180",
    ),
    setting("LOG_LEVEL", "info", "debug, info, notice, warning, err, crit, alert or emerg"),
    setting("LOG_FORMAT", "text", "text, or json: one object a line"),
    setting(
        "AUDIT_LOG",
        "",
        "where every request is recorded as a line of JSON: /path/to/a/file, stderr, or unix:///dev/log; nowhere if empty",
    ),
    setting(
        "AUDIT_REQUIRED",
        "0",
        "1: refuse what changes something while it can't be recorded in AUDIT_LOG",
    ),
    setting(
        "WATCHDOG",
        "0",
        "seconds between pings of the gate's own to the daemon, whose loss and return are logged; 0: none",
    ),
    setting("MIN_API_VERSION", "1.24", "requests that name an older API version are refused"),
    setting("WORKERS", "1", "threads, each with its own runtime"),
    setting(
        "SHUTDOWN_GRACE",
        "10",
        "seconds that running requests get after SIGTERM; 0 cuts at once",
    ),
    setting("MAX_HEAD_BYTES", "65536", "longest request head, in bytes"),
    setting("MAX_JSON_BYTES", "6291456", "longest body that is collected to be examined, in bytes"),
    setting(
        "HEAD_TIMEOUT",
        "10",
        "seconds that a request head, or a collected body, may take to arrive",
    ),
    setting("IDLE_TIMEOUT", "300", "seconds that a connection may stay without a request"),
    setting(
        "MAX_CLIENT_SHARE",
        "75",
        "percentage of the connections, and of the memory for begun heads and examined bodies, that one client (an address, or the user of a unix socket) may have of what others leave; 100: all of it",
    ),
];

/// Prefixes that only this program and its ancestors use.
const OUR_PREFIXES: [&str; 4] = ["ALLOW_", "CONTAINERS_", "REQUIRE_", "BIND_MOUNT"];
const PODMAN_PREFIX: &str = "LIBPOD_";

/// Names that other programs use and that come close to one of ours.
const OTHERS: [&str; 9] =
    ["HOST", "PORT", "PATH", "PWD", "OLDPWD", "TERM", "USER", "TZ", "HOSTNAME"];

/// What a variable that we don't know might have been meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// It looks like this one.
    Resembles(&'static str),
    /// It is about Podman's own API, as in linuxserver/socket-proxy.
    Podman,
    /// It has a prefix of ours.
    NotUnderstood,
}

/// Looks at a variable's name; `None` if it is known, or nobody could mistake it for ours.
#[must_use]
pub fn stranger(name: &str) -> Option<Stranger> {
    let ours = || {
        let policy = Variable::ALL.iter().map(|variable| variable.name());
        let admission = admission::Variable::ALL.iter().map(|variable| variable.name());
        policy.chain(admission).chain(SETTINGS.iter().map(|setting| setting.name))
    };
    if ours().any(|known| known == name) || OTHERS.contains(&name) {
        return None;
    }
    if name.starts_with(PODMAN_PREFIX) {
        return Some(Stranger::Podman);
    }
    // Short names are close to each other by nature.
    let slips_max = if name.len() < 6 { 1 } else { 2 };
    let upper = name.to_ascii_uppercase();
    let nearest = ours()
        // The distance is at least the difference in length, which is cheaper to see.
        .filter(|known| known.len().abs_diff(name.len()) <= slips_max)
        .map(|known| (strsim::osa_distance(&upper, known), known))
        .filter(|&(slips, known)| slips <= slips_max && slips < known.len().div_ceil(2))
        .min_by_key(|&(slips, _)| slips);
    match nearest {
        Some((_, known)) => Some(Stranger::Resembles(known)),
        None if OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => {
            Some(Stranger::NotUnderstood)
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_recognised() {
        for (name, meant) in [
            ("IAMGES", "IMAGES"),
            ("INF0", "INFO"),
            ("CONTAINER", "CONTAINERS"),
            ("Containers", "CONTAINERS"),
            ("ALLOW_RESTART", "ALLOW_RESTARTS"),
            ("SOCKETPATH", "SOCKET_PATH"),
            ("LOGLEVEL", "LOG_LEVEL"),
            ("NODE", "NODES"),
        ] {
            assert_eq!(stranger(name), Some(Stranger::Resembles(meant)), "{name}");
        }
    }

    #[test]
    fn what_others_use_is_left_alone() {
        for name in [
            "PATH", "HOME", "HOSTNAME", "PORT", "HOST", "LANG", "SHLVL", "PWD", "TZ", "_",
            "IMAGES", "LISTEN",
        ] {
            assert_eq!(stranger(name), None, "{name}");
        }
    }

    #[test]
    fn our_prefixes_without_a_meaning_are_named() {
        assert_eq!(stranger("ALLOW_EVERYTHING_ELSE"), Some(Stranger::NotUnderstood));
        assert_eq!(stranger("LIBPOD_PODS"), Some(Stranger::Podman));
    }
}
