//! Which job is meant.

use nmc_catalog::{Matches, Quote, ServiceItem, matches};
use nmc_kernel::ServiceItemId;

use super::{Act, Command, hand_over::Why, thought::Thought};
use crate::model::{
    task::TaskKind,
    understanding::{AskedAbout, Pick, Question, Saying, is_done_to_many},
};

/// Below this the caller is asked.
const SURE: f64 = 0.5;
/// More does not fit into a text.
pub(super) const LISTED_MAX: usize = 8;
/// More prices do not fit into one beside the question.
const PRICED_MAX: usize = 2;
/// Words that begin alike by so many letters are the same in another form.
const ALIKE_LETTERS: usize = 4;

impl Thought<'_> {
    pub(super) fn job(&mut self) {
        if self.is_complete || self.dialogue.change.is_some() {
            return;
        }
        if self.about() == AskedAbout::WhichJob && self.choose_job() {
            return;
        }
        let words = self.sayings().iter().filter_map(|saying| match saying {
            Saying::Job(words) => Some(words.as_str()),
            _ => None,
        });
        let words = words.collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return;
        }
        let found = matches(&self.world.items, &words);
        match sure(&found) {
            Some(quote) if self.is_another(quote.service_item_id) && self.has_decided() => self.one_more_job(),
            Some(_) if self.other_job().is_some() => {}
            Some(quote) => self.take_job(quote.service_item_id),
            // What is no job by itself tells more of the one that is known.
            None if self.dialogue.item.is_some() || self.dialogue.is_done => {}
            None if self.tells_prices(&found, &words) => {}
            None if shares_thing(&found, &words) => self.ask_which_job(&found),
            None => {
                self.is_puzzling = true;
                self.list_items();
            }
        }
    }

    /// What each costs of several jobs whose price is asked for at once. Says whether it was that.
    fn tells_prices(&mut self, found: &Matches, words: &str) -> bool {
        let named = found.best.iter().chain(&found.runners_up).filter(|found| has_phrase(words, &found.matched));
        let quotes: Vec<Quote> = named.map(|found| found.item.clone()).take(PRICED_MAX).collect();
        if quotes.len() < 2 || !self.says(&Saying::Ask(Question::Price)) {
            return false;
        }
        self.is_used = true;
        self.acts.extend(quotes.iter().cloned().map(Act::StatePrice));
        self.dialogue.choices = quotes.iter().map(|quote| quote.service_item_id).collect();
        self.ask(Act::AskWhich(quotes), AskedAbout::WhichJob);
        true
    }

    /// One of the jobs that were named in a question. Says whether it is settled which.
    fn choose_job(&mut self) -> bool {
        let choices = self.before.choices.clone();
        let sold: Vec<ServiceItem> = choices.iter().filter_map(|id| self.world.item(*id)).cloned().collect();
        // In the order in which they are said: "yes, the drain" names the drain.
        let picked = self.sayings().iter().find_map(|saying| match saying {
            Saying::Job(words) => told_apart(&sold, words).or_else(|| {
                let found = matches(&self.world.items, words);
                sure(&found).map(|quote| quote.service_item_id)
            }),
            Saying::Pick(Pick::Nth(nth)) => choices.get(*nth).copied(),
            Saying::Pick(Pick::Earliest | Pick::Any) => choices.first().copied(),
            Saying::Pick(Pick::Latest) => choices.last().copied(),
            Saying::Yes => choices.first().copied().filter(|_| choices.len() == 1),
            _ => None,
        });
        if let Some(item) = picked.filter(|item| self.world.item(*item).is_some()) {
            self.take_job(item);
        } else if self.says(&Saying::No) && choices.len() < self.world.items.len().min(LISTED_MAX) {
            self.list_items();
        }
        // "The usual one" asks the same again, and does not begin anew with other jobs.
        self.is_used || choices.len() < LISTED_MAX.min(self.world.items.len())
    }

    /// The caller wants this job.
    pub(super) fn take_job(&mut self, item: ServiceItemId) {
        self.is_used = true;
        if self.is_another(item) {
            self.release();
            self.dialogue.forget_slots();
            self.dialogue.told = None;
        }
        self.dialogue.item = Some(item);
        self.dialogue.choices.clear();
        self.dialogue.is_done = false;
        self.dialogue.is_parted = false;
        self.dialogue.is_wrong_number = false;
    }

    /// The job whose price is asked for while another is being booked.
    pub(super) fn other_job(&self) -> Option<Quote> {
        let asks = self.says(&Saying::Ask(Question::Price)) || self.says(&Saying::Ask(Question::HowLong));
        let known = self.before.item.filter(|item| asks && self.dialogue.item == Some(*item))?;
        self.sayings().iter().find_map(|saying| match saying {
            Saying::Job(words) => {
                sure(&matches(&self.world.items, words)).filter(|quote| quote.service_item_id != known).cloned()
            }
            _ => None,
        })
    }

    /// Whether a pick or a yes is about the job that is known.
    fn has_decided(&self) -> bool {
        self.dialogue.item.is_some()
            && self.sayings().iter().any(|saying| match saying {
                Saying::Pick(_) => self.about() == AskedAbout::Pick,
                Saying::Yes => self.about() == AskedAbout::Confirm,
                _ => false,
            })
    }

    fn is_another(&self, item: ServiceItemId) -> bool {
        self.dialogue.item != Some(item)
    }

    /// One job at a time: the next is left to a person.
    fn one_more_job(&mut self) {
        let text = "Read what the caller wrote: while booking one job they spoke of another.".to_owned();
        self.commands.push(Command::Task { kind: TaskKind::Reply, text });
        self.acts.push(Act::PassedOn);
    }

    pub(super) fn ask_which_job(&mut self, found: &Matches) {
        let quotes: Vec<Quote> = found.best.iter().chain(&found.runners_up).map(|found| found.item.clone()).collect();
        self.is_used = true;
        self.dialogue.choices = quotes.iter().map(|quote| quote.service_item_id).collect();
        self.ask(Act::AskWhich(quotes), AskedAbout::WhichJob);
    }

    pub(super) fn list_items(&mut self) {
        let quotes: Vec<Quote> = self.world.items.iter().take(LISTED_MAX).map(ServiceItem::quote).collect();
        if quotes.is_empty() {
            return self.hand_over(Why::NoBooking);
        }
        self.is_used = true;
        self.dialogue.choices = quotes.iter().map(|quote| quote.service_item_id).collect();
        let are_all = quotes.len() == self.world.items.len();
        self.ask(Act::ListItems { quotes, are_all }, AskedAbout::WhichJob);
    }
}

