//! How fast a number sends. In this process's memory: a little too fast costs a wait in the carrier's queue, no more.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};
use nmc_kernel::E164;

/// A number may run this far ahead of its rate: what the provider's own queue takes without harm.
const BURST_SECONDS: i64 = 10;
/// Numbers remembered; those that have caught up are forgotten first.
const MAX_NUMBERS: usize = 10_000;

/// A rate per sending number.
#[derive(Debug)]
pub(crate) struct NumberRate {
    per_part: Duration,
    /// When what a number has sent so far will have gone out at its rate.
    busy_until: Mutex<HashMap<E164, DateTime<Utc>>>,
}

impl NumberRate {
    pub(crate) fn new(parts_per_second: u16) -> Self {
        let per_part = Duration::microseconds(1_000_000 / i64::from(parts_per_second.max(1)));
        Self { per_part, busy_until: Mutex::default() }
    }

    /// Takes room for `parts`, or says when there will be some.
    pub(crate) fn take(&self, number: &E164, parts: u16, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        let mut busy_until = self.busy_until.lock().unwrap_or_else(PoisonError::into_inner);
        if busy_until.len() >= MAX_NUMBERS {
            busy_until.retain(|_, until| *until > now);
        }
        let until = busy_until.get(number).copied().unwrap_or(now).max(now);
        let burst = Duration::seconds(BURST_SECONDS);
        if until - now > burst {
            return Err(until - burst);
        }
        busy_until.insert(number.clone(), until + self.per_part * i32::from(parts));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_its_rate() {
        let rate = NumberRate::new(1);
        let (a, b) = (E164::parse("+14155550123").unwrap(), E164::parse("+14155550124").unwrap());
        let mut now = DateTime::UNIX_EPOCH;
        let mut at_once = 0;
        while rate.take(&a, 1, now).is_ok() {
            at_once += 1;
        }
        assert_eq!(at_once, BURST_SECONDS + 1);
        assert_eq!(rate.take(&b, 2, now), Ok(()));
        for _ in 0..5 {
            let due = rate.take(&a, 1, now).unwrap_err();
            assert!(due > now);
            now = due;
            assert_eq!(rate.take(&a, 1, now), Ok(()));
        }
        assert_eq!(now, DateTime::UNIX_EPOCH + Duration::seconds(5));
    }
}
