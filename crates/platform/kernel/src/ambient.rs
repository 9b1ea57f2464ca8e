//! The three things code would otherwise take from the air: the time, randomness, new ids.
//!
//! `clippy.toml` bans every other source of them, so a test that fixes these three fixes the program.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use rand::{Rng as _, RngExt, SeedableRng as _, rngs::StdRng};

/// The process's clock. Decisions inside a transaction use the transaction's time instead (the database's clock).
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<DateTime<Utc>>>>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until [`Clock::advance`] moves it; clones share the time.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(at))))
    }

    /// The time now, UTC.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            None => Utc::now(),
            Some(fixed) => *fixed.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The fixed time, or nothing where this is the system's clock.
    pub fn fixed_time(&self) -> Option<DateTime<Utc>> {
        self.0.as_ref().map(|_| self.now())
    }

    /// Moves a fixed clock by `step`; the system's clock does not move.
    pub fn advance(&self, step: Duration) {
        if let Some(fixed) = &self.0 {
            let mut time = fixed.lock().unwrap_or_else(PoisonError::into_inner);
            *time += step;
        }
    }
}

/// A source of randomness that a test can seed; clones share the stream.
#[derive(Clone, Debug)]
pub struct Random(Arc<Mutex<StdRng>>);

impl Random {
    /// Seeded from the operating system.
    #[allow(clippy::disallowed_methods, reason = "the one place that draws a seed")]
    pub fn from_entropy() -> Self {
        Self(Arc::new(Mutex::new(StdRng::from_rng(&mut rand::rng()))))
    }

    /// The same stream for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A uniform number in `0.0..1.0`.
    pub fn unit(&self) -> f64 {
        self.with(RngExt::random::<f64>)
    }

    /// A uniform 64-bit number.
    pub fn u64(&self) -> u64 {
        self.with(RngExt::random::<u64>)
    }

    /// Fills `bytes` with random bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.with(|rng| rng.fill_bytes(bytes));
    }

    fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// New ids: UUIDs of version 7, which sort by the time they were made at.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    random: Random,
}

impl Ids {
    /// Ids from the given clock and randomness.
    pub fn new(clock: Clock, random: Random) -> Self {
        Self { clock, random }
    }

    /// The system's clock and randomness: what the programs use.
    pub fn system() -> Self {
        Self::new(Clock::system(), Random::from_entropy())
    }

    /// A new id of any typed kind.
    pub fn next<T: From<uuid::Uuid>>(&self) -> T {
        let mut random = [0_u8; 10];
        self.random.fill(&mut random);
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_time_give_the_same_ids() {
        let ids = || Ids::new(Clock::fixed(DateTime::UNIX_EPOCH), Random::seeded(7));
        let (a, b) = (ids(), ids());
        assert_eq!(a.next::<uuid::Uuid>(), b.next::<uuid::Uuid>());
        assert_ne!(a.next::<uuid::Uuid>(), a.next::<uuid::Uuid>());
        assert_eq!(a.next::<uuid::Uuid>().get_version_num(), 7);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(DateTime::UNIX_EPOCH);
        let shared = clock.clone();
        clock.advance(Duration::seconds(5));
        assert_eq!(shared.now(), DateTime::UNIX_EPOCH + Duration::seconds(5));
        assert_eq!(Clock::system().fixed_time(), None);
    }
}
