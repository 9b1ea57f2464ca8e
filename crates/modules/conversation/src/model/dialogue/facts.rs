//! How facts are written: times, prices, lengths, opening hours, names.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use nmc_identity::{OpenWindow, OpeningHours};
use nmc_kernel::{Currency, Minutes, Money};
use nmc_providers::twilio::segments::{Encoding, Segments, normalised};

use super::{
    Voice,
    act::Visit,
    texts::{Texts, texts},
    world::local,
};

/// Longer opening hours are told for the next days only.
const HOURS_CHARS_MAX: usize = 150;
/// So many of them.
const NEXT_DAYS: usize = 2;
const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
/// Letters that a text message has no plain sign for, and the plain ones in their place.
const PLAIN: [(&str, char); 27] = [
    ("áâãāăą", 'a'),
    ("ÁÂÃĀĂĄÀ", 'A'),
    ("êëēėęě", 'e'),
    ("ÊËĒĖĘĚÈ", 'E'),
    ("íîïīįı", 'i'),
    ("ÍÎÏĪĮİÌ", 'I'),
    ("óôõōő", 'o'),
    ("ÓÔÕŌŐÒ", 'O'),
    ("úûūůű", 'u'),
    ("ÚÛŪŮŰÙ", 'U'),
    ("çćč", 'c'),
    ("ĆČ", 'C'),
    ("ńňņ", 'n'),
    ("ŃŇŅ", 'N'),
    ("śšşș", 's'),
    ("ŚŠŞȘ", 'S'),
    ("źżž", 'z'),
    ("ŹŻŽ", 'Z'),
    ("ýÿ", 'y'),
    ("ÝŸ", 'Y'),
    ("łľ", 'l'),
    ("ŁĽ", 'L'),
    ("ďđ", 'd'),
    ("řŕ", 'r'),
    ("ťţț", 't'),
    ("ğģ", 'g'),
    ("ķ", 'k'),
];

/// Writes facts for one voice, names no longer than told.
pub(super) struct Facts<'a> {
    pub(super) texts: &'static Texts,
    voice: &'a Voice,
    /// Names are cut to so many characters.
    name_chars: usize,
}

impl<'a> Facts<'a> {
    pub(super) fn new(voice: &'a Voice, name_chars: usize) -> Self {
        Self { texts: texts(voice.language), voice, name_chars }
    }

    /// "Wednesday, March 11 at 3:30 PM".
    pub(super) fn moment(&self, at: DateTime<Utc>) -> String {
        let at = local(at, self.voice.zone);
        let of = |names: &[String], nth: u32| names.get(nth as usize).cloned().unwrap_or_default();
        let values = [
            ("weekday", of(&self.texts.weekdays, at.weekday().num_days_from_monday())),
            ("month", of(&self.texts.months, at.month0())),
            ("day", at.day().to_string()),
            ("time", time(at.time(), true)),
        ];
        plain(&self.texts.fact("moment", &values.each_ref().map(|(key, value)| (*key, value.as_str()))))
    }

    /// "1 hour 30 minutes".
    pub(super) fn length(&self, length: Minutes) -> String {
        let (hours, minutes) = (length.get() / 60, length.get() % 60);
        let hours_key = if hours == 1 { "hour" } else { "hours" };
        let hours_text = self.texts.fact(hours_key, &[("n", &hours.to_string())]);
        let minutes_text = self.texts.fact("minutes", &[("n", &minutes.to_string())]);
        match (hours, minutes) {
            (0, _) => minutes_text,
            (_, 0) => hours_text,
            _ => self.texts.fact("hour_and_minutes", &[("hours", &hours_text), ("minutes", &minutes_text)]),
        }
    }

    /// A name of a job, a business or a street, not too long.
    pub(super) fn name(&self, name: &str) -> String {
        let name = plain(&name.split_whitespace().collect::<Vec<_>>().join(" "));
        if name.chars().count() <= self.name_chars {
            return name;
        }
        let cut: String = name.chars().take(self.name_chars.saturating_sub(3)).collect();
        format!("{}...", cut.trim_end())
    }

