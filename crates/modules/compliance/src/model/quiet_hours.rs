use chrono::{DateTime, Days, Duration, LocalResult, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use nmc_identity::QuietHours;

use super::state_hours::StateHours;

/// Where several zones and rules are possible each may push the end into another's quiet hours; more rounds than days in
/// a row can be quiet, for each zone of an area code, change nothing.
const MAX_ROUNDS: usize = 16;
/// No rule is quiet for longer.
const MAX_QUIET_DAYS: u64 = 14;
/// A gap in local time is an hour as a rule and never more than a day (islands that crossed the date line).
const MAX_GAP_MINUTES: i64 = 25 * 60;

/// When the quiet hours end that hold at `now` in any of `zones`, the business's own or the state's; nothing outside of
/// them. What comes out is outside of all of them, unless together they leave no time at all.
pub(crate) fn quiet_until(
    now: DateTime<Utc>,
    zones: &[Tz],
    hours: &QuietHours,
    state: Option<&StateHours>,
) -> Option<DateTime<Utc>> {
    let mut at = now;
    for _ in 0..MAX_ROUNDS {
        let end_of_both =
            |zone: &Tz| end_of_quiet(at, *zone, hours).max(state.and_then(|state| end_of_state(at, *zone, state)));
        match zones.iter().filter_map(end_of_both).max() {
            Some(end) => at = end,
            None => break,
        }
    }
    (at > now).then_some(at)
}

fn end_of_quiet(at: DateTime<Utc>, zone: Tz, hours: &QuietHours) -> Option<DateTime<Utc>> {
    let local = at.with_timezone(&zone).naive_local();
    let time = local.time();
    let is_quiet = if hours.start < hours.end {
        hours.start <= time && time < hours.end
    } else {
        time >= hours.start || time < hours.end
    };
    if !is_quiet {
        return None;
    }
    let today = local.date();
    let day = if time < hours.end { today } else { today.checked_add_days(Days::new(1))? };
    resolve_after(at, day.and_time(hours.end), zone)
}

fn end_of_state(at: DateTime<Utc>, zone: Tz, state: &StateHours) -> Option<DateTime<Utc>> {
    let local = at.with_timezone(&zone).naive_local();
    let (today, time) = (local.date(), local.time());
    if state.of(today).is_some_and(|(from, until)| from <= time && time < until) {
        return None;
    }
    let next = (0..=MAX_QUIET_DAYS).find_map(|days| {
        let day = today.checked_add_days(Days::new(days))?;
        let morning = day.and_time(state.of(day)?.0);
        (morning > local).then_some(morning)
    });
    resolve_after(at, next?, zone)
}

/// Local to UTC, after `at`: a time that happens twice is its first occurrence that is still to come, one that does not
/// happen the first one after it.
fn resolve_after(at: DateTime<Utc>, local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    (0..=MAX_GAP_MINUTES)
        .find_map(|minutes| match zone.from_local_datetime(&(local + Duration::minutes(minutes))) {
            LocalResult::Single(found) => Some(found),
            LocalResult::Ambiguous(first, second) => Some(if first > at { first } else { second }),
            LocalResult::None => None,
        })
        .map(|found| found.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;

    use super::*;

    const NEW_YORK: Tz = Tz::America__New_York;
    const LOS_ANGELES: Tz = Tz::America__Los_Angeles;

    fn hours(start: (u32, u32), end: (u32, u32)) -> QuietHours {
        let time = |(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        QuietHours { greeting: false, start: time(start), end: time(end), ..QuietHours::default() }
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_night_ends_in_the_morning_there() {
        let night = hours((21, 0), (8, 0));
        for (now, until) in [
            // 20:59:59, 21:00, midnight, 07:59:59 and 08:00 in New York, in winter.
            ("2026-01-16T01:59:59Z", None),
            ("2026-01-16T02:00:00Z", Some("2026-01-16T13:00:00Z")),
            ("2026-01-16T05:00:00Z", Some("2026-01-16T13:00:00Z")),
            ("2026-01-16T12:59:59Z", Some("2026-01-16T13:00:00Z")),
            ("2026-01-16T13:00:00Z", None),
        ] {
            assert_eq!(quiet_until(utc(now), &[NEW_YORK], &night, None), until.map(utc), "{now}");
        }
    }

    #[test]
    fn quiet_hours_within_a_day() {
        let noon = hours((12, 0), (14, 0));
        assert_eq!(
            quiet_until(utc("2026-01-16T17:30:00Z"), &[NEW_YORK], &noon, None),
            Some(utc("2026-01-16T19:00:00Z"))
        );
        assert_eq!(quiet_until(utc("2026-01-16T16:59:00Z"), &[NEW_YORK], &noon, None), None);
        assert_eq!(quiet_until(utc("2026-01-16T19:00:00Z"), &[NEW_YORK], &noon, None), None);
    }

    #[test]
    fn of_several_zones_the_last_morning_counts() {
        let night = hours((21, 0), (8, 0));
        // 05:00 in Los Angeles, 08:00 in New York.
        let (now, both) = (utc("2026-01-16T13:00:00Z"), [NEW_YORK, LOS_ANGELES]);
        assert_eq!(quiet_until(now, &both, &night, None), Some(utc("2026-01-16T16:00:00Z")));
        // 21:00 in New York, 18:00 in Los Angeles, where the night begins later and ends later.
        assert_eq!(quiet_until(utc("2026-01-16T02:00:00Z"), &both, &night, None), Some(utc("2026-01-16T16:00:00Z")));
    }

    #[test]
    fn clocks_that_jump() {
        // Forward on 8 March 2026: 02:30 does not happen and is 03:00, 07:00 UTC.
        let spring = hours((21, 0), (2, 30));
        assert_eq!(
            quiet_until(utc("2026-03-08T06:00:00Z"), &[NEW_YORK], &spring, None),
            Some(utc("2026-03-08T07:00:00Z"))
        );
        // Back on 1 November 2026: 01:30 happens at 05:30 and 06:30 UTC; the first one ends the night.
        let autumn = hours((21, 0), (1, 30));
        assert_eq!(
            quiet_until(utc("2026-11-01T05:00:00Z"), &[NEW_YORK], &autumn, None),
            Some(utc("2026-11-01T05:30:00Z"))
        );
        // The clock shows 01:15 for the second time: it is quiet again until 01:30 comes again.
        assert_eq!(
            quiet_until(utc("2026-11-01T06:15:00Z"), &[NEW_YORK], &autumn, None),
            Some(utc("2026-11-01T06:30:00Z"))
        );
    }

    #[test]
    fn what_comes_out_is_never_quiet_whatever_the_hour_of_the_year() {
        let zones = [NEW_YORK, LOS_ANGELES, Tz::America__St_Johns, Tz::Pacific__Honolulu];
        for (start, end) in [((21, 0), (8, 0)), ((22, 30), (7, 15)), ((0, 0), (6, 0)), ((1, 30), (2, 30))] {
            let hours = hours(start, end);
            for zone in zones {
                for quarter in 0..(365 * 24 * 4) {
                    let now = utc("2026-01-01T00:07:00Z") + Duration::minutes(15 * quarter);
                    if let Some(until) = quiet_until(now, &[zone], &hours, None) {
                        assert!(until > now && until - now <= Duration::hours(25), "{zone} {now} {until}");
                        assert_eq!(quiet_until(until, &[zone], &hours, None), None, "{zone} {now} {until}");
                    }
                }
            }
        }
    }

    #[test]
    fn zones_that_leave_no_time_end_the_search() {
        let hours = hours((0, 30), (0, 0));
        let until = quiet_until(utc("2026-01-16T12:00:00Z"), &[NEW_YORK, Tz::America__St_Johns], &hours, None);
        assert!(until.is_some_and(|until| until - utc("2026-01-16T12:00:00Z") < Duration::days(17)));
    }

    /// Half hours from a Thursday before to a Thursday after, so that what is quiet at the end ends within.
    const SLOTS: usize = 2 * 24 * 21;

    /// Whether each half hour from `start` on is quiet, asked in the plainest way.
    fn quiet_slots(start: DateTime<Utc>, zones: &[Tz], hours: &QuietHours, state: &StateHours) -> Vec<bool> {
        let is_quiet = |at: DateTime<Utc>, zone: &Tz| {
            let local = at.with_timezone(zone).naive_local();
            let of_state = state.of(local.date());
            let by_state = of_state.is_none_or(|(from, until)| local.time() < from || local.time() >= until);
            let (from, until) = (hours.end, hours.start);
            by_state || local.time() < from || local.time() >= until
        };
        let slots = (0..SLOTS).map(|slot| start + Duration::minutes(30 * i64::try_from(slot).unwrap()));
        slots.map(|at| zones.iter().any(|zone| is_quiet(at, zone))).collect()
    }

    #[test]
    fn every_area_code_at_every_hour_waits_until_it_is_allowed_there() {
        let hours = hours((21, 0), (8, 0));
        let mut deferred = 0;
        let mut seen = std::collections::HashMap::new();
        // Around both changes of the clock, and over Christmas and New Year.
        for start in ["2026-02-26T00:00:00Z", "2026-10-22T00:00:00Z", "2026-12-17T00:00:00Z"] {
            let start = utc(start);
            for area in crate::model::state_hours::tests::area_codes() {
                let phone = nmc_kernel::E164::parse(&format!("+1{area}5550123")).unwrap();
                let zones = crate::model::area_zones::zones(&phone, Tz::UTC);
                assert_ne!(zones, [Tz::UTC], "{area} has a zone");
                let state = crate::model::state_hours::state_hours(&phone).unwrap();
                let told = seen.entry((start, zones.clone(), state.state)).or_insert_with(|| {
                    let quiet = quiet_slots(start, &zones, &hours, state);
                    (0..SLOTS - 2 * 24 * 7)
                        .step_by(2)
                        .map(|slot| {
                            let at = start + Duration::minutes(30 * i64::try_from(slot).unwrap());
                            let open = (slot..SLOTS).find(|slot| !quiet[*slot]).unwrap();
                            let until = start + Duration::minutes(30 * i64::try_from(open).unwrap());
                            let told = quiet_until(at, &zones, &hours, Some(state));
                            assert_eq!(told, quiet[slot].then_some(until), "{area} {} {at}", state.state);
                            usize::from(told.is_some())
                        })
                        .sum::<usize>()
                });
                deferred += *told;
            }
        }
        assert!(deferred > 10_000 && seen.len() > 90, "{deferred} {}", seen.len());
    }

    #[test]
    fn a_state_s_hours_and_the_business_s_own_hold_together() {
        let florida = crate::model::state_hours::state_hours(&nmc_kernel::E164::parse("+13055550123").unwrap());
        let zones = [NEW_YORK];
        // 20:30 in Miami: the state's evening has begun, the business's has not.
        let evening = utc("2026-01-16T01:30:00Z");
        assert_eq!(quiet_until(evening, &zones, &hours((21, 0), (8, 0)), None), None);
        let morning = Some(utc("2026-01-16T13:00:00Z"));
        assert_eq!(quiet_until(evening, &zones, &hours((21, 0), (8, 0)), florida), morning);
        // A business that starts later than the state lets it.
        let ten = Some(utc("2026-01-16T15:00:00Z"));
        assert_eq!(quiet_until(evening, &zones, &hours((21, 0), (10, 0)), florida), ten);
        // Hours of its own in the middle of the day.
        let siesta = hours((12, 0), (14, 0));
        assert_eq!(
            quiet_until(utc("2026-01-16T17:30:00Z"), &zones, &siesta, florida),
            Some(utc("2026-01-16T19:00:00Z"))
        );
    }
}
