//! What the environment says of each variable, read once: the rules that arguments are held to.

use super::host_path::{self, Prefix};
use super::item;
use super::own::Own;
use super::shield;
use super::spelling;
use super::variable::{Kind, Variable};
use crate::http::number::decimal;
use core::ops::RangeInclusive;
use std::sync::Arc;

/// Nanoseconds of processor time in a second, the daemon's unit for processors.
const NANO_CPUS: u64 = 1_000_000_000;

/// More processes than a Linux system can have (`PID_MAX_LIMIT`, proc(5)).
const PIDS_MAX: u64 = 1 << 22;

/// What becomes of a request whose arguments are not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is refused.
    Enforce,
    /// It passes, and what would have been refused is told.
    Audit,
    /// Arguments are not examined.
    Off,
}

/// Items, of which one matches exactly or, with a `*` at its end, by its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(Vec<String>);

impl List {
    /// Whether an item matches.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.0.iter().any(|item| match item.strip_suffix('*') {
            Some(beginning) => text.starts_with(beginning),
            None => item == text,
        })
    }

    /// Whether everything matches.
    #[must_use]
    pub fn has_everything(&self) -> bool {
        self.0.iter().any(|item| item == "*")
    }

    /// Whether nothing does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum VariableValue {
    Switch(bool),
    Choice(&'static str),
    List(List),
    Paths(Vec<Prefix>),
    Ports(Vec<RangeInclusive<u16>>),
    Limit(Option<u64>),
}

/// The values of all variables.
#[derive(Clone, Debug)]
pub struct Rules {
    values: Vec<VariableValue>,
    texts: Vec<String>,
    /// Whether swarm secrets are open to the client by themselves (`SECRETS=1`).
    pub opens_secrets: bool,
    /// Whether swarm configs are (`CONFIGS=1`).
    pub opens_configs: bool,
    /// Sockets that are root on the host, in their cleaned form: mounted only where listed.
    pub sockets: Vec<String>,
    /// The gate's own container and files.
    pub own: Arc<Own>,
}

