use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{date::is_usual, line::is_line};

const NAME_CHARS_MAX: usize = 80;

/// A day on which nobody of the business works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0197c0de-0000-7000-8000-000000000005", "date": "2026-11-26", "name": "Thanksgiving"
}))]
pub struct Holiday {
    /// Its id.
    pub id: Uuid,
    /// The day, wherever a resource is.
    #[schema(value_type = String, format = Date)]
    pub date: NaiveDate,
    /// What it is called.
    pub name: String,
}

impl Holiday {
    /// Where it stands in the list: its day, at midnight, and its id.
    pub(crate) fn position(&self) -> (DateTime<Utc>, Uuid) {
        (self.date.and_time(NaiveTime::MIN).and_utc(), self.id)
    }
}

/// A day on which nobody will work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"date": "2026-11-26", "name": "Thanksgiving"}))]
pub struct NewHoliday {
    /// The day, wherever a resource is.
    #[schema(value_type = String, format = Date)]
    pub date: NaiveDate,
    /// What it is called: one line of 1 to 80 characters.
    pub name: String,
}

/// What cannot be of a holiday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HolidayFieldError {
    /// The name is none.
    #[error("must be one line of 1 to {NAME_CHARS_MAX} characters")]
    Name,
    /// The date is of no year that is used.
    #[error("must be of a year from 1 to 9998")]
    Date,
}

impl HolidayFieldError {
    /// The field it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Date => "date",
        }
    }
}

impl NewHoliday {
    /// The holiday, where it can be one.
    pub(crate) fn holiday(self, id: Uuid) -> Result<Holiday, HolidayFieldError> {
        let name = self.name.trim().to_owned();
        if !is_line(&name, NAME_CHARS_MAX) {
            return Err(HolidayFieldError::Name);
        }
        if !is_usual(self.date) {
            return Err(HolidayFieldError::Date);
        }
        Ok(Holiday { id, date: self.date, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holiday_has_a_name_and_a_usual_year() {
        let of = |date: &str, name: &str| {
            NewHoliday { date: date.parse().unwrap(), name: name.to_owned() }.holiday(Uuid::nil())
        };
        assert_eq!(of("2026-11-26", " Thanksgiving ").unwrap().name, "Thanksgiving");
        assert_eq!(of("2026-11-26", " "), Err(HolidayFieldError::Name));
        assert_eq!(of("2026-11-26", &"x".repeat(81)), Err(HolidayFieldError::Name));
        for date in ["0000-01-01", "9999-01-01", "+12026-01-01"] {
            assert_eq!(of(date, "x"), Err(HolidayFieldError::Date), "{date}");
        }
    }
}
