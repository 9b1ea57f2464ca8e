//! In which hours people may be written to unasked, by state: data, with the pages it is taken from.
//!
//! The federal hours are 8 to 21 (47 CFR 64.1200(c)(1),
//! <https://www.ecfr.gov/current/title-47/section-64.1200#p-64.1200(c)(1)>); the states below are stricter. Compared with
//! the tables of <https://www.dropcowboy.com/state-compliance> and
//! <https://support.referrizer.com/en/category/text-campaigns/article/tcpa-quiet-hours-and-state-specific-rules-for-text-campaigns>;
//! where two sources differ the stricter holds. Most of these laws exempt who has consent or does business with the
//! person: a business that relies on that switches the states' rules off for itself (`quiet_hours.by_state`).

use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, Weekday};
use nmc_kernel::E164;

/// Which edition of the data a decision was made with; raised with every change of it.
pub(crate) const STATE_HOURS_VERSION: &str = "2026-11-21";

/// The first and the last hour, local time; the last one is quiet.
type Hours = (u32, u32);

/// A state's hours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StateHours {
    pub(crate) state: &'static str,
    weekdays: Hours,
    /// Nothing where the whole day is quiet.
    saturdays: Option<Hours>,
    sundays: Option<Hours>,
    /// Days that are quiet whatever day of the week they are.
    holidays: &'static [&'static [Holiday]],
}

/// When a holiday is.
#[derive(Debug, PartialEq, Eq)]
enum Holiday {
    /// This day of this month; also the Friday before where it is a Saturday, the Monday after where it is a Sunday.
    On(u32, u32),
    /// The so-manieth such day of the week of a month.
    Nth(u32, Weekday, u32),
    /// The last such day of the week of a month.
    Last(u32, Weekday),
    /// So many days before Easter.
    BeforeEaster(u64),
}

use Holiday::{BeforeEaster, Last, Nth, On};

/// <https://www.opm.gov/policy-data-oversight/pay-leave/federal-holidays/>
const FEDERAL: &[Holiday] = &[
    On(1, 1),
    Nth(1, Weekday::Mon, 3),
    Nth(2, Weekday::Mon, 3),
    Last(5, Weekday::Mon),
    On(6, 19),
    On(7, 4),
    Nth(9, Weekday::Mon, 1),
    Nth(10, Weekday::Mon, 2),
    On(11, 11),
    Nth(11, Weekday::Thu, 4),
    On(12, 25),
];
const NONE: &[&[Holiday]] = &[];

const fn daily(state: &'static str, hours: Hours) -> StateHours {
    StateHours { state, weekdays: hours, saturdays: Some(hours), sundays: Some(hours), holidays: NONE }
}

