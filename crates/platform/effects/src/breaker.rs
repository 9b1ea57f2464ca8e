//! Circuit breakers: when a provider does not answer, intents wait instead of using themselves up. One per kind, and one
//! per tenant within it: a provider may fail for one tenant alone (its number, its account), which is no reason for the
//! others to wait.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nmc_kernel::TenantId;

/// This many calls in a row without an answer open a breaker; the kind's only where they are of more than one tenant.
const OPENS_AFTER: u32 = 5;
/// How long it stays open before one call may try.
const OPEN_FOR: Duration = Duration::from_secs(5);
/// Tenants in trouble at a time that are told apart; beyond that the kind's breaker has long opened.
const TENANTS_MAX: usize = 1_000;

/// Counts the calls of a kind that got no answer.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<States>);

#[derive(Debug, Default)]
struct States {
    kind: State,
    /// Whose calls there were since one was answered: one tenant's, or several tenants'.
    run: Run,
    /// Only tenants whose last call got no answer.
    tenants: HashMap<TenantId, State>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Run {
    #[default]
    Nobodys,
    Of(TenantId),
    Mixed,
}

#[derive(Debug, Default)]
struct State {
    unanswered: u32,
    /// Closed where this is nothing.
    open_until: Option<Instant>,
    probing: bool,
}

impl State {
    fn holds_back(&self, now: Instant) -> bool {
        self.open_until.is_some_and(|until| now < until || self.probing)
    }

    /// Whether a call that is made now is the one that decides.
    fn is_probed(&self) -> bool {
        self.open_until.is_some()
    }

    fn unanswered(&mut self, now: Instant, may_open: bool) {
        self.unanswered = self.unanswered.saturating_add(1);
        if self.probing || (may_open && self.unanswered >= OPENS_AFTER) {
            self.open_until = Some(now + OPEN_FOR);
            self.probing = false;
        }
    }
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Yes.
    Closed,
    /// Yes, as the only one: its outcome decides.
    Probe,
    /// Not now.
    Open,
}

impl Breaker {
    /// Whether the tenant may call. A probe is taken with the answer, and given back by an outcome or
    /// [`Breaker::probe_dropped`].
    pub fn gate(&self, tenant: TenantId, now: Instant) -> Gate {
        let States { kind, tenants, .. } = &mut *self.states();
        let mut none = State::default();
        let tenant = tenants.get_mut(&tenant).unwrap_or(&mut none);
        if kind.holds_back(now) || tenant.holds_back(now) {
            return Gate::Open;
        }
        if !kind.is_probed() && !tenant.is_probed() {
            return Gate::Closed;
        }
        (kind.probing, tenant.probing) = (kind.is_probed(), tenant.is_probed());
        Gate::Probe
    }

    /// Whether calls of the whole kind are held back now; unlike [`Breaker::gate`] this takes no probe.
    pub(crate) fn holds_back(&self, now: Instant) -> bool {
        self.states().kind.holds_back(now)
    }

    /// The tenants whose calls are held back now.
    pub(crate) fn held_tenants(&self, now: Instant) -> Vec<TenantId> {
        let states = self.states();
        states.tenants.iter().filter(|(_, state)| state.holds_back(now)).map(|(&tenant, _)| tenant).collect()
    }

    /// The provider answered, whatever it said.
    pub fn answered(&self, tenant: TenantId) {
        let mut states = self.states();
        (states.kind, states.run) = (State::default(), Run::Nobodys);
        states.tenants.remove(&tenant);
    }

    /// The call got no answer.
    pub fn unanswered(&self, tenant: TenantId, now: Instant) {
        let States { kind, run, tenants } = &mut *self.states();
        *run = if matches!(*run, Run::Nobodys) || *run == Run::Of(tenant) { Run::Of(tenant) } else { Run::Mixed };
        if tenants.len() < TENANTS_MAX || tenants.contains_key(&tenant) {
            tenants.entry(tenant).or_default().unanswered(now, true);
        }
        kind.unanswered(now, *run == Run::Mixed);
    }

    /// The probe was never made.
    pub fn probe_dropped(&self, tenant: TenantId) {
        let States { kind, tenants, .. } = &mut *self.states();
        kind.probing = false;
        if let Some(state) = tenants.get_mut(&tenant) {
            state.probing = false;
        }
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants() -> [TenantId; 2] {
        [1, 2].map(|number| uuid::Uuid::from_u128(number).into())
    }

    #[test]
    fn opens_probes_and_closes() {
        let (breaker, start, [one, other]) = (Breaker::default(), Instant::now(), tenants());
        for number in 0..OPENS_AFTER {
            assert_eq!(breaker.gate(one, start), Gate::Closed);
            breaker.unanswered(if number == 0 { other } else { one }, start);
        }
        assert!(breaker.holds_back(start));
        assert_eq!(breaker.gate(one, start), Gate::Open);
        let later = start + OPEN_FOR;
        assert_eq!(breaker.gate(one, later), Gate::Probe);
        assert_eq!(breaker.gate(other, later), Gate::Open, "one probe at a time");
        breaker.unanswered(one, later);
        assert_eq!(breaker.gate(one, later), Gate::Open);
        assert_eq!(breaker.gate(other, later + OPEN_FOR), Gate::Probe);
        breaker.answered(other);
        assert_eq!(breaker.gate(other, later), Gate::Closed);
    }

    #[test]
    fn one_tenants_calls_without_an_answer_hold_back_that_tenant_alone() {
        let (breaker, start, [one, other]) = (Breaker::default(), Instant::now(), tenants());
        (0..OPENS_AFTER * 3).for_each(|_| breaker.unanswered(one, start));
        assert_eq!(breaker.gate(one, start), Gate::Open);
        assert_eq!(breaker.held_tenants(start), [one]);
        assert!(!breaker.holds_back(start));
        assert_eq!(breaker.gate(other, start), Gate::Closed);
        // The neighbour's answers say nothing about this tenant.
        breaker.answered(other);
        assert_eq!(breaker.gate(one, start), Gate::Open);
        assert_eq!(breaker.gate(one, start + OPEN_FOR), Gate::Probe);
        assert_eq!(breaker.gate(other, start + OPEN_FOR), Gate::Closed);
        breaker.answered(one);
        assert_eq!(breaker.gate(one, start + OPEN_FOR), Gate::Closed);
        assert!(breaker.held_tenants(start).is_empty());
    }

    #[test]
    fn a_dropped_probe_can_be_taken_again() {
        let (breaker, start, [one, _]) = (Breaker::default(), Instant::now(), tenants());
        (0..OPENS_AFTER).for_each(|_| breaker.unanswered(one, start));
        assert_eq!(breaker.gate(one, start + OPEN_FOR), Gate::Probe);
        breaker.probe_dropped(one);
        assert_eq!(breaker.gate(one, start + OPEN_FOR), Gate::Probe);
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let (breaker, start, [one, other]) = (Breaker::default(), Instant::now(), tenants());
        for _ in 0..20 {
            (1..OPENS_AFTER).for_each(|_| breaker.unanswered(one, start));
            breaker.answered(one);
        }
        assert_eq!(breaker.gate(one, start), Gate::Closed);
        assert_eq!(breaker.gate(other, start), Gate::Closed);
    }
}