impl Rules {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        let default = |variable: &Variable| {
            // The table's defaults are read by a test.
            parse(variable.kind(), variable.default()).unwrap_or(VariableValue::Limit(None))
        };
        Self {
            values: Variable::ALL.iter().map(default).collect(),
            texts: Variable::ALL.iter().map(|variable| variable.default().to_owned()).collect(),
            opens_secrets: false,
            opens_configs: false,
            sockets: host_path::SOCKETS.iter().map(|&path| path.to_owned()).collect(),
            own: Arc::default(),
        }
    }

    /// These rules for a gate with this container and these files. `ALLOW_GATE=1` opens them.
    #[must_use]
    pub fn with_own(mut self, own: Own) -> Self {
        if !self.is_on(Variable::Gate) {
            self.own = Arc::new(own);
        }
        self
    }

    /// Paths of the host that are mounted only where they are listed themselves, cleaned.
    pub fn guarded(&self) -> impl Iterator<Item = &str> {
        self.sockets.iter().map(String::as_str).chain(self.own.paths())
    }

    /// These rules with one variable set.
    ///
    /// # Errors
    /// What the variable takes, where `text` is not that.
    pub fn with(mut self, variable: Variable, text: &str) -> Result<Self, String> {
        let expected = || {
            let kind = variable.kind();
            if kind == Kind::Shields { shield::expected(text) } else { kind.expected() }
        };
        if let Some(items) = items(text.trim()) {
            let wrong = |item: &String| {
                // A word behind a comma belongs to the path before it.
                let error = item::check(variable, variable.kind(), item).err()?;
                Some(format!("{}, and {item:?} {error}", expected()))
            };
            if let Some(error) = items.iter().find_map(wrong) {
                return Err(error);
            }
        }
        let value = parse(variable.kind(), text).ok_or_else(expected)?;
        // Unset, these two allow any; whoever writes `0` or `,` means none.
        let is_any = match (variable, &value) {
            (Variable::Registries, VariableValue::List(list)) => list.is_empty(),
            (Variable::PublishPorts, VariableValue::Ports(ports)) => ports.is_empty(),
            (_, _) => false,
        };
        if is_any && !text.trim().is_empty() {
            return Err(expected());
        }
        if let Some(place) = self.values.get_mut(variable.index()) {
            *place = value;
        }
        if let Some(place) = self.texts.get_mut(variable.index()) {
            text.trim().clone_into(place);
        }
        Ok(self)
    }

    /// These rules for a daemon whose socket is there.
    #[must_use]
    pub fn with_socket(mut self, path: &str) -> Self {
        self.sockets.push(host_path::clean(path));
        self
    }

    /// What a variable says, as it was written.
    #[must_use]
    pub fn text(&self, variable: Variable) -> &str {
        self.texts.get(variable.index()).map_or("", String::as_str)
    }

    fn value(&self, variable: Variable) -> Option<&VariableValue> {
        self.values.get(variable.index())
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn is_on(&self, variable: Variable) -> bool {
        self.value(variable) == Some(&VariableValue::Switch(true))
    }

    /// Whether a choice is this word.
    #[must_use]
    pub fn is(&self, variable: Variable, word: &str) -> bool {
        matches!(self.value(variable), Some(VariableValue::Choice(chosen)) if *chosen == word)
    }

    /// What becomes of arguments that are not allowed.
    #[must_use]
    pub fn mode(&self) -> Mode {
        if self.is(Variable::Admission, "off") {
            Mode::Off
        } else if self.is(Variable::Admission, "audit") {
            Mode::Audit
        } else {
            Mode::Enforce
        }
    }

    /// Whether containers that exist are held to what a create may ask for.
    #[must_use]
    pub fn judges_existing(&self) -> bool {
        self.mode() != Mode::Off && !self.is_on(Variable::Existing)
    }

    /// A list's items.
    #[must_use]
    pub fn list(&self, variable: Variable) -> &List {
        const NONE: &List = &List(Vec::new());
        if let Some(VariableValue::List(list)) = self.value(variable) { list } else { NONE }
    }

    /// The prefixes that may be mounted.
    #[must_use]
    pub fn prefixes(&self) -> &[Prefix] {
        if let Some(VariableValue::Paths(prefixes)) = self.value(Variable::BindMounts) {
            prefixes
        } else {
            &[]
        }
    }

    /// Whether a port of the host may be published.
    #[must_use]
    pub fn publishes(&self, ports: &RangeInclusive<u16>) -> bool {
        let Some(VariableValue::Ports(allowed)) = self.value(Variable::PublishPorts) else {
            return false;
        };
        allowed.is_empty()
            || allowed
                .iter()
                .any(|range| range.contains(ports.start()) && range.contains(ports.end()))
    }

    /// A limit, where one is set.
    #[must_use]
    pub fn limit(&self, variable: Variable) -> Option<u64> {
        if let Some(VariableValue::Limit(limit)) = self.value(variable) { *limit } else { None }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new()
    }
}

fn parse(kind: Kind, text: &str) -> Option<VariableValue> {
    let text = text.trim();
    Some(match kind {
        Kind::Switch => VariableValue::Switch(parse_switch(text)?),
        Kind::Choice(words) => {
            VariableValue::Choice(words.iter().find(|word| text.eq_ignore_ascii_case(word))?)
        }
        Kind::List => VariableValue::List(List(
            items(text)?.iter().map(|item| spelling::read(item)).collect(),
        )),
        Kind::Words(words) => {
            let items: Vec<String> =
                items(text)?.iter().map(|item| item.to_ascii_lowercase()).collect();
            let known = |item: &String| item == "*" || words.contains(&item.as_str());
            items.iter().all(known).then_some(VariableValue::List(List(items)))?
        }
        Kind::Paths => {
            VariableValue::Paths(Prefix::parse_list(items(text)?.iter().map(String::as_str))?)
        }
        Kind::Ports => VariableValue::Ports(split(text).map(port_range).collect::<Option<_>>()?),
        Kind::Shields => {
            let items = items(text)?;
            let known = |item: &String| shield::is_named(item);
            items.iter().all(known).then_some(VariableValue::List(List(items)))?
        }
        Kind::Bytes => limit(text, bytes)?,
        Kind::Processors => limit(text, processors)?,
        Kind::Count => limit(text, |text| {
            decimal(text.as_bytes()).filter(|count| (1..=PIDS_MAX).contains(count))
        })?,
    })
}

