//! A circuit breaker per kind: when a provider does not answer, intents wait instead of using themselves up.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// This many calls in a row without an answer open the breaker.
const OPENS_AFTER: u32 = 5;
/// How long it stays open before one call may try.
const OPEN_FOR: Duration = Duration::from_secs(5);

/// Counts calls that got no answer.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    unanswered: u32,
    /// Closed where this is nothing.
    open_until: Option<Instant>,
    probing: bool,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Yes.
    Closed,
    /// Yes, as the only one: its outcome decides.
    Probe,
    /// Not for this long.
    Open(Duration),
}

impl Breaker {
    pub(crate) fn gate(&self, now: Instant) -> Gate {
        let mut state = self.state();
        match state.open_until {
            None => Gate::Closed,
            Some(until) if now < until => Gate::Open(until - now),
            Some(_) if state.probing => Gate::Open(OPEN_FOR),
            Some(_) => {
                state.probing = true;
                Gate::Probe
            }
        }
    }

    /// Whether calls are held back now; unlike [`Breaker::gate`] this takes no probe.
    pub(crate) fn holds_back(&self, now: Instant) -> bool {
        let state = self.state();
        state.open_until.is_some_and(|until| now < until || state.probing)
    }

    /// The provider answered, whatever it said.
    pub(crate) fn answered(&self) {
        *self.state() = State::default();
    }

    /// The call got no answer.
    pub(crate) fn unanswered(&self, now: Instant) {
        let mut state = self.state();
        state.unanswered = state.unanswered.saturating_add(1);
        if state.probing || state.unanswered >= OPENS_AFTER {
            state.open_until = Some(now + OPEN_FOR);
            state.probing = false;
        }
    }

    /// The probe was never made.
    pub(crate) fn probe_dropped(&self) {
        self.state().probing = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_probes_and_closes() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..OPENS_AFTER {
            assert_eq!(breaker.gate(start), Gate::Closed);
            breaker.unanswered(start);
        }
        assert_eq!(breaker.gate(start), Gate::Open(OPEN_FOR));
        let later = start + OPEN_FOR;
        assert_eq!(breaker.gate(later), Gate::Probe);
        assert!(matches!(breaker.gate(later), Gate::Open(_)), "one probe at a time");
        breaker.unanswered(later);
        assert_eq!(breaker.gate(later), Gate::Open(OPEN_FOR));
        assert_eq!(breaker.gate(later + OPEN_FOR), Gate::Probe);
        breaker.answered();
        assert_eq!(breaker.gate(later), Gate::Closed);
    }

    #[test]
    fn a_dropped_probe_can_be_taken_again() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        (0..OPENS_AFTER).for_each(|_| breaker.unanswered(start));
        assert_eq!(breaker.gate(start + OPEN_FOR), Gate::Probe);
        breaker.probe_dropped();
        assert_eq!(breaker.gate(start + OPEN_FOR), Gate::Probe);
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..20 {
            (1..OPENS_AFTER).for_each(|_| breaker.unanswered(start));
            breaker.answered();
        }
        assert_eq!(breaker.gate(start), Gate::Closed);
    }
}
