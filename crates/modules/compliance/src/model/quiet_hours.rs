use chrono::{DateTime, Days, Duration, LocalResult, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use nmc_identity::QuietHours;

/// Where several zones are possible each may push the end to a later one's quiet hours; more rounds than there are
/// zones in an area code change nothing.
const MAX_ROUNDS: usize = 8;
/// A gap in local time is an hour as a rule and never more than a day (islands that crossed the date line).
const MAX_GAP_HOURS: i64 = 25;

/// When the quiet hours end that hold at `now` in any of `zones`; nothing outside of them. What comes out is outside of
/// the quiet hours of every zone, unless together they leave no time at all.
pub(crate) fn quiet_until(now: DateTime<Utc>, zones: &[Tz], hours: &QuietHours) -> Option<DateTime<Utc>> {
    let mut at = now;
    for _ in 0..MAX_ROUNDS {
        match zones.iter().filter_map(|zone| end_of_quiet(at, *zone, hours)).max() {
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
    // In a repeated hour the clock may show the end's time before its second round; the end is never in the past.
    Some(resolve(day.and_time(hours.end), zone).unwrap_or(at).max(at + Duration::minutes(1)))
}

/// Local to UTC: a time that happens twice is its first occurrence, one that does not happen the first one after it.
fn resolve(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    (0..=MAX_GAP_HOURS * 60)
        .find_map(|minutes| match zone.from_local_datetime(&(local + Duration::minutes(minutes))) {
            LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => Some(found),
            LocalResult::None => None,
        })
        .map(|found| found.with_timezone(&Utc))
}
