//! What the kernel says of this process: memory, open files, since when. A gate that serves can open
//! no file; what is needed of /proc is opened before, and read anew each time.

use super::exposition::{PLAIN, line};
use crate::http::number::decimal;
use nix::libc;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::time::{SystemTime, UNIX_EPOCH};

/// More than `status` has.
const STATUS_BYTES_MAX: usize = 8 * 1024;

/// What is read of /proc; nothing of it where there is none.
#[derive(Debug)]
pub struct Vitals {
    /// Seconds since 1970.
    started: f64,
    status: Option<File>,
    files: Option<File>,
}

impl Vitals {
    /// Opens what is needed. The process begins now.
    #[must_use]
    pub fn open() -> Self {
        // A place alone: its files can't be read through it.
        let mut place = OpenOptions::new();
        place.read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY);
        Self {
            started: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            status: File::open("/proc/self/status").ok(),
            files: place.open("/proc/self/fd").ok(),
        }
    }

    /// Memory that is occupied, in bytes.
    fn resident_bytes(&self) -> Option<u64> {
        let mut status = [0; STATUS_BYTES_MAX];
        let count = self.status.as_ref()?.read_at(&mut status, 0).ok()?;
        let mut lines = status.get(..count)?.split(|&byte| byte == b'\n');
        let line = lines.find_map(|line| line.strip_prefix(b"VmRSS:"))?;
        decimal(line.strip_suffix(b" kB")?.trim_ascii())?.checked_mul(1024)
    }

    /// How many files are open: their directory's size, from Linux 6.2 on (proc(5)); 0 before.
    fn open_files(&self) -> Option<u64> {
        let size = self.files.as_ref()?.metadata().ok()?.len();
        (size > 0).then_some(size)
    }
}

impl Collector for Vitals {
    /// The names are those that every Prometheus client library has for them.
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        const GAUGE: MetricType = MetricType::Gauge;
        let (name, help) = (
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
        );
        line(&mut to.encode_descriptor(name, help, None, GAUGE)?, PLAIN, &self.started)?;
        if let Some(bytes) = self.resident_bytes() {
            let (name, help) = ("process_resident_memory_bytes", "Resident memory size in bytes.");
            line(&mut to.encode_descriptor(name, help, None, GAUGE)?, PLAIN, &bytes)?;
        }
        if let Some(files) = self.open_files() {
            let (name, help) = ("process_open_fds", "Number of open file descriptors.");
            line(&mut to.encode_descriptor(name, help, None, GAUGE)?, PLAIN, &files)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_anew_each_time() {
        let vitals = Vitals::open();
        let before = vitals.resident_bytes().expect("a size");
        let block = vec![1_u8; 64 << 20];
        assert!(vitals.resident_bytes().expect("a size") > before + (32 << 20));
        drop(block);
        // Older kernels don't say.
        if let Some(before) = vitals.open_files() {
            let more: Vec<File> =
                (0..100).map(|_| File::open("/dev/null").expect("a file")).collect();
            assert!(vitals.open_files().expect("a number") > before + 50);
            drop(more);
        }
    }
}
