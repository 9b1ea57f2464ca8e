//! Pure decisions.

pub(crate) mod fillers;
pub(crate) mod item;
pub(crate) mod matching;
pub(crate) mod ngrams;
pub(crate) mod normalise;
pub(crate) mod similarity;
pub(crate) mod words;
