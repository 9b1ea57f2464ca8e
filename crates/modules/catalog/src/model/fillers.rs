//! Words that say nothing of the job that is wanted.

/// Left out of what is compared; in the form [`super::normalise`] gives words.
const FILLERS: &[&str] = &[
    "a", "about", "actually", "again", "all", "also", "am", "an", "and", "any", "anybody", "anyone", "are", "asap",
    "at", "be", "been", "by", "can", "cause", "come", "could", "de", "del", "did", "do", "doe", "done", "el", "en",
    "every", "favor", "for", "from", "get", "getting", "give", "go", "going", "good", "got", "guy", "had", "has",
    "have", "having", "he", "hello", "help", "her", "hey", "hi", "how", "i", "if", "ill", "im", "in", "is", "it",
    "its", "ive", "just", "know", "la", "las", "like", "looking", "los", "me", "much", "my", "need", "needed", "now",
    "of", "ok", "okay", "on", "one", "or", "our", "please", "plus", "por", "really", "she", "so", "some", "somebody",
    "someone", "soon", "still", "than", "thank", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "today", "tomorrow", "too", "un", "una", "us", "very", "want", "was", "we", "were", "what",
    "when", "where", "which", "will", "with", "would", "yes", "you", "your",
];

/// Without them the whole means something else, and alone they mean nothing.
const NEGATIONS: &[&str] =
    &["cannot", "cant", "didnt", "doesnt", "dont", "except", "isnt", "never", "no", "not", "without", "wont"];

/// What takes back what comes right behind it. "No, a new tap" does not, and "won't flush" is a job.
const REFUSALS: &[&str] = &["doesnt", "dont", "except", "not", "without"];

/// What makes two jobs of what stands before and behind it.
const CONJUNCTIONS: &[&str] = &["also", "and", "or", "plus"];

pub(crate) fn is_filler(word: &str) -> bool {
    FILLERS.binary_search(&word).is_ok()
}

pub(crate) fn is_negation(word: &str) -> bool {
    NEGATIONS.binary_search(&word).is_ok()
}

pub(crate) fn is_refusal(word: &str) -> bool {
    REFUSALS.contains(&word)
}

pub(crate) fn is_conjunction(word: &str) -> bool {
    CONJUNCTIONS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::normalise::normalise;

    #[test]
    fn the_lists_are_sorted_and_normal() {
        for list in [FILLERS, NEGATIONS, REFUSALS, CONJUNCTIONS] {
            assert!(list.is_sorted());
            for word in list {
                assert_eq!(normalise(word), *word);
            }
        }
    }
}
