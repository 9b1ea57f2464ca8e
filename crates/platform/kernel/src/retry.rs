//! How often and how late things are tried again (ADR 0008).

use std::time::Duration;

use crate::Random;

/// After this many attempts an event's consumer or an effect is left to a person.
pub const MAX_ATTEMPTS: u16 = 6;

const BASE: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(30);

/// How long to wait after attempt `attempt` (from 0) failed: anything up to `min(30 s, 1 s * 2^attempt)`, so that
/// what failed together does not come back together.
pub fn full_jitter(attempt: u16, random: &Random) -> Duration {
    let ceiling = BASE.saturating_mul(1_u32.checked_shl(u32::from(attempt)).unwrap_or(u32::MAX)).min(CAP);
    ceiling.mul_f64(random.unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_below_their_ceiling_and_spread() {
        let random = Random::seeded(1);
        for (attempt, ceiling) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (200, 30)] {
            let waits: Vec<Duration> = (0..1_000).map(|_| full_jitter(attempt, &random)).collect();
            let ceiling = Duration::from_secs(ceiling);
            assert!(waits.iter().all(|w| *w < ceiling));
            // Full jitter: the lower tenth is used as often as any other.
            let low = waits.iter().filter(|w| **w < ceiling / 10).count();
            assert!((50..200).contains(&low), "attempt {attempt}: {low} of 1000 in the lowest tenth");
        }
    }
}
