//! Dropping every privilege but the right to open the daemon's socket, and proving it.
//!
//! Each step takes the one before: what was seen of the socket decides what is dropped, what was
//! dropped is proved, and only a [`Proven`] process goes on to serve.

use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, geteuid, getgroups, setgroups, setresgid, setresuid};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A file that only root may open, in every container and on every host (proc(5)).
const ROOT_ONLY: &str = "/proc/kmsg";

/// Whom to run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// What opens the daemon's socket to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Anybody may open it.
    Anybody,
    /// This group may.
    Group(u32),
    /// Only this user may.
    Owner(u32),
    /// It can't be looked at now.
    Unseen,
}

/// What was seen of the socket.
#[derive(Debug)]
#[must_use]
pub struct Seen {
    way: Way,
    run_as: RunAs,
}

/// What was dropped; see [`Dropped::prove`].
#[derive(Debug)]
#[must_use]
pub struct Dropped {
    said: Vec<String>,
    kept: Vec<String>,
    notes: Vec<&'static str>,
}

/// A process that has shown that it can't get back what it dropped.
#[derive(Debug)]
#[must_use]
pub struct Proven {
    /// What was dropped.
    pub said: Vec<String>,
    /// What could not be, and why.
    pub kept: Vec<String>,
    /// What was left and is of no use to anybody.
    pub notes: Vec<&'static str>,
}

impl Seen {
    /// Looks at the socket.
    pub fn look(path: &Path, run_as: RunAs) -> Self {
        Self { way: way(path, run_as), run_as }
    }

    /// Drops: groups, gid and uid where we are root, then every capability, for good.
    ///
    /// # Errors
    /// The kernel refuses what it grants everybody.
    pub fn drop(self) -> io::Result<Dropped> {
        let mut dropped = Dropped { said: Vec::new(), kept: Vec::new(), notes: Vec::new() };
        // While there is CAP_SETPCAP, which only root has.
        match clear_bounding_set() {
            Ok(()) => {}
            Err(why) if geteuid().is_root() => {
                dropped.kept.push(format!("the capability bounding set ({why})"));
            }
            Err(_) => dropped.notes.push(
                "capability bounding set left in place (only root can clear it; harmless with no_new_privs)",
            ),
        }
        if geteuid().is_root() {
            self.change_user(&mut dropped);
        } else {
            dropped.said.push(format!("already running as user {}", geteuid()));
        }
        let mut clear = |set, name: &str| {
            if let Err(error) = caps::clear(None, set) {
                dropped.kept.push(format!("{name} capabilities ({error})"));
            }
        };
        clear(CapSet::Ambient, "ambient");
        clear(CapSet::Effective, "effective");
        clear(CapSet::Permitted, "permitted");
        clear(CapSet::Inheritable, "inheritable");
        nix::sys::prctl::set_no_new_privs()?;
        nix::sys::prctl::set_dumpable(false)?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        Ok(dropped)
    }

    fn change_user(&self, dropped: &mut Dropped) {
        let RunAs { uid, gid } = self.run_as;
        let (uid, groups, why) = match self.way {
            Way::Anybody => (uid, Vec::new(), "anyone may write to the socket"),
            Way::Group(group) => {
                (uid, vec![Gid::from_raw(group)], "the socket's group may write to it")
            }
            Way::Owner(owner) => (owner, Vec::new(), "only its owner may open the socket"),
            // Who may open it will be seen too late.
            Way::Unseen => {
                (0, Vec::new(), "the socket does not exist yet, so its owner and group are unknown")
            }
        };
        if let Err(error) = setgroups(&groups) {
            let groups = getgroups().map_or(0, |groups| groups.len());
            dropped.kept.push(format!("{groups} supplementary groups (setgroups: {error})"));
        }
        let gid = Gid::from_raw(gid);
        if let Err(error) = setresgid(gid, gid, gid) {
            dropped.kept.push(format!("group 0 (setresgid: {error})"));
        }
        if uid == 0 {
            dropped.kept.push(format!("user 0, without capabilities: {why}"));
            return;
        }
        let uid = Uid::from_raw(uid);
        match setresuid(uid, uid, uid) {
            Ok(()) => {
                let list: Vec<String> = groups.iter().map(ToString::to_string).collect();
                let mut said = format!("user={uid} group={gid}");
                if !list.is_empty() {
                    // A String takes whatever is written to it.
                    let _ = write!(said, " groups={}", list.join(","));
                }
                dropped.said.push(format!("{said} ({why})"));
            }
            Err(error) => dropped.kept.push(format!("user 0 (setresuid: {error})")),
        }
    }
}