/// Reads a switch as people write it: an integer (0 is off), or true/false, yes/no, on/off in any
/// case. Empty is off, as for the ancestors. `None` for anything else.
#[must_use]
pub fn parse_switch(value: &str) -> Option<bool> {
    const WORDS: [(&str, bool); 6] = [
        ("true", true),
        ("yes", true),
        ("on", true),
        ("false", false),
        ("no", false),
        ("off", false),
    ];
    let value = value.trim();
    let digits = value.strip_prefix('-').unwrap_or(value);
    if value.is_empty() {
        Some(false)
    } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(digits.bytes().any(|byte| byte != b'0'))
    } else {
        WORDS.iter().find(|(word, _)| value.eq_ignore_ascii_case(word)).map(|&(_, on)| on)
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A list's items. `0`, `false` and their like are the empty list; a lone `1` is nothing that
/// could match and surely means something else.
fn items(text: &str) -> Option<Vec<String>> {
    match parse_switch(text) {
        Some(false) => Some(Vec::new()),
        Some(true) => None,
        None => Some(split(text).map(str::to_owned).collect()),
    }
}

/// A port, or a range of ports: `8000-8999`.
#[must_use]
pub fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let port = |text: &str| u16::try_from(decimal(text.as_bytes())?).ok();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = port(first)?..=port(last)?;
    (!range.is_empty()).then_some(range)
}

fn limit(text: &str, parse: impl FnOnce(&str) -> Option<u64>) -> Option<VariableValue> {
    if text.is_empty() {
        return Some(VariableValue::Limit(None));
    }
    parse(text).filter(|&limit| limit > 0).map(|limit| VariableValue::Limit(Some(limit)))
}

fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: u64 = match lower.strip_prefix(digits)? {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    decimal(digits.as_bytes())?.checked_mul(unit).filter(|&bytes| i64::try_from(bytes).is_ok())
}

