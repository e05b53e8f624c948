//! The variables that say what is allowed: those of tecnativa/docker-socket-proxy and of
//! linuxserver/socket-proxy, with the same names and defaults, one line each.

use crate::api::{Operation, Section};
use core::fmt;

/// What setting a variable does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// 1 opens a part of the API.
    Opens(Section),
    /// 1 lets requests through that change something: POST, and DELETE and PUT where these are
    /// not set themselves.
    Writes,
    /// For its own method, set wins over POST; unset it follows POST.
    WritesBy(crate::http::Method),
    /// 1 allows these operations, whatever else is set.
    Grants(&'static [Operation]),
    /// 0 withholds these operations from an open section; unset or 1 leaves them there.
    Withholds(&'static [Operation]),
}

macro_rules! variables {
    ($($variable:ident $name:literal $default:ident $role:expr, $meaning:literal;)*) => {
        /// A variable of the policy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant's line in the table describes it")]
        pub enum Variable { $($variable),* }

        impl Variable {
            /// Every variable, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variable),*];

            /// Its name in the environment.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variable => $name),* }
            }

            /// Its value where the environment has none; `None` if being unset means something.
            #[must_use]
            pub const fn default(self) -> Option<bool> {
                match self { $(Self::$variable => $default),* }
            }

            /// What it does.
            #[must_use]
            pub const fn role(self) -> Role {
                match self { $(Self::$variable => $role),* }
            }

            /// One line for the help.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variable => $meaning),* }
            }
        }
    };
}

const ON: Option<bool> = Some(true);
const OFF: Option<bool> = Some(false);
const UNSET: Option<bool> = None;

use Operation as Op;
use Role::{Grants, Opens, Withholds, Writes, WritesBy};

variables! {
    Events       "EVENTS"       ON    Opens(Section::Events),       "/events";
    Ping         "PING"         ON    Opens(Section::Ping),         "/_ping";
    Version      "VERSION"      ON    Opens(Section::Version),      "/version";
    Auth         "AUTH"         OFF   Opens(Section::Auth),         "/auth";
    Build        "BUILD"        OFF   Opens(Section::Build),        "/build";
    Commit       "COMMIT"       OFF   Opens(Section::Commit),       "/commit";
    Configs      "CONFIGS"      OFF   Opens(Section::Configs),      "/configs";
    Containers   "CONTAINERS"   OFF   Opens(Section::Containers),   "/containers, but not exec";
    Distribution "DISTRIBUTION" OFF   Opens(Section::Distribution), "/distribution";
    Exec         "EXEC"         OFF   Opens(Section::Exec),         "/containers/{id}/exec and /exec";
    Grpc         "GRPC"         OFF   Opens(Section::Grpc),         "/grpc: BuildKit's whole control API";
    Images       "IMAGES"       OFF   Opens(Section::Images),       "/images";
    Info         "INFO"         OFF   Opens(Section::Info),         "/info";
    Networks     "NETWORKS"     OFF   Opens(Section::Networks),     "/networks";
    Nodes        "NODES"        OFF   Opens(Section::Nodes),        "/nodes";
    Plugins      "PLUGINS"      OFF   Opens(Section::Plugins),      "/plugins";
    Secrets      "SECRETS"      OFF   Opens(Section::Secrets),      "/secrets";
    Services     "SERVICES"     OFF   Opens(Section::Services),     "/services";
    Session      "SESSION"      OFF   Opens(Section::Session),      "/session: BuildKit's client side";
    Swarm        "SWARM"        OFF   Opens(Section::Swarm),        "/swarm";
    System       "SYSTEM"       OFF   Opens(Section::System),       "/system/df";
    Tasks        "TASKS"        OFF   Opens(Section::Tasks),        "/tasks";
    Volumes      "VOLUMES"      OFF   Opens(Section::Volumes),      "/volumes";

    Post   "POST"   OFF   Writes,                              "requests that change something (0: read-only)";
    Delete "DELETE" UNSET  WritesBy(crate::http::Method::Delete), "DELETE requests; unset: as POST";
    Put    "PUT"    UNSET  WritesBy(crate::http::Method::Put),    "PUT requests; unset: as POST";

    AllowStart    "ALLOW_START"    OFF   Grants(&[Op::ContainerStart]),   "start containers, even with POST=0";
    AllowStop     "ALLOW_STOP"     OFF   Grants(&[Op::ContainerStop]),    "stop containers, even with POST=0";
    AllowRestarts "ALLOW_RESTARTS" OFF   Grants(&[Op::ContainerRestart, Op::ContainerStop, Op::ContainerKill]),
                                       "restart, stop and kill containers, even with POST=0";
    AllowPause    "ALLOW_PAUSE"    OFF   Grants(&[Op::ContainerPause]),   "pause containers, even with POST=0";
    AllowUnpause  "ALLOW_UNPAUSE"  OFF   Grants(&[Op::ContainerUnpause]), "unpause containers, even with POST=0";

    AllowArchive "ALLOW_ARCHIVE" UNSET Withholds(&[Op::ContainerArchive, Op::ContainerArchiveInfo, Op::PutContainerArchive, Op::ContainerCopy]),
                                    "0: CONTAINERS=1 does not open reading and writing files of containers";
    AllowChanges "ALLOW_CHANGES" UNSET Withholds(&[Op::ContainerChanges]), "0: CONTAINERS=1 does not open file changes";
    AllowExport  "ALLOW_EXPORT"  UNSET Withholds(&[Op::ContainerExport]),  "0: CONTAINERS=1 does not open exports";
    AllowLogs    "ALLOW_LOGS"    UNSET Withholds(&[Op::ContainerLogs]),    "0: CONTAINERS=1 does not open logs, nor attach with logs=1";
    AllowTop     "ALLOW_TOP"     UNSET Withholds(&[Op::ContainerTop]),     "0: CONTAINERS=1 does not open process lists";
}

