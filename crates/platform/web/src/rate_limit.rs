//! How often one client address and one business may ask.
//!
//! Each server counts for itself: what is promised is that nobody can keep a server busy alone, not an exact number.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use governor::{Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, state::keyed::HashMapStateStore};
use ipnet::IpNet;
use nmc_config::{HttpConfig, HttpLimits};
use nmc_kernel::{Actor, TenantId};
use nmc_telemetry::name::HTTP_REQUESTS_LIMITED_TOTAL;
use tokio::time::Instant;

use crate::{Problem, client::client_address};

/// After this many requests the keys whose rate is back to none are forgotten. Memory is bounded by it and by what can
/// be sent within the minute in which a key recovers.
const FORGET_EVERY: u32 = 4096;

/// The limits of a server; clones share their counts.
#[derive(Clone)]
pub struct RateLimits(Arc<Limits>);

struct Limits {
    proxies: Vec<IpNet>,
    addresses: Limiter<IpAddr>,
    tenants: Limiter<TenantId>,
}

impl RateLimits {
    /// As configured; nothing has been counted yet.
    pub fn new(http: &HttpConfig, limits: &HttpLimits) -> Self {
        Self(Arc::new(Limits {
            proxies: http.trusted_proxies.clone().unwrap_or_default(),
            addresses: Limiter::new(limits.address_requests_per_minute),
            tenants: Limiter::new(limits.tenant_requests_per_minute),
        }))
    }
}

/// Refuses a request whose client address has sent too many: the layer around everything under `/v1`, before anybody
/// is authenticated.
pub async fn limit_address(State(limits): State<RateLimits>, request: Request, next: Next) -> Response {
    let client = client_address(&request, &limits.0.proxies).map(network);
    match client.map_or(Ok(()), |client| limits.0.addresses.check(&client)) {
        Ok(()) => next.run(request).await,
        Err(wait) => refused("address", wait).into_response(),
    }
}

/// Refuses a request whose business has sent too many: the layer inside authentication.
pub async fn limit_tenant(State(limits): State<RateLimits>, request: Request, next: Next) -> Response {
    let tenant = request.extensions().get::<Actor>().map(Actor::tenant);
    match tenant.map_or(Ok(()), |tenant| limits.0.tenants.check(&tenant)) {
        Ok(()) => next.run(request).await,
        Err(wait) => refused("tenant", wait).into_response(),
    }
}

fn refused(whose: &'static str, wait: Duration) -> Problem {
    metrics::counter!(HTTP_REQUESTS_LIMITED_TOTAL, "whose" => whose).increment(1);
    Problem::too_many_requests(wait)
}

/// One customer of an internet provider has 64 bits of IPv6 addresses to himself:
/// <https://www.rfc-editor.org/rfc/rfc6177>.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

/// So many a minute for each key; what was not used in the last minute may come at once.
pub struct Limiter<K: Hash + Eq + Clone> {
    rates: RateLimiter<K, HashMapStateStore<K>, SinceStart, NoOpMiddleware<Duration>>,
    clock: SinceStart,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// Nothing has been counted yet.
    pub fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        let clock = SinceStart(Instant::now());
        let rates = RateLimiter::hashmap_with_clock(quota, clock);
        Self { rates, clock, checks: AtomicU32::new(0) }
    }

    /// Counts one request, or refuses it; `whose` is a word for the metric.
    pub fn admit(&self, whose: &'static str, key: &K) -> Result<(), Problem> {
        self.check(key).map_err(|wait| refused(whose, wait))
    }

    /// Counts one request, or says how long to wait for the next that is let through.
    fn check(&self, key: &K) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.rates.retain_recent();
        }
        self.rates.check_key(key).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// tokio's clock, which only moves forward, and which a test can move.
#[derive(Clone, Copy)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minutes_worth_may_come_at_once_and_comes_back_evenly() {
        let limiter = Limiter::new(6);
        for _ in 0..6 {
            assert_eq!(limiter.check(&"one"), Ok(()));
        }
        assert_eq!(limiter.check(&"one"), Err(Duration::from_secs(10)));
        assert_eq!(limiter.check(&"other"), Ok(()));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(limiter.check(&"one"), Err(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(limiter.check(&"one"), Ok(()));
        assert_eq!(limiter.check(&"one"), Err(Duration::from_secs(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_have_recovered_are_forgotten() {
        let limiter = Limiter::new(60);
        for key in 0..10 * FORGET_EVERY {
            assert_eq!(limiter.check(&key), Ok(()));
            if key % FORGET_EVERY == 0 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        assert!(limiter.rates.len() <= 2 * FORGET_EVERY as usize, "{} keys are kept", limiter.rates.len());
    }

    #[test]
    fn an_ipv6_client_is_his_network() {
        let of = |text: &str| network(text.parse().expect("an address")).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
    }
}
