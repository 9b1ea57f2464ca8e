//! Conversations as people have them (`tests/dialogue/*.txt`), and what holds for any conversation at all.

mod office;
mod properties;
mod script;
mod wordings;

macro_rules! scripts {
    ($($name:ident: $least:literal),+ $(,)?) => {$(
        #[test]
        fn $name() {
            script::play(include_str!(concat!("../../../../tests/dialogue/", stringify!($name), ".txt")), $least);
        }
    )+};
}

scripts! {
    bookings: 11,
    jobs: 11,
    times: 14,
    questions: 10,
    changes: 12,
    people: 11,
    races: 8,
    spanish: 7,
    follow_ups: 20,
    second_thoughts: 16,
}
