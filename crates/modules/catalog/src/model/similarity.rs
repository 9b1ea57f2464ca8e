//! How alike two words are.

/// Words shorter than this are like no other: "fan" is not "van".
const LETTERS_MIN: usize = 4;
/// Below this two words are simply two words.
const SIMILARITY_MIN: f64 = 0.6;
/// What a slip of the finger leaves of a word, by the letters of the longer one: of short words it can make others.
const SLIP: [(usize, f64); 2] = [(6, 0.8), (LETTERS_MIN, 0.7)];
/// From this many letters on there may be two slips.
const TWO_SLIPS_LETTERS_MIN: usize = 9;
/// Endings of one and the same verb: "cleaned", "cleaning", "cleaner". What is left has at least [`LETTERS_MIN`] letters.
const ENDINGS: [&str; 3] = ["ing", "ed", "er"];
/// Two forms of it.
const FORMS: f64 = 0.8;
/// Longer words are no words. A word has one trigram more, and they are counted in 64 bits.
const LETTERS_MAX: usize = 40;

/// 1 for the same word, 0 for two that have nothing to do with one another. Symmetric.
///
/// In between is the share of trigrams that both have, as "clean" and "cleaning" do (Dice's coefficient, with the word's
/// beginning and end as letters), or a fixed value where one is the other with a slip of the finger.
pub(crate) fn similarity(a: &[char], b: &[char]) -> f64 {
    if a == b {
        return 1.0;
    }
    let (short, long) = if a.len() < b.len() { (a.len(), b.len()) } else { (b.len(), a.len()) };
    // Nobody slips on the first letter, and few words differ from another in the first alone: "drain" is not "train".
    if short < LETTERS_MIN || long > LETTERS_MAX || a.first() != b.first() {
        return 0.0;
    }
    let shared = shared_trigrams(a, b);
    let trigrams = dice(shared, a.len() + b.len());
    let slips = if long >= TWO_SLIPS_LETTERS_MIN { 2 } else { 1 };
    let is_slip = long - short <= slips && distance(a, b) <= slips;
    let slip = SLIP.iter().find(|(letters, _)| is_slip && long >= *letters).map_or(0.0, |(_, left)| *left);
    let forms = if stem(a).is_some_and(|stem_of_a| stem(b) == Some(stem_of_a)) { FORMS } else { 0.0 };
    let similarity = trigrams.max(slip).max(forms);
    if similarity < SIMILARITY_MIN { 0.0 } else { similarity }
}

/// The word without the ending of a verb; none where it has none.
fn stem(word: &[char]) -> Option<&[char]> {
    let without = |ending: &str| {
        let left = word.len().checked_sub(ending.len()).filter(|left| *left >= LETTERS_MIN)?;
        word[left..].iter().copied().eq(ending.chars()).then(|| &word[..left])
    };
    ENDINGS.into_iter().find_map(without)
}

/// Of two words with so many letters together. A word has a trigram more than letters.
#[expect(clippy::cast_precision_loss, reason = "both are below a hundred")]
fn dice(shared: usize, letters: usize) -> f64 {
    2.0 * shared as f64 / (letters + 2) as f64
}

/// How many trigrams both words have, counted as often as both have them. Words have at most [`LETTERS_MAX`] letters.
fn shared_trigrams(a: &[char], b: &[char]) -> usize {
    let mut taken = 0_u64;
    (0..=a.len())
        .filter(|&start| {
            let of_a = trigram(a, start);
            let free = (0..=b.len()).find(|&place| taken & (1 << place) == 0 && trigram(b, place) == of_a);
            free.inspect(|place| taken |= 1 << place).is_some()
        })
        .count()
}

/// Two spaces stand before the word and one behind it, so that its beginning counts for more than its end.
fn trigram(word: &[char], start: usize) -> [char; 3] {
    let letter = |index: usize| index.checked_sub(2).and_then(|index| word.get(index)).copied().unwrap_or(' ');
    [letter(start), letter(start + 1), letter(start + 2)]
}

/// How many letters are wrong, missing, too many, or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before_last = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, &y) in b.iter().enumerate() {
            row[j + 1] = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                row[j + 1] = row[j + 1].min(before_last[j - 1] + 1);
            }
        }
        (before_last, last) = (last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(a: &str, b: &str) -> f64 {
        similarity(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn slips_and_endings_are_alike() {
        for (a, b) in [
            ("drain", "drian"),
            ("toilet", "toliet"),
            ("faucet", "facuet"),
            ("deep", "deap"),
            ("clean", "cleaning"),
            ("cleaned", "cleaning"),
            ("repaired", "repairing"),
            ("install", "installation"),
            ("installation", "instalaton"),
        ] {
            assert!(of(a, b) >= SIMILARITY_MIN, "{a} {b}: {}", of(a, b));
        }
    }

    #[test]
    fn other_words_are_not() {
        for (a, b) in
            [("fan", "van"), ("drain", "train"), ("tap", "tape"), ("lock", "clock"), ("lake", "leak"), ("", "a")]
        {
            assert!(of(a, b) < f64::EPSILON, "{a} {b}: {}", of(a, b));
        }
    }

    #[test]
    fn a_slip_in_a_short_word_counts_for_less() {
        assert!(of("house", "horse") < of("chandelier", "chandalier"));
    }

    proptest! {
        #[test]
        fn symmetric_and_in_range(a in "[a-e]{0,9}", b in "[a-e]{0,9}") {
            let similarity = of(&a, &b);
            prop_assert!((0.0..=1.0).contains(&similarity));
            prop_assert!((similarity - of(&b, &a)).abs() < f64::EPSILON);
            prop_assert_eq!(a == b, similarity >= 1.0);
        }
    }
}
