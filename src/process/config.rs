//! The configuration, read from the environment alone and without any effect. Every error names
//! its variable.

mod forms;

use super::environment::{SETTINGS, Stranger, stranger};
use super::privilege::RunAs;
use super::sandbox::Sandbox;
use crate::admission::rules::parse_switch;
use crate::admission::{self, Rules};
use crate::api::ApiVersion;
use crate::observe::audit::sink::Destination;
use crate::observe::log::Format;
use crate::policy::browser::{Browsers, is_host, is_origin, items};
use crate::policy::variable::{Settings, Variable};
use crate::proxy::Limits;
use crate::proxy::listener::Place;
use crate::proxy::share::ClientShare;
use crate::proxy::splice::Relay;
use forms::{
    destination, level, log_format, number, octal, place, relay, run_as, sandbox, socket_path,
};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// Everything that the environment says.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Vec<Place>,
    /// Permission bits of unix listeners.
    pub listen_socket_mode: u32,
    /// Leave IPv6 alone.
    pub ipv6_disabled: bool,
    /// Where metrics are asked for, if anywhere.
    pub metrics_listen: Option<Place>,
    /// The daemon's socket.
    pub socket_path: PathBuf,
    /// Whom to run as, where the gate is started as root.
    pub run_as: RunAs,
    /// How much of the sandbox to use.
    pub sandbox: Sandbox,
    /// How bytes are moved.
    pub relay: Relay,
    /// Exit where the mounted socket is stale.
    pub exit_on_stale_socket: bool,
    /// What is allowed.
    pub policy: Settings,
    /// What the arguments of what is allowed are held to.
    pub rules: Rules,
    /// Web pages that may use the API, and names of the gate.
    pub browsers: Browsers,
    /// The oldest API version that a request may name.
    pub api_version_min: ApiVersion,
    /// What the log tells.
    pub log_level: LevelFilter,
    /// Where requests are recorded.
    pub audit_log: Option<Destination>,
    /// Refuse what changes something where it can't be recorded.
    pub audit_required: bool,
    /// How a line of it is written.
    pub log_format: Format,
    /// How often the daemon is pinged; never, if that is zero.
    pub watchdog: Duration,
    /// How many threads with a runtime of their own.
    pub workers: usize,
    /// What running requests get after SIGTERM.
    pub shutdown_grace: Duration,
    /// What a client may take.
    pub limits: Limits,
    /// What should be said at start.
    pub warnings: Vec<String>,
}

/// A variable that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Its name.
    pub variable: String,
    /// What it says.
    pub value: String,
    /// What it may say.
    pub expected: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}={:?}: expected {}", self.variable, self.value, self.expected)
    }
}