impl Variable {
    /// The variable of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variable| variable.name() == name)
    }

    /// The variables that do something to an operation by name.
    pub fn of(operation: Operation) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |variable| match variable.role() {
            Grants(operations) | Withholds(operations) => operations.contains(&operation),
            Opens(_) | Writes | WritesBy(_) => false,
        })
    }

    /// The variable that opens a section.
    #[must_use]
    pub fn opening(section: Section) -> Option<Self> {
        Self::ALL.iter().copied().find(|variable| variable.role() == Opens(section))
    }

    const fn bit(self) -> u64 {
        #[expect(clippy::as_conversions, reason = "a fieldless enum's own numbering, below 64")]
        {
            1u64 << (self as u32)
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VariableSet(u64);

impl VariableSet {
    /// The set with `variable` in it too.
    #[must_use]
    pub const fn with(self, variable: Variable) -> Self {
        Self(self.0 | variable.bit())
    }

    /// Whether `variable` is in it.
    #[must_use]
    pub const fn has(self, variable: Variable) -> bool {
        self.0 & variable.bit() != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Variable> {
        Variable::ALL.iter().copied().filter(move |&variable| self.has(variable))
    }
}

/// What the environment says of each variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    set: VariableSet,
    on: VariableSet,
}

impl Settings {
    /// These settings with one more.
    #[must_use]
    pub const fn with(self, variable: Variable, on: bool) -> Self {
        let set = self.set.with(variable);
        Self {
            set,
            on: if on { self.on.with(variable) } else { VariableSet(self.on.0 & !variable.bit()) },
        }
    }

    /// What was said of `variable`, or its default; `None` if it is unset and has none.
    #[must_use]
    pub const fn get(self, variable: Variable) -> Option<bool> {
        if self.set.has(variable) { Some(self.on.has(variable)) } else { variable.default() }
    }

    /// Whether `variable` is on.
    #[must_use]
    pub const fn is_on(self, variable: Variable) -> bool {
        matches!(self.get(variable), Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        assert!(Variable::ALL.len() <= 64);
        let set = VariableSet::default().with(Variable::Post).with(Variable::AllowTop);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Variable::Post, Variable::AllowTop]);
    }

    #[test]
    fn settings_win_over_defaults() {
        let settings = Settings::default();
        assert!(settings.is_on(Variable::Ping) && !settings.is_on(Variable::Post));
        assert_eq!(settings.get(Variable::Delete), None);
        let settings = settings.with(Variable::Ping, false).with(Variable::Delete, true);
        assert_eq!(settings.get(Variable::Ping), Some(false));
        assert!(settings.is_on(Variable::Delete));
    }

    #[test]
    fn a_variable_is_known_by_its_name() {
        for &variable in Variable::ALL {
            assert_eq!(Variable::named(variable.name()), Some(variable));
            assert_eq!(variable.to_string(), variable.name());
        }
        assert_eq!(Variable::named("post"), None);
    }

    #[test]
    fn the_last_word_on_a_variable_holds_and_is_about_no_other() {
        let settings = Settings::default().with(Variable::Ping, false).with(Variable::Post, false);
        assert_eq!(settings.get(Variable::Ping), Some(false));
        let settings = settings.with(Variable::Post, true).with(Variable::Post, true);
        assert_eq!(settings.get(Variable::Post), Some(true));
        let settings = settings.with(Variable::Post, false);
        assert_eq!(settings.get(Variable::Post), Some(false));
    }

    #[test]
    fn every_section_has_its_variable() {
        for line in Operation::TABLE {
            if let Some(section) = line.section {
                assert!(Variable::opening(section).is_some(), "{section:?}");
            }
        }
    }
}