    pub(super) fn business(&self) -> String {
        self.name(&self.voice.business)
    }

    /// "Leak repair on Wednesday, March 11 at 3:30 PM".
    pub(super) fn visit(&self, visit: &Visit) -> String {
        let moment = self.moment(visit.start);
        plain(&match visit.job.as_deref() {
            Some(job) => self.texts.fact("visit", &[("job", &self.name(job)), ("moment", &moment)]),
            None => self.texts.fact("unnamed_visit", &[("moment", &moment)]),
        })
    }

    /// "Mon-Fri 8 AM-6 PM, Sat 9 AM-1 PM, Sun closed"; of long ones the next days.
    pub(super) fn hours(&self, hours: &OpeningHours, today: NaiveDate) -> String {
        let week = self.days(hours, &WEEK);
        if week.chars().count() <= HOURS_CHARS_MAX {
            return week;
        }
        let from = today.weekday().num_days_from_monday() as usize;
        let next = WEEK.iter().cycle().skip(from).take(7).copied().filter(|day| !hours.of(*day).is_empty());
        self.days(hours, &next.take(NEXT_DAYS).collect::<Vec<_>>())
    }

    /// Days in a row with the same hours are told at once.
    fn days(&self, hours: &OpeningHours, days: &[Weekday]) -> String {
        let rows = days.chunk_by(|one, next| hours.of(*one) == hours.of(*next));
        let told = rows.filter_map(|row| {
            let name = |day: &Weekday| {
                self.texts.short_weekdays.get(day.num_days_from_monday() as usize).map_or("", String::as_str)
            };
            let (first, last) = (name(row.first()?), name(row.last()?));
            let days = if row.len() == 1 {
                first.to_owned()
            } else {
                self.texts.fact("days", &[("first", first), ("last", last)])
            };
            let windows = hours.of(*row.first()?);
            let times = windows.iter().map(open).collect::<Vec<_>>().join(" + ");
            let key = if windows.is_empty() { "closed" } else { "open" };
            Some(self.texts.fact(key, &[("days", &days), ("times", &times)]))
        });
        plain(&told.collect::<Vec<_>>().join(", "))
    }
}

/// "$1,350", "$99.50".
pub(super) fn price(price: Money) -> String {
    let Currency::Usd = price.currency();
    let (dollars, cents) = (price.amount_cents() / 100, price.amount_cents() % 100);
    let digits = dollars.to_string();
    let mut grouped = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if cents == 0 { format!("${grouped}") } else { format!("${grouped}.{cents:02}") }
}

fn open(window: &OpenWindow) -> String {
    format!("{}-{}", time(window.opens, false), time(window.closes, false))
}

/// "3:30 PM"; "3 PM" where whole hours may be short.
fn time(time: NaiveTime, has_minutes: bool) -> String {
    let (is_pm, hour) = time.hour12();
    let half = if is_pm { "PM" } else { "AM" };
    if time.minute() == 0 && !has_minutes {
        format!("{hour} {half}")
    } else {
        format!("{hour}:{:02} {half}", time.minute())
    }
}

/// As few signs as possible that make a text longer on the wire: accents that it has no letter for are left out, and so
/// is what is no letter at all.
pub(super) fn plain(text: &str) -> String {
    let text = normalised(text);
    if Segments::of(&text).encoding == Encoding::Gsm7 {
        return text;
    }
    let plainly = |letter: char| {
        let mut buffer = [0; 4];
        if Segments::of(letter.encode_utf8(&mut buffer)).encoding == Encoding::Gsm7 {
            return Some(letter);
        }
        let known = PLAIN.iter().find(|(accented, _)| accented.contains(letter)).map(|(_, plain)| *plain);
        known.or_else(|| letter.is_alphanumeric().then_some(letter))
    };
    text.chars().filter_map(plainly).collect()
}