/// Every variable that can't be used, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// In the order in which they are read.
    pub errors: Vec<ConfigError>,
    /// How the log is written, as far as it is known.
    pub log_format: Format,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("; "))
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Every variable that can't be used.
    pub fn read(
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        let mut values: BTreeMap<String, String> = environment
            .map(|(name, value)| {
                (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            })
            .collect();
        let mut errors = Vec::new();
        loop {
            // What can't be used is left out, so that what follows it is read too.
            match Self::of(&values) {
                Ok(config) if errors.is_empty() => return Ok(config),
                Ok(Self { log_format, .. }) => return Err(ConfigErrors { errors, log_format }),
                Err(error) => {
                    let is_set = values.remove(&error.variable).is_some();
                    if error.variable == AUDIT_LOG {
                        // It would be missed for no other reason.
                        values.remove(AUDIT_REQUIRED);
                    }
                    errors.push(error);
                    if !is_set {
                        return Err(ConfigErrors { errors, log_format: Format::Text });
                    }
                }
            }
        }
    }

    fn of(values: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let read = EnvironmentReader { values };
        Ok(Self {
            listen: read.listen()?,
            listen_socket_mode: read.parse(
                "LISTEN_SOCKET_MODE",
                "permission bits such as 0660",
                octal,
            )?,
            ipv6_disabled: read.parse("DISABLE_IPV6", SWITCH, parse_switch)?,
            metrics_listen: read.metrics_listen()?,
            socket_path: read.parse("SOCKET_PATH", SOCKET_PATH, |text| {
                socket_path(text).filter(|path| !path.to_string_lossy().contains("://"))
            })?,
            run_as: read.parse(
                "RUN_AS",
                "user and group by number, such as 65534:65534",
                run_as,
            )?,
            sandbox: read.parse("SANDBOX", "strict, log or off", sandbox)?,
            relay: read.parse("RELAY", "auto, copy or splice", relay)?,
            exit_on_stale_socket: read.parse("EXIT_ON_STALE_SOCKET", SWITCH, parse_switch)?,
            policy: read.policy()?,
            rules: read.rules()?,
            browsers: Browsers {
                origins: read.items(
                    "ALLOW_ORIGINS",
                    "origins as browsers send them, such as https://panel.example.org, or *",
                    is_origin,
                )?,
                hosts: read.items(
                    "ALLOW_HOSTS",
                    "names without a port, such as proxy.infra.svc.cluster.local or *.example.org, or *",
                    is_host,
                )?,
            },
            api_version_min: read.parse("MIN_API_VERSION", "a version such as 1.24", |text| {
                ApiVersion::parse(text.as_bytes())
            })?,
            log_level: read.parse(
                "LOG_LEVEL",
                "debug, info, notice, warning, err, crit, alert or emerg",
                level,
            )?,
            audit_log: read.audit_log()?,
            audit_required: read.audit_required()?,
            log_format: read.parse("LOG_FORMAT", "text or json", log_format)?,
            watchdog: read.seconds("WATCHDOG", 0)?,
            workers: read
                .parse("WORKERS", "a number from 1 to 256", |text| number(text, 1, 256))?,
            shutdown_grace: read.seconds("SHUTDOWN_GRACE", 0)?,
            limits: Limits {
                head_bytes_max: read.parse(
                    "MAX_HEAD_BYTES",
                    "a number from 1024 to 1048576",
                    |text| number(text, 1 << 10, 1 << 20),
                )?,
                json_bytes_max: read.parse(
                    "MAX_JSON_BYTES",
                    "a number from 1024 to 1073741824",
                    |text| number(text, 1 << 10, 1 << 30),
                )?,
                head_time_max: read.seconds("HEAD_TIMEOUT", 1)?,
                idle_time_max: read.seconds("IDLE_TIMEOUT", 1)?,
                client_share: read.parse(
                    "MAX_CLIENT_SHARE",
                    "a percentage from 25 to 100; 100 holds nobody to a share",
                    |text| {
                        let text = text.strip_suffix('%').unwrap_or(text);
                        ClientShare::percent(number(text, ClientShare::LEAST, ClientShare::WHOLE)?)
                    },
                )?,
            },
            warnings: warnings(values),
        })
    }
}

const SOCKET_PATH: &str = "the path of the daemon's unix socket, of 1 to 107 bytes, such as /var/run/docker.sock (a daemon at an address, or over SSH, is not served)";

const AUDIT_LOG: &str = "AUDIT_LOG";
const AUDIT_REQUIRED: &str = "AUDIT_REQUIRED";

const SWITCH: &str = "0 or 1 (or true/false, yes/no, on/off)";

struct EnvironmentReader<'v> {
    values: &'v BTreeMap<String, String>,
}

