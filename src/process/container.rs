//! Whether this process is in a container, and which: Docker and Podman mount three files of their
//! own into each, from a directory that bears the container's id (proc(5), `mountinfo`).

use std::fs;

/// Files that an engine makes for each container (moby `container/container_unix.go`).
const FILES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// Hexadecimal digits of an id.
const ID_BYTES: usize = 64;

/// The id of the container that this process is in; `None` where there is no trace of one. To be
/// called before the file system is out of reach.
#[must_use]
pub fn id() -> Option<String> {
    id_in(&fs::read_to_string("/proc/self/mountinfo").ok()?)
}

fn id_in(mounts: &str) -> Option<String> {
    mounts.lines().find_map(|line| {
        // Mount id, parent, device, root within the file system, mount point.
        let mut fields = line.split(' ').skip(3);
        let (root, target) = (fields.next()?, fields.next()?);
        let is_id = |part: &&str| {
            part.len() == ID_BYTES
                && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let id = root.split('/').find(is_id)?;
        FILES.contains(&target).then(|| id.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5ad1bd0f1b9aa9fcd4ac2e6bb7a4fcd94f5bb5ce4e27d1fb6ddee5b1db2a9d28";

    #[test]
    fn a_container_is_known_by_the_files_that_its_engine_mounts() {
        for (root, target, is_found) in [
            ("/var/lib/docker/containers/ID/hostname", "/etc/hostname", true),
            ("/containers/ID/resolv.conf", "/etc/resolv.conf", true),
            ("/overlay-containers/ID/userdata/hosts", "/etc/hosts", true),
            ("/srv/ID/x", "/srv/x", false),
            ("/containers/IDx/hosts", "/etc/hosts", false),
            ("/containers/abc/hosts", "/etc/hosts", false),
        ] {
            let root = root.replace("ID", ID);
            let mounts = format!(
                "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                 33 22 8:1 {root} {target} rw,relatime - ext4 /dev/sda1 rw\n"
            );
            assert_eq!(id_in(&mounts), is_found.then(|| ID.to_owned()), "{root} {target}");
        }
        assert_eq!(id_in(""), None);
    }
}