impl Dropped {
    /// Tries to get back what was dropped.
    ///
    /// # Errors
    /// Something of it worked: the process must not serve.
    pub fn prove(self) -> io::Result<Proven> {
        let root = Uid::from_raw(0);
        if !geteuid().is_root() && setresuid(root, root, root).is_ok() {
            return Err(io::Error::other("user 0 could be taken back"));
        }
        let one = CapsHashSet::from([Capability::CAP_CHOWN]);
        let mut sets = vec![CapSet::Permitted, CapSet::Effective, CapSet::Inheritable];
        // Linux 4.3.
        sets.extend(caps::runtime::ambient_set_supported().ok().map(|()| CapSet::Ambient));
        for set in sets {
            let is_clear = caps::read(None, set).is_ok_and(|held| held.is_empty());
            if !is_clear || caps::set(None, set, &one).is_ok() {
                let why = format!("a capability is held or could be raised ({set:?})");
                return Err(io::Error::other(why));
            }
        }
        if fs::File::open(ROOT_ONLY).is_ok() {
            return Err(io::Error::other(format!("{ROOT_ONLY} could be opened")));
        }
        let Self { mut said, kept, notes } = self;
        said.push("no capabilities, no_new_privs".to_owned());
        Ok(Proven { said, kept, notes })
    }
}

/// The least that opens the socket to `run_as`.
fn way(path: &Path, run_as: RunAs) -> Way {
    const OWNER_WRITES: u32 = 0o200;
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    let Ok(socket) = fs::metadata(path) else { return Way::Unseen };
    let (owner, group, mode) = (socket.uid(), socket.gid(), socket.mode());
    let is_owner = owner == run_as.uid;
    let is_group = group == run_as.gid;
    let reaches = |groups: &[u32]| can_reach(path, run_as, groups);
    // The kernel looks at the first that fits: owner, group, others (path_resolution(7)).
    if is_owner && mode & OWNER_WRITES != 0 && reaches(&[])
        || !is_owner && is_group && mode & GROUP_WRITES != 0 && reaches(&[])
        || !is_owner && !is_group && mode & OTHERS_WRITE != 0 && reaches(&[])
    {
        Way::Anybody
    } else if !is_owner && mode & GROUP_WRITES != 0 && reaches(&[group]) {
        Way::Group(group)
    } else {
        Way::Owner(owner)
    }
}

/// Whether every directory on the way may be searched.
fn can_reach(path: &Path, run_as: RunAs, groups: &[u32]) -> bool {
    // Links on the way are followed: what counts is where they lead.
    let Ok(real) = fs::canonicalize(path) else { return false };
    real.ancestors().skip(1).all(|directory| {
        fs::metadata(directory).is_ok_and(|directory| {
            let bit = if directory.uid() == run_as.uid {
                0o100
            } else if directory.gid() == run_as.gid || groups.contains(&directory.gid()) {
                0o010
            } else {
                0o001
            };
            directory.mode() & bit != 0
        })
    })
}

/// Drops every capability that the kernel knows from the bounding set: nothing that is executed can
/// bring one back.
fn clear_bounding_set() -> Result<(), caps::errors::CapsError> {
    let mut result = Ok(());
    for capability in caps::runtime::thread_all_supported() {
        if caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false)
            && let Err(error) = caps::drop(None, CapSet::Bounding, capability)
        {
            result = Err(error);
        }
    }
    result
}
