//! What a container must be held to where `REQUIRE_*` and `MAX_*` say so.

use super::json::Json;
use super::judge::{Judge, WRONG_TYPE};
use super::rules::Rules;
use super::security;
use super::variable::Variable;
use core::ops::RangeInclusive;

/// The period of the processor quota where a request names none (moby: 100 ms), in microseconds.
const CPU_PERIOD: u64 = 100_000;

const NON_ROOT: &str = "must be a number other than 0: REQUIRE_NON_ROOT=1 (a name could be root's in the image's own passwd)";
const NO_NEW_PRIVILEGES: &str = "must have no-new-privileges: REQUIRE_NO_NEW_PRIVILEGES=1";
const READONLY: &str = "must make the root read-only: REQUIRE_READONLY_ROOTFS=1";
const CAP_DROP: &str = "must drop ALL capabilities: REQUIRE_CAP_DROP_ALL=1";
const MEMORY: &str = "must set a memory limit within MAX_MEMORY";
const SWAP: &str = "must be at most twice MAX_MEMORY, and not unlimited";
const CPUS: &str = "must set a processor limit within MAX_CPUS";
const PIDS: &str = "must set a limit of processes within MAX_PIDS";

/// What of a new container the variables ask about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Confinement<'j, 'b> {
    /// The user it runs as.
    pub user: Option<&'j Json<'b>>,
    /// Whether it can't gain privileges.
    pub no_new_privileges: bool,
    /// Whether its root is read-only.
    pub readonly_rootfs: Option<&'j Json<'b>>,
    /// What it drops.
    pub cap_drop: Option<&'j Json<'b>>,
    /// Bytes.
    pub memory: Option<&'j Json<'b>>,
    /// Billionths of a processor.
    pub nano_cpus: Option<u64>,
    /// Processes.
    pub pids: Option<&'j Json<'b>>,
}

/// Whether the variables ask anything of a new container.
#[must_use]
pub fn is_asked(rules: &Rules) -> bool {
    use Variable as V;
    let switches = [
        V::RequireNonRoot,
        V::RequireNoNewPrivileges,
        V::RequireReadonlyRootfs,
        V::RequireCapDropAll,
    ];
    switches.iter().any(|&switch| rules.is_on(switch))
        || [V::MaxMemory, V::MaxCpus, V::MaxPids].iter().any(|&max| rules.limit(max).is_some())
}

/// Asks of a new container what the variables ask.
pub fn require(judge: &mut Judge<'_>, confined: &Confinement<'_, '_>) {
    use Variable as V;
    let rules = judge.rules;
    let mut need = |variable, is_met: bool, reason| {
        if !is_met {
            judge.require(variable, reason);
        }
    };
    // How large a limit may be, its own field's rule has asked.
    let is_set = |value: Option<&Json<'_>>| number(value).is_some_and(|number| number > 0);
    if rules.is_on(V::RequireNonRoot) {
        let user = confined.user.and_then(Json::text).unwrap_or_default();
        need(V::RequireNonRoot, is_not_root(user), NON_ROOT);
    }
    if rules.is_on(V::RequireNoNewPrivileges) {
        need(V::RequireNoNewPrivileges, confined.no_new_privileges, NO_NEW_PRIVILEGES);
    }
    if rules.is_on(V::RequireReadonlyRootfs) {
        let is_readonly = confined.readonly_rootfs == Some(&Json::Bool(true));
        need(V::RequireReadonlyRootfs, is_readonly, READONLY);
    }
    if rules.is_on(V::RequireCapDropAll) {
        need(V::RequireCapDropAll, security::has_all(confined.cap_drop), CAP_DROP);
    }
    if rules.limit(V::MaxMemory).is_some() {
        need(V::MaxMemory, is_set(confined.memory), MEMORY);
    }
    if rules.limit(V::MaxCpus).is_some() {
        need(V::MaxCpus, confined.nano_cpus.is_some_and(|cpus| cpus > 0), CPUS);
    }
    if rules.limit(V::MaxPids).is_some() {
        need(V::MaxPids, is_set(confined.pids), PIDS);
    }
}

/// Whether a user is a number other than 0; what follows a `:` is the group.
fn is_not_root(user: &str) -> bool {
    let uid = user.split(':').next().unwrap_or_default();
    let number = crate::http::number::decimal(uid.as_bytes());
    number.is_some_and(|uid| uid > 0 && i32::try_from(uid).is_ok())
}

/// A user that a process may not run as where containers must not be root.
pub fn exec_user(judge: &mut Judge<'_>, value: &Json<'_>) {
    judge.text(value, |judge, user| {
        // Without one it is the container's own.
        let is_fine = user.is_empty() || is_not_root(user);
        if judge.rules.is_on(Variable::RequireNonRoot) && !is_fine {
            judge.require(Variable::RequireNonRoot, NON_ROOT);
        }
    });
}

