//! What a model may say alone (ADR 0028): whatever is asked back, and whatever is a person's. What acts at once has to
//! be heard by both readings, and danger is heard by either.

use chrono::NaiveDateTime;

use super::{
    super::{Asked, AskedAbout, Pick, Saying, Understood, reading::rank},
    Interpretation,
};

/// What a saying would do.
#[derive(Clone, Debug)]
pub(crate) struct Stakes<'a> {
    /// What was asked last.
    pub(crate) asked: &'a Asked,
    /// Whether a pick moves an appointment, at once and without a question.
    pub(crate) is_moving: bool,
}

/// The two readings of the same texts as one; nothing where the model's says nothing that may be used.
pub(crate) fn weigh(model: Interpretation, other: &Understood, stakes: &Stakes<'_>) -> Option<Understood> {
    let is_heard = |saying: &Saying| other.sayings.contains(saying);
    let both_say = |of: fn(&Saying) -> bool| model.sayings.iter().any(of) && other.sayings.iter().any(of);
    let cancels = stakes.asked.about == AskedAbout::CancelConfirm && is_heard(&Saying::Cancel);
    let are_others = stakes.is_moving && both_say(is_pick) && !pick_alike(&model, other, stakes);
    let mut sayings = if are_others {
        // What is picked moves at once.
        let unsure = other.sayings.iter().filter(|saying| !is_pick(saying)).cloned();
        let alarms = model.sayings.into_iter().filter(is_alarm);
        unsure.chain([Saying::Pick(Pick::Unsure)]).chain(alarms).collect()
    } else if both_say(is_yes) || both_say(is_pick) || cancels {
        // Who agrees means what stands beside it as well: "yes, if you come on friday". A model that leaves that out,
        // or puts something in, makes another agreement of it.
        other.sayings.iter().cloned().chain(model.sayings.into_iter().filter(is_alarm)).collect()
    } else {
        let may_say = |saying: &Saying| match saying {
            Saying::Yes => false,
            // After it nobody answers any more.
            Saying::WrongNumber => is_heard(saying),
            Saying::Cancel => stakes.asked.about != AskedAbout::CancelConfirm,
            Saying::Pick(pick) => {
                !stakes.is_moving && !other.sayings.iter().any(|saying| contradicts(saying, *pick, stakes))
            }
            _ => true,
        };
        model.sayings.into_iter().filter(may_say).collect::<Vec<_>>()
    };
    if sayings.is_empty() {
        return None;
    }
    sayings.extend(other.sayings.iter().filter(|saying| is_alarm(saying) || **saying == Saying::Cancel).cloned());
    sayings.sort_by_key(rank);
    sayings.dedup();
    Some(Understood { sayings, language: model.language.or(other.language) })
}

fn is_yes(saying: &Saying) -> bool {
    *saying == Saying::Yes
}

fn is_pick(saying: &Saying) -> bool {
    matches!(saying, Saying::Pick(_))
}

/// What is never overheard because somebody else was asked.
fn is_alarm(saying: &Saying) -> bool {
    matches!(saying, Saying::Emergency | Saying::Person | Saying::CallMe | Saying::Angry)
}

/// Whether both readings pick the same.
fn pick_alike(model: &Interpretation, other: &Understood, stakes: &Stakes<'_>) -> bool {
    let picked = |sayings: &[Saying]| {
        sayings.iter().find_map(|saying| match saying {
            Saying::Pick(pick) => picked(*pick, &stakes.asked.offers),
            _ => None,
        })
    };
    picked(&model.sayings) == picked(&other.sayings)
}

/// The offer that is picked; none where that is not sure.
fn picked(pick: Pick, offers: &[NaiveDateTime]) -> Option<NaiveDateTime> {
    let offer = match pick {
        Pick::Nth(nth) => offers.get(nth),
        Pick::Time(time) => offers.iter().find(|offer| offer.time() == time),
        Pick::Day(day) => offers.iter().find(|offer| offer.date() == day),
        Pick::DayAndTime(at) => offers.iter().find(|offer| **offer == at),
        Pick::Earliest | Pick::Any => offers.iter().min(),
        Pick::Latest => offers.iter().max(),
        Pick::Unsure => None,
    };
    offer.copied()
}

/// Whether somebody who says this cannot mean that pick.
fn contradicts(saying: &Saying, pick: Pick, stakes: &Stakes<'_>) -> bool {
    let picked = picked(pick, &stakes.asked.offers);
    match saying {
        Saying::Neither { .. } | Saying::No => true,
        Saying::When(when) => {
            picked.is_some_and(|at| !when.windows.iter().any(|window| (window.from..window.until).contains(&at)))
        }
        _ => false,
    }
}