/// Whether a job that is not sure has more in common with the text than what is done.
pub(super) fn shares_thing(found: &Matches, text: &str) -> bool {
    let said: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let is_said = |word: &str| {
        let beginning: String = word.chars().take(ALIKE_LETTERS).collect();
        said.iter().any(|said| said == word || (word.chars().count() >= ALIKE_LETTERS && said.starts_with(&beginning)))
    };
    let is_thing = |word: &str| !is_done_to_many(word);
    let is_of_thing =
        |matched: &str| matched.to_lowercase().split_whitespace().any(|word| is_thing(word) && is_said(word));
    found.best.iter().chain(&found.runners_up).any(|found| is_of_thing(&found.matched))
}

/// Whether a phrase stands in a text, word for word.
fn has_phrase(text: &str, phrase: &str) -> bool {
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_lowercase).collect() };
    let (text, phrase) = (words(text), words(phrase));
    !phrase.is_empty() && text.windows(phrase.len()).any(|part| part == phrase)
}

/// The one of these jobs whose words the text has more of than of the others': those of their names, else of the other
/// words for them.
fn told_apart(items: &[ServiceItem], text: &str) -> Option<ServiceItemId> {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).map(str::to_lowercase).collect()
    };
    let said = words(text);
    let most = |known: &dyn Fn(&ServiceItem) -> Vec<String>| {
        let shared = |item: &ServiceItem| {
            let known = known(item);
            said.iter().filter(|word| known.contains(word)).count()
        };
        let most = items.iter().map(shared).max().filter(|most| *most > 0)?;
        let mut best = items.iter().filter(|item| shared(item) == most);
        best.next().filter(|_| best.next().is_none()).map(|item| item.id)
    };
    most(&|item| words(&item.name))
        .or_else(|| most(&|item| item.aliases.iter().flat_map(|alias| words(alias.text.as_str())).collect()))
}

/// The job that is meant, where that is sure.
pub(super) fn sure(found: &Matches) -> Option<&Quote> {
    found.best.as_ref().filter(|best| best.confidence >= SURE).map(|best| &best.item)
}
