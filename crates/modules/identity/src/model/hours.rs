use chrono::{NaiveTime, Weekday};
use serde::{Deserialize, Serialize};

/// A day has at most so many windows: more is a mistake.
const MAX_WINDOWS: usize = 6;

/// When the business is open on each day of the week, in its own time zone. A day without windows is closed; a week
/// without any says that the business has told no hours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OpeningHours {
    /// Its windows on Mondays, in their order.
    pub monday: Vec<OpenWindow>,
    /// On Tuesdays.
    pub tuesday: Vec<OpenWindow>,
    /// On Wednesdays.
    pub wednesday: Vec<OpenWindow>,
    /// On Thursdays.
    pub thursday: Vec<OpenWindow>,
    /// On Fridays.
    pub friday: Vec<OpenWindow>,
    /// On Saturdays.
    pub saturday: Vec<OpenWindow>,
    /// On Sundays.
    pub sunday: Vec<OpenWindow>,
}

/// A stretch of a day in which the business is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenWindow {
    /// When it begins, local time.
    #[schema(value_type = String, example = "08:00:00")]
    pub opens: NaiveTime,
    /// When it ends, local time; 00:00:00 is the end of the day.
    #[schema(value_type = String, example = "17:00:00")]
    pub closes: NaiveTime,
}

/// The hours, in the caller's local time, in which texts that we start wait. They may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct QuietHours {
    /// Whether the answer to a call just made waits as well.
    pub greeting: bool,
    /// When they begin, local time.
    #[schema(value_type = String, example = "21:00:00")]
    pub start: NaiveTime,
    /// When they end, local time.
    #[schema(value_type = String, example = "08:00:00")]
    pub end: NaiveTime,
    /// Whether the stricter hours, Sundays and holidays of the caller's state hold as well. Switched off by a business
    /// that texts only customers whose consent it has.
    pub by_state: bool,
}

impl Default for QuietHours {
    /// 21 to 8 o'clock, the hours of 47 CFR 64.1200(c)(1):
    /// <https://www.ecfr.gov/current/title-47/section-64.1200#p-64.1200(c)(1)>.
    fn default() -> Self {
        let hour = |hour: u32| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self { greeting: false, start: hour(21), end: hour(8), by_state: true }
    }
}

impl OpeningHours {
    /// The windows of a day.
    pub fn of(&self, day: Weekday) -> &[OpenWindow] {
        match day {
            Weekday::Mon => &self.monday,
            Weekday::Tue => &self.tuesday,
            Weekday::Wed => &self.wednesday,
            Weekday::Thu => &self.thursday,
            Weekday::Fri => &self.friday,
            Weekday::Sat => &self.saturday,
            Weekday::Sun => &self.sunday,
        }
    }

    /// Whether the windows of every day are in order, apart from one another and not too many.
    pub fn is_in_order(&self) -> bool {
        let week = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
        week.into_iter().all(|day| {
            let windows = self.of(day);
            let are_apart =
                windows.windows(2).all(|pair| pair[0].closes != NaiveTime::MIN && pair[0].closes < pair[1].opens);
            windows.len() <= MAX_WINDOWS && windows.iter().all(OpenWindow::holds) && are_apart
        })
    }
}

impl OpenWindow {
    fn holds(&self) -> bool {
        self.opens < self.closes || self.closes == NaiveTime::MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(windows: &[(u32, u32)]) -> OpeningHours {
        let at = |hour: &u32| NaiveTime::from_hms_opt(*hour, 0, 0).unwrap();
        let friday = windows.iter().map(|(opens, closes)| OpenWindow { opens: at(opens), closes: at(closes) });
        OpeningHours { friday: friday.collect(), ..OpeningHours::default() }
    }

    #[test]
    fn windows_of_a_day_are_in_order_and_apart() {
        let good: [&[(u32, u32)]; 5] = [&[], &[(8, 12)], &[(8, 12), (13, 17)], &[(0, 0)], &[(8, 12), (18, 0)]];
        for windows in good {
            assert!(hours(windows).is_in_order(), "{windows:?}");
        }
        let bad: [&[(u32, u32)]; 7] = [
            &[(12, 8)],
            &[(8, 8)],
            &[(13, 17), (8, 12)],
            &[(8, 12), (11, 17)],
            &[(8, 12), (12, 17)],
            &[(18, 0), (19, 20)],
            &[(0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11), (12, 13)],
        ];
        for windows in bad {
            assert!(!hours(windows).is_in_order(), "{windows:?}");
        }
        assert_eq!(hours(&[(8, 12)]).of(Weekday::Fri).len(), 1);
        assert_eq!(hours(&[(8, 12)]).of(Weekday::Mon).len(), 0);
    }

    #[test]
    fn a_day_that_is_none_is_refused() {
        assert!(serde_json::from_str::<OpeningHours>(r#"{"funday": []}"#).is_err());
        assert!(
            serde_json::from_str::<OpenWindow>(r#"{"opens": "08:00:00", "closes": "17:00:00", "lunch": 1}"#).is_err()
        );
        assert!(serde_json::from_str::<OpenWindow>(r#"{"opens": "08:00:00", "closes": "24:00:00"}"#).is_err());
    }
}