const fn not_on_sundays(state: &'static str, hours: Hours, holidays: &'static [&'static [Holiday]]) -> StateHours {
    StateHours { state, weekdays: hours, saturdays: Some(hours), sundays: None, holidays }
}

/// What holds where a state says nothing stricter.
const REST_OF_US: StateHours = daily("US", (8, 21));

/// The Commission's telemarketing rules, <https://crtc.gc.ca/eng/trules-reglest.htm>; half past nine is taken for nine.
const CANADA: StateHours = StateHours {
    state: "Canada",
    weekdays: (9, 21),
    saturdays: Some((10, 18)),
    sundays: Some((10, 18)),
    holidays: NONE,
};

const STRICTER: &[StateHours] = &[
    // Quiet on the holidays of dnc.com's calendar: <https://dnc.com/holiday-alerts>.
    not_on_sundays("AL", (8, 20), &[FEDERAL, &[Nth(4, Weekday::Mon, 4), Nth(6, Weekday::Mon, 1)]]),
    not_on_sundays("LA", (8, 20), &[FEDERAL, &[BeforeEaster(47), BeforeEaster(2)]]),
    not_on_sundays("MS", (8, 20), &[FEDERAL, &[Last(4, Weekday::Mon)]]),
    // <https://codes.findlaw.com/ut/title-13-commerce-and-trade/ut-code-sect-13-25a-103/>
    not_on_sundays("UT", (8, 21), &[FEDERAL, &[On(7, 24)]]),
    StateHours {
        state: "PA",
        weekdays: (8, 21),
        saturdays: Some((8, 12)),
        sundays: Some((8, 21)),
        holidays: &[FEDERAL],
    },
    // <http://webserver.rilin.state.ri.us/Statutes/TITLE5/5-61/5-61-3.6.HTM>
    StateHours {
        state: "RI",
        weekdays: (9, 18),
        saturdays: Some((10, 17)),
        sundays: None,
        holidays: &[FEDERAL, &[Nth(8, Weekday::Mon, 2)]],
    },
    // The weekdays of <http://legis.state.sd.us/statutes/DisplayStatute.aspx?Type=Statute&Statute=37-30-28> are taken for
    // every day but Sunday.
    not_on_sundays("SD", (9, 21), NONE),
    StateHours { state: "TX", weekdays: (9, 21), saturdays: Some((9, 21)), sundays: Some((12, 21)), holidays: NONE },
    // <https://casetext.com/statute/general-statutes-of-connecticut/title-42-business-selling-trading-and-collection-practices/chapter-743m-telemarketing/section-42-288a-telephonic-sales-calls-no-sales-solicitation-calls-listing-and-national-do-not-call-registry-prohibited-acts-disclosures-exceptions-regulations-penalties>
    daily("CT", (9, 20)),
    // <https://flsenate.gov/Session/Bill/2021/1120/BillText/er/HTML>, section 501.616(6)(a)
    daily("FL", (8, 20)),
    daily("KY", (10, 21)),
    daily("MA", (8, 20)),
    // <https://www.wmar2news.com/local/law-to-prevent-spam-calls-takes-effect-first-of-the-year>
    daily("MD", (8, 20)),
    daily("MI", (9, 21)),
    daily("MN", (9, 21)),
    daily("NJ", (8, 20)),
    daily("NM", (9, 21)),
    daily("NV", (9, 20)),
    // <https://dnc.dreamhosters.com/?p=1309>
    daily("OK", (8, 20)),
    // <https://app.leg.wa.gov/RCW/default.aspx?cite=19.158.040>
    daily("WA", (8, 20)),
    daily("WY", (8, 20)),
];

/// The area codes of the states that have hours of their own, and of Canada: <https://www.nanpa.com/reports/area-codes>.
const AREAS: &[(&str, &str)] = &[
    ("AL", "205 251 256 334 659 938"),
    ("CT", "203 475 860 959"),
    ("FL", "239 305 321 324 352 386 407 448 561 645 656 689 727 728 754 772 786 813 850 863 904 941 954"),
    ("KY", "270 364 502 606 859"),
    ("LA", "225 318 337 457 504 985"),
    ("MA", "339 351 413 508 617 774 781 857 978"),
    ("MD", "227 240 301 410 443 667"),
    ("MI", "231 248 269 313 517 586 616 679 734 810 906 947 989"),
    ("MN", "218 320 507 612 651 763 924 952"),
    ("MS", "228 471 601 662 769"),
    ("NJ", "201 551 609 640 732 848 856 862 908 973"),
    ("NM", "505 575"),
    ("NV", "702 725 775"),
    ("OK", "405 539 572 580 918"),
    ("PA", "215 223 267 272 412 445 484 570 582 610 717 724 814 835 878"),
    ("RI", "401"),
    ("SD", "605"),
    (
        "TX",
        "210 214 254 281 325 346 361 409 430 432 469 512 682 713 726 737 806 817 830 832 903 915 936 940 945 956 972 979",
    ),
    ("UT", "385 435 801"),
    ("WA", "206 253 360 425 509 564"),
    ("WY", "307"),
    (
        "Canada",
        "204 226 236 249 250 257 263 273 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 468 474 506 \
         514 519 548 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 \
         905 942",
    ),
];

/// The hours of the state a number belongs to; nothing for numbers that are not of +1.
pub(crate) fn state_hours(phone: &E164) -> Option<&'static StateHours> {
    let area = phone.as_str().strip_prefix("+1")?.get(..3)?;
    let state = AREAS.iter().find(|(_, areas)| areas.split(' ').any(|code| code == area)).map(|(state, _)| *state);
    Some(match state {
        None => &REST_OF_US,
        Some("Canada") => &CANADA,
        Some(state) => STRICTER.iter().find(|hours| hours.state == state).unwrap_or(&REST_OF_US),
    })
}

impl StateHours {
    /// When a day's quiet ends and begins again; nothing where it is quiet all day.
    pub(crate) fn of(&self, day: NaiveDate) -> Option<(NaiveTime, NaiveTime)> {
        if self.is_holiday(day) {
            return None;
        }
        let (from, until) = match day.weekday() {
            Weekday::Sat => self.saturdays?,
            Weekday::Sun => self.sundays?,
            _ => self.weekdays,
        };
        NaiveTime::from_hms_opt(from, 0, 0).zip(NaiveTime::from_hms_opt(until, 0, 0))
    }

    fn is_holiday(&self, day: NaiveDate) -> bool {
        self.holidays.iter().flat_map(|days| days.iter()).any(|holiday| holiday.is(day))
    }
}

