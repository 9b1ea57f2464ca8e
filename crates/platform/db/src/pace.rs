use std::time::{Duration, Instant};

use crate::Wakes;

/// So long after the last thing to do an engine looks as often as it is set to; then it rests.
const AWAKE_FOR: Duration = Duration::from_secs(10);
/// How often an engine at rest looks: the most that a lost wake-up, or something that falls due by time alone, can cost
/// then. Whatever falls due sooner than this after it was written wakes its engine when it is written.
pub const LONGEST_REST: Duration = Duration::from_secs(5);

/// How long one engine waits between two looks for which nothing woke it.
#[derive(Debug)]
pub struct Pace {
    awake: Duration,
    busy_at: Instant,
}

impl Pace {
    /// That of an engine which looks every `awake` while there is something to do now and then.
    pub fn new(awake: Duration) -> Self {
        Self { awake, busy_at: Instant::now() }
    }

    /// There was something to do, or a wake-up, or trouble.
    pub fn is_busy(&mut self) {
        self.busy_at = Instant::now();
    }

    /// Until the next look. Who does not hear the others' wake-ups does not rest.
    pub fn wait(&self, wakes: &Wakes) -> Duration {
        let rests = wakes.are_heard() && self.busy_at.elapsed() >= AWAKE_FOR;
        if rests { self.awake.max(LONGEST_REST) } else { self.awake }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_after_a_while_without_work_where_wake_ups_are_heard() {
        let (wakes, awake) = (Wakes::new(), Duration::from_millis(500));
        let mut pace = Pace::new(awake);
        pace.busy_at = pace.busy_at.checked_sub(AWAKE_FOR).unwrap();
        assert_eq!(pace.wait(&wakes), awake);
        wakes.hear(true);
        assert_eq!(pace.wait(&wakes), LONGEST_REST);
        pace.is_busy();
        assert_eq!(pace.wait(&wakes), awake);
        let slow = Pace { awake: LONGEST_REST * 2, busy_at: pace.busy_at.checked_sub(AWAKE_FOR).unwrap() };
        assert_eq!(slow.wait(&wakes), LONGEST_REST * 2);
    }
}
