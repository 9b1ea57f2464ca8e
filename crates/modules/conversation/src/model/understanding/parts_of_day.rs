//! Parts of the day, and what is said for them. Data.

use super::{
    clock::Clock,
    time_of_day::{Half, Time},
};

pub(super) const PARTS_OF_DAY: &[(&[&str], Clock)] = &[
    (
        &[
            "first thing in the morning",
            "first thing",
            "1st thing",
            "when you open",
            "as soon as you open",
            "at opening",
            "crack of dawn",
            "bright and early",
            "start of the day",
            "beginning of the day",
        ],
        Clock::Opening,
    ),
    (
        &[
            "end of the day",
            "end of day",
            "eod",
            "before you close",
            "last thing",
            "before closing",
            "close of business",
            "cob",
        ],
        Clock::Closing,
    ),
    (
        &["after work", "after i get off work", "after i get off", "when i get off work", "after im off work"],
        Clock::From(whole(17)),
    ),
    (&["after school"], Clock::From(whole(15))),
    (
        &[
            "by end of the day",
            "by the end of the day",
            "by end of day",
            "by eod",
            "by the end of day",
            "by close of business",
            "by closing",
        ],
        Clock::Part(0, 18 * 60),
    ),
    (
        &["before work", "before school", "before i go to work", "before i leave for work", "before i go in to work"],
        Clock::Until(whole(9)),
    ),
    (&["after lunch", "after lunchtime"], Clock::From(whole(13))),
    (&["before lunch", "before lunchtime"], Clock::Until(whole(12))),
    (
        &["lunch", "lunchtime", "lunch time", "lunch hour", "lunch break", "middle of the day", "mid day"],
        Clock::Part(11 * 60, 14 * 60),
    ),
    (
        &["later in the day", "later on today", "later today", "later on", "rest of the day", "rest of today"],
        Clock::Later,
    ),
    (&["early morning", "early in the morning", "early am", "early mornings"], Clock::Part(5 * 60, 10 * 60)),
    (&["late morning", "mid morning", "midmorning"], Clock::Part(10 * 60, 12 * 60)),
    (&["early afternoon", "early in the afternoon"], Clock::Part(12 * 60, 15 * 60)),
    (&["mid afternoon", "midafternoon"], Clock::Part(14 * 60, 16 * 60)),
    (&["late afternoon", "late in the afternoon", "late in the day", "late day"], Clock::Part(15 * 60, 18 * 60)),
    (&["early evening"], Clock::Part(17 * 60, 19 * 60)),
    (&["before the afternoon", "morning", "in the am", "the am"], Clock::Part(5 * 60, 12 * 60)),
    (&["afternoon", "in the pm", "the pm", "after the morning"], Clock::Part(12 * 60, 18 * 60)),
    (&["evening", "night"], Clock::Part(17 * 60, 22 * 60)),
    (
        &["during the day", "daytime", "business hours", "during business hours", "working hours"],
        Clock::Part(8 * 60, 18 * 60),
    ),
];

const fn whole(hour: u32) -> Time {
    Time { hour, minute: 0, half: Half::Whole }
}