impl Holiday {
    fn is(&self, day: NaiveDate) -> bool {
        match self {
            Self::On(month, date) => {
                let is = |day: Option<NaiveDate>| day.is_some_and(|day| (day.month(), day.day()) == (*month, *date));
                match day.weekday() {
                    Weekday::Fri => is(Some(day)) || is(day.checked_add_days(Days::new(1))),
                    Weekday::Mon => is(Some(day)) || is(day.checked_sub_days(Days::new(1))),
                    _ => is(Some(day)),
                }
            }
            Self::Nth(month, weekday, nth) => {
                day.month() == *month && day.weekday() == *weekday && (day.day() - 1) / 7 + 1 == *nth
            }
            Self::Last(month, weekday) => {
                let next = day.checked_add_days(Days::new(7));
                day.month() == *month && day.weekday() == *weekday && next.is_none_or(|next| next.month() != *month)
            }
            Self::BeforeEaster(days) => {
                easter(day.year()).is_some_and(|easter| easter.checked_sub_days(Days::new(*days)) == Some(day))
            }
        }
    }
}

/// Easter Sunday of the Gregorian calendar, by the method of Meeus, Jones and Butcher.
fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let leap = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - leap + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let correction = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * correction + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every area code there is hours for, and one of the rest.
    pub(crate) fn area_codes() -> Vec<&'static str> {
        AREAS.iter().flat_map(|(_, areas)| areas.split(' ')).chain(["212", "312", "480", "808", "907"]).collect()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn state(name: &str) -> &'static StateHours {
        STRICTER.iter().find(|hours| hours.state == name).unwrap()
    }

    #[test]
    fn every_state_has_area_codes_and_no_code_is_in_two() {
        let named: BTreeSet<_> = AREAS.iter().map(|(state, _)| *state).collect();
        let ruled: BTreeSet<_> = STRICTER.iter().map(|hours| hours.state).chain(["Canada"]).collect();
        assert_eq!(named, ruled);
        let codes: Vec<_> = AREAS.iter().flat_map(|(_, areas)| areas.split(' ')).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|digit| digit.is_ascii_digit())));
        for (area, expected) in [("305", "FL"), ("212", "US"), ("416", "Canada"), ("713", "TX"), ("206", "WA")] {
            let phone = E164::parse(&format!("+1{area}5550123")).unwrap();
            assert_eq!(state_hours(&phone).map(|hours| hours.state), Some(expected));
        }
        assert_eq!(state_hours(&E164::parse("+447400123456").unwrap()), None);
    }

    #[test]
    fn nobody_is_stricter_than_the_federal_hours_by_being_laxer() {
        for hours in STRICTER.iter().chain([&REST_OF_US, &CANADA]) {
            for window in [Some(hours.weekdays), hours.saturdays, hours.sundays].into_iter().flatten() {
                assert!(8 <= window.0 && window.0 < window.1 && window.1 <= 21, "{hours:?}");
            }
        }
    }

    #[test]
    fn days_of_the_week_and_holidays_count() {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
        assert_eq!(state("TX").of(day("2026-06-14")), Some((time(12), time(21))), "a Sunday");
        assert_eq!(state("TX").of(day("2026-06-13")), Some((time(9), time(21))));
        assert_eq!(state("RI").of(day("2026-06-13")), Some((time(10), time(17))), "a Saturday");
        assert_eq!(state("FL").of(day("2026-12-25")), Some((time(8), time(20))), "no holidays there");
        for (name, quiet) in [
            ("UT", "2026-06-14"),
            ("UT", "2026-07-24"),
            ("PA", "2026-12-25"),
            ("AL", "2026-11-26"),
            ("AL", "2026-05-25"),
            ("MS", "2026-04-27"),
            // Christmas is a Saturday, and the Friday before is kept; New Year's Day a Sunday, and the Monday after.
            ("PA", "2027-12-24"),
            ("PA", "2027-12-25"),
            ("PA", "2023-01-02"),
            ("LA", "2026-02-17"),
            ("LA", "2026-04-03"),
        ] {
            assert_eq!(state(name).of(day(quiet)), None, "{name} {quiet}");
        }
        for (name, open) in [("PA", "2026-12-24"), ("PA", "2026-11-25"), ("LA", "2026-04-06"), ("AL", "2026-04-20")] {
            assert!(state(name).of(day(open)).is_some(), "{name} {open}");
        }
    }

    #[test]
    fn easter_is_when_it_is() {
        for (year, date) in [(2024, "2024-03-31"), (2025, "2025-04-20"), (2026, "2026-04-05"), (2038, "2038-04-25")] {
            assert_eq!(easter(year), Some(day(date)));
        }
    }

    #[test]
    fn no_state_is_quiet_for_more_than_four_days() {
        for hours in STRICTER {
            let mut quiet = 0;
            for date in day("2026-01-01").iter_days().take(366 * 12) {
                quiet = if hours.of(date).is_none() { quiet + 1 } else { 0 };
                assert!(quiet <= 4, "{} {date}", hours.state);
            }
        }
    }
}