fn processors(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > 9 {
        return None;
    }
    let fraction = decimal(format!("{fraction:0<9}").as_bytes())?;
    decimal(whole.as_bytes())?.checked_mul(NANO_CPUS)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variable: Variable, text: &str) -> Result<Rules, String> {
        Rules::new().with(variable, text)
    }

    #[test]
    fn switches_read_as_people_write_them() {
        for on in ["1", "2", "-1", "01", "true", "TRUE", "Yes", "on", " 1 "] {
            assert_eq!(parse_switch(on), Some(true), "{on:?}");
        }
        for off in ["0", "", "00", "-0", "false", "No", "OFF"] {
            assert_eq!(parse_switch(off), Some(false), "{off:?}");
        }
        for neither in ["-", "1.0", "+1", "enabled", "ture", "1;", "0x1"] {
            assert_eq!(parse_switch(neither), None, "{neither:?}");
        }
    }

    #[test]
    fn every_default_can_be_read() {
        for &variable in Variable::ALL {
            assert!(with(variable, variable.default()).is_ok(), "{variable}");
            assert_eq!(Variable::named(variable.name()), Some(variable));
        }
    }

    #[test]
    fn items_are_read_as_refusals_write_them() {
        let level = "label=level:s0:c1,c2";
        let rules = with(Variable::SecurityOpt, "apparmor=x, label=level:s0:c1\\u{2c}c2");
        assert!(rules.expect("a list").list(Variable::SecurityOpt).has(level));
        for path in ["/srv/a,b", "/srv/m\u{fc}sik", "/srv/a:ro", "/srv/a\\b"] {
            let text = format!("/x,{}:exact", spelling::written_path(path));
            let rules = with(Variable::BindMounts, &text).expect("paths");
            let prefix = rules.prefixes().last().expect("a path");
            assert_eq!(
                (prefix.path.as_str(), prefix.is_exact, prefix.is_read_only),
                (path, true, false)
            );
        }
    }

    #[test]
    fn lists_match_items_and_beginnings() {
        let rules = with(Variable::Sysctls, "net.ipv4.*, kernel.sem").expect("a list");
        let list = rules.list(Variable::Sysctls);
        assert!(list.has("net.ipv4.ip_forward") && list.has("kernel.sem"));
        assert!(!list.has("net.ipv6.x") && !list.has("kernel.semx") && !list.has_everything());
        assert!(
            with(Variable::Sysctls, "*").expect("all").list(Variable::Sysctls).has_everything()
        );
    }

    #[test]
    fn a_list_is_not_a_switch() {
        for off in ["", "0", "false", "No"] {
            assert!(
                with(Variable::Capabilities, off)
                    .expect("none")
                    .list(Variable::Capabilities)
                    .is_empty()
            );
        }
        for on in ["1", "true", "yes"] {
            let error = with(Variable::Capabilities, on).expect_err("no list");
            assert!(error.contains("* alone"), "{error}");
        }
    }

    #[test]
    fn what_is_any_where_unset_is_not_opened_by_naming_nothing() {
        for text in ["0", "false", "no", ",", " , "] {
            assert!(with(Variable::Registries, text).is_err(), "{text:?}");
        }
        assert!(with(Variable::Registries, " ").is_ok());
        assert!(with(Variable::PublishPorts, ",").is_err());
        assert!(with(Variable::PublishPorts, "").is_ok());
    }

    #[test]
    fn a_variable_is_shown_as_it_was_written() {
        let rules = with(Variable::Sysctls, " net.* ,x ").expect("a list");
        assert_eq!(rules.text(Variable::Sysctls), "net.* ,x");
        assert_eq!(rules.text(Variable::NodeRoles), "worker");
    }

    #[test]
    fn words_are_checked() {
        let rules = with(Variable::HostNamespaces, "Network,pid").expect("words");
        assert!(rules.list(Variable::HostNamespaces).has("network"));
        assert!(with(Variable::HostNamespaces, "net").is_err());
        assert!(with(Variable::HostNamespaces, "*").is_ok());
        assert!(with(Variable::Admission, "on").is_err());
        assert_eq!(with(Variable::Admission, "Audit").map(|rules| rules.mode()), Ok(Mode::Audit));
    }

    #[test]
    fn limits_are_read_in_their_units() {
        let limit = |variable, text| with(variable, text).map(|rules| rules.limit(variable));
        assert_eq!(limit(Variable::MaxMemory, "512m"), Ok(Some(512 << 20)));
        assert_eq!(limit(Variable::MaxMemory, "2GiB"), Ok(Some(2 << 30)));
        assert_eq!(limit(Variable::MaxMemory, "100"), Ok(Some(100)));
        assert_eq!(limit(Variable::MaxMemory, "3k"), Ok(Some(3 << 10)));
        assert_eq!(limit(Variable::MaxMemory, ""), Ok(None));
        assert_eq!(limit(Variable::MaxCpus, "0.123456789"), Ok(Some(123_456_789)));
        assert_eq!(limit(Variable::MaxCpus, "0.5"), Ok(Some(500_000_000)));
        assert_eq!(limit(Variable::MaxCpus, "2"), Ok(Some(2_000_000_000)));
        assert_eq!(limit(Variable::MaxPids, "100"), Ok(Some(100)));
        for (variable, text) in [
            (Variable::MaxMemory, "0"),
            (Variable::MaxMemory, "1t"),
            (Variable::MaxMemory, "m"),
            (Variable::MaxMemory, "-1"),
            (Variable::MaxMemory, "99999999999g"),
            (Variable::MaxCpus, "0"),
            (Variable::MaxCpus, "1.2.3"),
            (Variable::MaxCpus, "0.1234567890"),
            (Variable::MaxCpus, ".5"),
            (Variable::MaxPids, "1k"),
            (Variable::MaxPids, "0"),
        ] {
            assert!(limit(variable, text).is_err(), "{variable}={text}");
        }
    }

    #[test]
    fn ports_are_ranges() {
        let rules = with(Variable::PublishPorts, "8000-8999, 9090").expect("ports");
        assert!(rules.publishes(&(8000..=8010)) && rules.publishes(&(9090..=9090)));
        assert!(!rules.publishes(&(8999..=9000)) && !rules.publishes(&(0..=0)));
        assert!(Rules::new().publishes(&(22..=22)));
        for bad in ["x", "9-8", "65536", "1-", "+1", "1-2-3"] {
            assert!(with(Variable::PublishPorts, bad).is_err(), "{bad}");
        }
    }
}
