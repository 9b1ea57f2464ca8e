//! How much of the processors each part of a run uses.

use std::{fs, path::Path, time::Duration};

/// `/proc` counts in hundredths of a second on every Linux of today (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a process since it began, its threads included.
pub(crate) fn used_by(pid: u32) -> Option<Duration> {
    Some(Stat::read(pid)?.own)
}

/// The same of a Postgres: its first process, all its children, and those that have ended.
pub(crate) fn used_by_postgres(cluster: &Path) -> Option<Duration> {
    let first: u32 = fs::read_to_string(cluster.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()?;
    let root = Stat::read(first)?;
    let all = fs::read_dir("/proc").ok()?.flatten();
    let children = all.filter_map(|entry| Stat::read(entry.file_name().to_str()?.parse().ok()?));
    let living: Duration = children.filter(|child| child.parent == first).map(|child| child.own).sum();
    Some(root.own + root.ended_children + living)
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in parentheses and may hold anything, so reading begins after it.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |user: usize| {
            let sum = fields.get(user)?.parse::<u32>().ok()? + fields.get(user + 1)?.parse::<u32>().ok()?;
            Some(TICK * sum)
        };
        Some(Self { parent: fields.get(1)?.parse().ok()?, own: ticks(11)?, ended_children: ticks(13)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_past_the_name() {
        let stat = "42 (a) b) S 7 42 42 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 1 0 100 1000 10";
        let expected = Stat { parent: 7, own: Duration::from_secs(2), ended_children: Duration::from_millis(500) };
        assert_eq!(Stat::parse(stat), Some(expected));
        assert_eq!(Stat::parse("42"), None);
    }
}
