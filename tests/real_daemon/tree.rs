//! Programs of another Debian release: they are run in a mount namespace of their own in which that release's tree is the
//! root. Nothing is written to the tree, so that it can be shared.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// `enter TREE SHARED... -- PROGRAM ARGUMENT...`: becomes the program. The shared directories are where they are outside,
/// and so is the directory in which it is started.
const ENTER: &str = r#"set -e
here=$PWD
tree=$1
shift
mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$tree,upperdir=/mnt/upper,workdir=/mnt/work" none /mnt/root
cd /mnt/root
mount --rbind /dev dev
mount --rbind /sys sys
mount -t proc none proc
mount -t tmpfs none run
cp /etc/hostname /etc/resolv.conf etc/
while [ "$1" != -- ]; do
    mkdir -p ".$1"
    mount --bind "$1" ".$1"
    shift
done
shift
pivot_root . mnt
busybox umount -l /mnt
cd "$here" 2>/dev/null || cd /
exec "$@"
"#;

/// Where programs are taken from.
#[derive(Clone)]
pub struct Programs {
    /// The tree that is their root; `None`: this machine's own.
    root: Option<PathBuf>,
    /// Directories that they see as everybody does.
    shared: Vec<PathBuf>,
}

impl Programs {
    pub fn of(root: Option<PathBuf>, shared: &[&Path]) -> Self {
        Self { root, shared: shared.iter().map(|path| (*path).to_owned()).collect() }
    }

    /// A command that becomes this program, given by its path, under the same process id. It has a network of its own,
    /// in which there is a loopback interface and nothing else.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command.arg("--net");
        if self.root.is_some() {
            command.arg("--mount");
        }
        command.arg("--").args(self.words("/bin/sh"));
        command.args(["-c", r#"busybox ip link set lo up && exec "$0" "$@""#, program]);
        command
    }

    /// What `unshare` is to run.
    fn words(&self, program: &str) -> Vec<String> {
        let Some(root) = &self.root else { return vec![program.to_owned()] };
        let mut words = ["sh", "-c", ENTER, "enter"].map(str::to_owned).to_vec();
        words.push(root.display().to_string());
        words.extend(self.shared.iter().map(|path| path.display().to_string()));
        words.extend(["--".to_owned(), program.to_owned()]);
        words
    }

    /// Makes `link` so that who runs it runs `program`.
    pub fn link(&self, program: &str, link: &Path) -> io::Result<()> {
        if self.root.is_none() {
            return symlink(program, link);
        }
        let quoted = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
        let words: Vec<_> = self.words(program).iter().map(quoted).collect();
        fs::write(
            link,
            format!("#!/bin/sh\nexec unshare --mount -- {} \"$@\"\n", words.join(" ")),
        )?;
        fs::set_permissions(link, fs::Permissions::from_mode(0o755))
    }
}