impl EnvironmentReader<'_> {
    /// What is set, or the default from the table. Set to nothing is not set, as in compose files
    /// with `${NAME:-}`.
    fn text(&self, name: &str) -> &str {
        let set = self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        set.unwrap_or_else(|| {
            SETTINGS
                .iter()
                .find(|setting| setting.name == name)
                .map_or("", |setting| setting.default)
        })
    }

    fn parse<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let text = self.text(name);
        parse(text).ok_or_else(|| ConfigError {
            variable: name.to_owned(),
            value: text.to_owned(),
            expected: expected.to_owned(),
        })
    }

    /// The items of a list; the error names the one that can't be used.
    fn items(
        &self,
        name: &str,
        expected: &str,
        is_item: fn(&str) -> bool,
    ) -> Result<Vec<String>, ConfigError> {
        items(self.text(name), is_item).map_err(|value| {
            let (variable, expected) = (name.to_owned(), expected.to_owned());
            ConfigError { variable, value, expected }
        })
    }

    fn seconds(&self, name: &str, least: usize) -> Result<Duration, ConfigError> {
        let expected = format!("a number of seconds from {least} to 86400");
        self.parse(name, &expected, |text| {
            let seconds = number(text.strip_suffix('s').unwrap_or(text), least, 86_400)?;
            Some(Duration::from_secs(seconds as u64))
        })
    }

    fn listen(&self) -> Result<Vec<Place>, ConfigError> {
        const EXPECTED: &str = "places separated by commas, each :PORT, ADDRESS:PORT, [ADDRESS]:PORT, \
                                tcp://ADDRESS:PORT or unix:///PATH";
        self.parse("LISTEN", EXPECTED, |text| {
            text.split(',').map(|one| place(one.trim())).collect()
        })
    }

    fn metrics_listen(&self) -> Result<Option<Place>, ConfigError> {
        const NAME: &str = "METRICS_LISTEN";
        const EXPECTED: &str = "off, or one place as LISTEN takes it, such as 127.0.0.1:9180";
        if self.text(NAME) == "off" {
            return Ok(None);
        }
        self.parse(NAME, EXPECTED, place).map(Some)
    }

    fn audit_log(&self) -> Result<Option<Destination>, ConfigError> {
        const EXPECTED: &str = "an absolute path, stderr, or unix:///PATH such as unix:///dev/log";
        self.parse(AUDIT_LOG, EXPECTED, |text| {
            if text.is_empty() { Some(None) } else { destination(text).map(Some) }
        })
    }

    fn audit_required(&self) -> Result<bool, ConfigError> {
        let required = self.parse(AUDIT_REQUIRED, SWITCH, parse_switch)?;
        if !required || self.audit_log()?.is_some() {
            return Ok(required);
        }
        self.parse(AUDIT_REQUIRED, "AUDIT_LOG beside it, to record what is required", |_| None)
    }

    fn rules(&self) -> Result<Rules, ConfigError> {
        let mut rules = Rules::new();
        for &variable in admission::Variable::ALL {
            let set = self.values.get(variable.name()).filter(|value| !value.trim().is_empty());
            let Some(value) = set else { continue };
            rules = rules.with(variable, value).map_err(|expected| ConfigError {
                variable: variable.name().to_owned(),
                value: value.clone(),
                expected,
            })?;
        }
        Ok(rules.with_socket(&self.text("SOCKET_PATH").replacen("unix://", "", 1)))
    }

    fn policy(&self) -> Result<Settings, ConfigError> {
        let mut settings = Settings::default();
        for &variable in Variable::ALL {
            let Some(value) = self.values.get(variable.name()) else { continue };
            let on = parse_switch(value).ok_or_else(|| ConfigError {
                variable: variable.name().to_owned(),
                value: value.clone(),
                expected: SWITCH.to_owned(),
            })?;
            // `DELETE=` is what compose makes of an unset `${DELETE:-}`: still unset.
            if variable.default().is_some() || !value.trim().is_empty() {
                settings = settings.with(variable, on);
            }
        }
        Ok(settings)
    }
}

