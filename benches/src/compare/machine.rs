//! The machine that measured, as it says itself.

use std::{fs, thread};

use serde::Serialize;
use time::{OffsetDateTime, macros::format_description};

/// Where and when figures were made. `unknown` stands for what the system does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Machine {
    /// The processor's model.
    pub(crate) processor: String,
    /// Processors that this program may use.
    pub(crate) processors: usize,
    /// Memory in GiB, rounded.
    pub(crate) memory_gib: u64,
    /// The operating system's kernel.
    pub(crate) kernel: String,
    /// The day, in UTC.
    pub(crate) date: String,
}

impl Machine {
    /// This one, now.
    pub(crate) fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let kib = value_of(&read("/proc/meminfo"), "MemTotal")
            .and_then(|total| total.split(' ').next()?.parse::<u64>().ok());
        let kernel = read("/proc/sys/kernel/osrelease");
        let date = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"));
        Self {
            processor: value_of(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            processors: thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib.map_or(0, |kib| (kib + (1 << 19)) >> 20),
            kernel: match version(&kernel) {
                "" => unknown(),
                version => format!("{} {version}", std::env::consts::OS),
            },
            date: date.unwrap_or_else(|_| unknown()),
        }
    }

    /// In one line.
    pub(crate) fn in_words(&self) -> String {
        let Self { processor, processors, memory_gib, kernel, date } = self;
        format!("{processor}, {processors} processors, {memory_gib} GiB, {kernel}; {date}")
    }
}

/// A kernel's version out of its release: what follows the first hyphen is whoever built it.
fn version(release: &str) -> &str {
    release.trim().split('-').next().unwrap_or_default()
}

fn unknown() -> String {
    "unknown".into()
}

/// The first value of this key in the format of `/proc`: `key : value`.
fn value_of(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_told_by_its_version() {
        assert_eq!(version("6.1.0-28-amd64\n"), "6.1.0");
        assert_eq!(version("5.15.0"), "5.15.0");
        assert_eq!(version(""), "");
    }

    #[test]
    fn values_are_found_by_their_keys() {
        let text = "processor\t: 0\nmodel name\t: Example 7: fast\nmodel name\t: Other\n";
        assert_eq!(value_of(text, "model name").as_deref(), Some("Example 7: fast"));
        assert_eq!(value_of(text, "model"), None);
    }
}
