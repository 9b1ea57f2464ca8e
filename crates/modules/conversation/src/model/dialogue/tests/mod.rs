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
    bookings: 8,
    jobs: 6,
    times: 6,
    questions: 6,
    changes: 8,
    people: 6,
    races: 5,
    spanish: 4,
}