/// What is set and does not do what its user may think.
fn warnings(values: &BTreeMap<String, String>) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut podman = Vec::new();
    for (name, value) in values {
        match stranger(name) {
            None => {}
            Some(Stranger::Resembles(known)) => warnings
                .push(format!("{name} is not a variable of dockgate: did you mean {known}?")),
            // Off is what they are.
            Some(Stranger::Podman) if parse_switch(value) == Some(false) => {}
            Some(Stranger::Podman) => podman.push(name.as_str()),
            Some(Stranger::NotUnderstood) => {
                warnings.push(format!("{name} is not understood and has no effect"));
            }
        }
    }
    if !podman.is_empty() {
        let names = podman.join(", ");
        warnings.push(format!("Podman's own API (/libpod) is not served: {names} has no effect"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        Config::read(values.iter().map(|&(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn an_empty_environment_is_a_configuration() {
        let config = read(&[]).expect("defaults");
        assert_eq!(config.listen, [Place::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], 2375)))]);
        assert_eq!(config.socket_path, PathBuf::from("/var/run/docker.sock"));
        assert_eq!((config.listen_socket_mode, config.workers), (0o660, 1));
        assert_eq!(config.limits.head_bytes_max, 64 * 1024);
        assert_eq!(config.limits.json_bytes_max, 6 * 1024 * 1024);
        assert_eq!(config.limits.client_share, ClientShare::USUAL);
        assert_eq!(config.shutdown_grace, Duration::from_secs(10));
        assert!(config.warnings.is_empty());
    }

    #[test]
    fn places_read_as_people_write_them() {
        let listen =
            ":2375, 10.0.0.1:80,[::1]:1,tcp://127.0.0.1:0,tcp://:9,unix:///run/x.sock,localhost:5";
        let config = read(&[("LISTEN", listen)]).expect("places");
        let shown: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "port 2375 (every address)",
                "10.0.0.1:80",
                "[::1]:1",
                "127.0.0.1:0",
                "port 9 (every address)",
                "/run/x.sock",
                "127.0.0.1:5"
            ]
        );
    }

    #[test]
    fn what_cannot_be_used_stops_the_start_and_is_named() {
        for (name, value) in [
            ("POST", "ture"),
            ("CONTAINERS", "1;"),
            ("LISTEN", "2375"),
            ("LISTEN", ":65536"),
            ("LISTEN", ":2375,"),
            ("LISTEN", "unix://relative"),
            ("LISTEN_SOCKET_MODE", "0888"),
            ("LISTEN_SOCKET_MODE", "7777"),
            ("WORKERS", "0"),
            ("WORKERS", "+1"),
            ("SHUTDOWN_GRACE", "-1"),
            ("LOG_LEVEL", "loud"),
            ("LOG_FORMAT", "xml"),
            ("WATCHDOG", "1m"),
            ("MIN_API_VERSION", "1"),
            ("DISABLE_IPV6", "perhaps"),
            ("MAX_HEAD_BYTES", "1"),
            ("MAX_CLIENT_SHARE", "0"),
            ("MAX_CLIENT_SHARE", "24"),
            ("MAX_CLIENT_SHARE", "101"),
            ("MAX_CLIENT_SHARE", "0.75"),
            ("AUDIT_LOG", "audit.json"),
            ("AUDIT_LOG", "unix://relative"),
            ("AUDIT_REQUIRED", "1"),
        ] {
            let errors = read(&[(name, value)]).expect_err(name).errors;
            let found: Vec<_> =
                errors.iter().map(|error| (&*error.variable, &*error.value)).collect();
            assert_eq!(found, [(name, value.trim())]);
        }
    }

    #[test]
    fn every_variable_that_cannot_be_used_is_named_at_once() {
        let errors = read(&[
            ("MAX_CPUS", "50%"),
            ("LISTEN", "127.0.0.1:99999"),
            ("POST", "ture"),
            ("AUDIT_LOG", "audit.json"),
            ("AUDIT_REQUIRED", "1"),
            ("LOG_FORMAT", "json"),
        ])
        .expect_err("four of them");
        let names: Vec<_> = errors.errors.iter().map(|error| error.variable.as_str()).collect();
        assert_eq!(names, ["LISTEN", "POST", "MAX_CPUS", "AUDIT_LOG"]);
        assert_eq!(errors.log_format, Format::Json);
    }

    #[test]
    fn empty_is_off_for_switches_and_unset_for_the_rest() {
        let config = read(&[("PING", ""), ("DELETE", ""), ("LOG_LEVEL", ""), ("WORKERS", " ")])
            .expect("usable");
        assert_eq!(config.policy.get(Variable::Ping), Some(false));
        assert_eq!(config.policy.get(Variable::Delete), None);
        assert_eq!(config.log_level, LevelFilter::INFO);
    }

    #[test]
    fn log_levels_are_the_ancestors_in_any_case() {
        for (word, expected) in [
            ("DEBUG", LevelFilter::DEBUG),
            ("Warning", LevelFilter::WARN),
            ("emerg", LevelFilter::ERROR),
        ] {
            assert_eq!(read(&[("LOG_LEVEL", word)]).expect(word).log_level, expected);
        }
    }

    #[test]
    fn strangers_are_warned_of() {
        let warnings = read(&[
            ("IAMGES", "1"),
            ("LIBPOD_PODS", "1"),
            ("LIBPOD_INFO", "0"),
            ("ALLOW_ANYTHING", "1"),
            ("HOME", "/"),
        ])
        .expect("usable")
        .warnings;
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[0].starts_with("ALLOW_ANYTHING is not understood"), "{warnings:?}");
        assert!(warnings[1].contains("did you mean IMAGES?"), "{warnings:?}");
        assert!(warnings[2].ends_with("LIBPOD_PODS has no effect"), "{warnings:?}");
    }
}