/// Processors as `NanoCpus`, or as a quota in each period.
#[must_use]
pub fn nano_cpus(config: &Json<'_>) -> Option<u64> {
    let field = |name| number(config.field(name)).filter(|&number| number > 0);
    field("NanoCpus").or_else(|| {
        let quota = field("CpuQuota")?.checked_mul(1_000_000_000)?;
        quota.checked_div(field("CpuPeriod").unwrap_or(CPU_PERIOD))
    })
}

fn number(value: Option<&Json<'_>>) -> Option<u64> {
    if let Some(Json::Integer(number)) = value { u64::try_from(*number).ok() } else { None }
}

/// A limit that is given, wherever it stands: one of `range`, where there is one.
fn given(
    judge: &mut Judge<'_>,
    value: &Json<'_>,
    range: Option<RangeInclusive<u64>>,
    variable: Variable,
    reason: &'static str,
) {
    match value {
        Json::Null => {}
        Json::Integer(_) => {
            let fits = |range: RangeInclusive<u64>| {
                number(Some(value)).is_some_and(|number| range.contains(&number))
            };
            if range.is_some_and(|range| !fits(range)) {
                judge.require(variable, reason);
            }
        }
        Json::Bool(_) | Json::Number | Json::Text(_) | Json::List(_) | Json::Object(_) => {
            judge.bad_value(value, "is no integer");
        }
    }
}

/// `Memory`, where it is given. 0 is the daemon's word for none in a new container, which
/// [`require`] asks about, and for "as before" in an update; so for the others, but for processes.
pub fn memory(judge: &mut Judge<'_>, value: &Json<'_>) {
    let range = judge.rules.limit(Variable::MaxMemory).map(|max| 0..=max);
    given(judge, value, range, Variable::MaxMemory, MEMORY);
}

/// `MemorySwap`, memory and swap together, where it is given.
pub fn memory_swap(judge: &mut Judge<'_>, value: &Json<'_>) {
    let range = judge.rules.limit(Variable::MaxMemory).map(|max| 0..=max.saturating_mul(2));
    given(judge, value, range, Variable::MaxMemory, SWAP);
}

/// `NanoCpus`, where it is given.
pub fn processors(judge: &mut Judge<'_>, value: &Json<'_>) {
    let range = judge.rules.limit(Variable::MaxCpus).map(|max| 0..=max);
    given(judge, value, range, Variable::MaxCpus, CPUS);
}

/// `CpuQuota`, where it is given: what it means depends on the period, so an object with both is
/// judged by [`quota_of`].
pub fn quota(judge: &mut Judge<'_>, value: &Json<'_>) {
    let range = judge.rules.limit(Variable::MaxCpus).map(|_| 0..=u64::MAX);
    given(judge, value, range, Variable::MaxCpus, CPUS);
}

/// `PidsLimit`, where it is given. 0 takes a limit away, in an update too.
pub fn pids(judge: &mut Judge<'_>, value: &Json<'_>) {
    let range = judge.rules.limit(Variable::MaxPids).map(|max| 1..=max);
    given(judge, value, range, Variable::MaxPids, PIDS);
}

/// A quota with its period.
pub fn quota_of(judge: &mut Judge<'_>, config: &Json<'_>) {
    let Some(max) = judge.rules.limit(Variable::MaxCpus) else { return };
    let has_quota = ["CpuQuota", "CpuPeriod"]
        .iter()
        .any(|name| config.field(name).is_some_and(|value| !value.is_empty()));
    let is_within = || nano_cpus(config).is_some_and(|cpus| cpus <= max);
    if has_quota && !is_within() {
        judge.require(Variable::MaxCpus, CPUS);
    }
}

/// A quota in an update: without a period it would be one of the container's own, which is not
/// known here.
pub fn quota_of_update(judge: &mut Judge<'_>, config: &Json<'_>) {
    let is_given = |name| config.field(name).is_some_and(|value| !value.is_empty());
    if judge.rules.limit(Variable::MaxCpus).is_some()
        && is_given("CpuQuota")
        && !is_given("CpuPeriod")
    {
        judge.require(Variable::MaxCpus, "must be given with CpuPeriod: MAX_CPUS is set");
    }
    quota_of(judge, config);
}

/// `OomKillDisable` and `OomScoreAdj`.
pub fn oom(judge: &mut Judge<'_>, value: &Json<'_>) {
    let is_spared = match value {
        Json::Null => false,
        Json::Bool(on) => *on,
        Json::Integer(score) => *score < 0,
        Json::Number | Json::Text(_) | Json::List(_) | Json::Object(_) => {
            return judge.bad_value(value, WRONG_TYPE);
        }
    };
    if is_spared && !judge.is_open("") {
        judge.withhold("", "1");
    }
}
