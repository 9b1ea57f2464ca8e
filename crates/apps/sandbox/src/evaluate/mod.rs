//! `cargo run -- evaluate`: plays the test conversations of `evaluation/` against the product and says how many go as
//! they should.

mod always;
mod business;
mod conversation;
mod judge;
mod play;
mod reader;
mod record;
mod score;
mod shop;
mod show;
mod stage;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Args, ValueEnum};
use tokio::task::JoinSet;

use crate::{
    Database, Plan, SandboxError,
    installation::lock,
    run::{data_dir, given_database, say, this_program},
};
use business::Businesses;
use conversation::Conversation;
use judge::{Fault, judge};
use reader::{Reader, Understanding};
use record::Record;
use score::{CommittedScores, is_whole, kinds, parts, score};
use stage::Stage;

/// So many play at once, each on a database of its own: a time is set for a whole database. Always as many, so that a
/// conversation is played with the same ids each time.
const STAGES: usize = 4;
/// Where the conversations are, below the working directory.
const FOLDER: &str = "evaluation";

/// What is to be played.
#[derive(Clone, Debug, Args)]
pub struct Evaluation {
    /// Only one of the sets.
    #[arg(long)]
    only: Option<Set>,
    /// Only conversations of this category.
    #[arg(long)]
    category: Option<String>,
    /// Only the conversation of this name.
    #[arg(long)]
    id: Option<String>,
    /// Print what was said, expected and found: of all that did not go as they should, or of the one that is named.
    #[arg(long)]
    show: bool,
    /// Who understands the callers' texts.
    #[arg(long, value_enum, default_value_t)]
    understanding: Understanding,
}

/// Who may look at a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Set {
    /// Also those who write the understanding.
    Seen,
    /// Nobody who does.
    Unseen,
}

impl Set {
    const ALL: [Self; 2] = [Self::Seen, Self::Unseen];

    const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Unseen => "unseen",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Seen => "conversations",
            Self::Unseen => "unseen",
        }
    }
}

/// A conversation that was played.
struct Played {
    set: Set,
    conversation: Conversation,
    record: Record,
    faults: Vec<Fault>,
}

impl Evaluation {
    /// Plays, prints the score, and fails where it is below the committed one.
    pub async fn run(&self) -> Result<(), SandboxError> {
        let began = Instant::now();
        let folder = Path::new(FOLDER);
        let (businesses, all) = read(folder)?;
        let committed = CommittedScores::read(&text_of(&folder.join("score.toml"))?)
            .map_err(|error| SandboxError::Evaluation(format!("score.toml: {error}")))?;
        let chosen: Vec<_> = all.into_iter().filter(|(set, conversation)| self.is_chosen(*set, conversation)).collect();
        if chosen.is_empty() {
            return Err(SandboxError::Evaluation("there is no such conversation".to_owned()));
        }
        let reader = Reader::start(self.understanding).await?;
        say(&reader.told);
        let played = play_all(&businesses, chosen, &reader).await?;
        for one in played.iter().filter(|one| self.show && (self.id.is_some() || !one.faults.is_empty())) {
            say(&show::show(one));
        }
        let worse = self.report(&played, &committed);
        say(&format!("\n{} conversations in {:.1} s", played.len(), began.elapsed().as_secs_f64()));
        if worse.is_empty() {
            return Ok(());
        }
        Err(SandboxError::Evaluation(format!("below the committed score: {}", worse.join(", "))))
    }

    fn is_chosen(&self, set: Set, conversation: &Conversation) -> bool {
        self.only.is_none_or(|only| only == set)
            && self.category.as_ref().is_none_or(|category| *category == conversation.category)
            && self.id.as_ref().is_none_or(|id| *id == conversation.id)
    }

    /// Prints the scores; says which are below what they were.
    fn report(&self, played: &[Played], committed: &CommittedScores) -> Vec<String> {
        let mut worse = Vec::new();
        for set in Set::ALL.into_iter().filter(|set| self.only.is_none_or(|only| only == *set)) {
            let of_set = || played.iter().filter(move |one| one.set == set);
            let (scores, committed) = (score(of_set()), committed.of(set));
            if scores.is_empty() && committed.is_empty() {
                continue;
            }
            say(&format!("\n{:<20} {:>5} {:>5} {:>8} {:>10}", set.name(), "good", "of", "percent", "committed"));
            for part in parts() {
                let share = scores.get(part).copied().unwrap_or_default();
                let before = committed.get(part).copied().filter(|_| self.is_judged(part));
                if share.of == 0 && before.is_none() {
                    continue;
                }
                let percent = share.percent();
                let shown = before.map_or_else(|| "-".to_owned(), |before| format!("{before:.1}"));
                say(&format!("{part:<20} {:>5} {:>5} {percent:>8.1} {shown:>10}", share.good, share.of));
                if before.is_some_and(|before| percent < before) {
                    worse.push(format!("{} {part} ({percent:.1} after {shown})", set.name()));
                }
            }
            for (kind, count) in kinds(of_set()) {
                say(&format!("  {count:>4}  {kind}"));
            }
            // Who may not see the conversations is not told which they are.
            for one in of_set().filter(|one| set == Set::Seen && !one.faults.is_empty()) {
                let why = one.faults.first().map(|fault| format!("{}: {}", fault.kind, fault.what)).unwrap_or_default();
                say(&format!("  {}: {why}", one.conversation.id));
            }
        }
        worse
    }

    /// Whether all conversations of a part were played.
    fn is_judged(&self, part: &str) -> bool {
        self.id.is_none() && is_whole(part, self.category.as_deref())
    }
}

/// Reads and checks everything before anything is played.
fn read(folder: &Path) -> Result<(Businesses, Vec<(Set, Conversation)>), SandboxError> {
    let wrong = |path: &Path, error: String| SandboxError::Evaluation(format!("{}: {error}", path.display()));
    let path = folder.join("businesses.toml");
    let businesses = business::read(&text_of(&path)?).map_err(|error| wrong(&path, error))?;
    let mut all: Vec<(Set, Conversation)> = Vec::new();
    for set in Set::ALL {
        for path in files(&folder.join(set.folder()))? {
            let category = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let read = conversation::read(category, &text_of(&path)?, &businesses);
            for conversation in read.map_err(|error| wrong(&path, error))? {
                if all.iter().any(|(_, other)| other.id == conversation.id) {
                    return Err(wrong(&path, format!("{}: another conversation has this id", conversation.id)));
                }
                all.push((set, conversation));
            }
        }
    }
    Ok((businesses, all))
}

/// The files of a folder, which need not be there, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, SandboxError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |source| SandboxError::Io { what: format!("cannot read {}", folder.display()), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn text_of(path: &Path) -> Result<String, SandboxError> {
    let failed = |source| SandboxError::Io { what: format!("cannot read {}", path.display()), source };
    fs::read_to_string(path).map_err(failed)
}

/// Plays all, several at once; they come back in their order.
async fn play_all(
    businesses: &Businesses,
    chosen: Vec<(Set, Conversation)>,
    reader: &Reader,
) -> Result<Vec<Played>, SandboxError> {
    let plan = Plan { database: "nmc_evaluation", ..Plan::new(data_dir()?, this_program()?) };
    fs::create_dir_all(&plan.data_dir).map_err(SandboxError::io("cannot make the data folder"))?;
    let _alone = lock(&plan)?;
    let mut stages: Vec<Vec<(usize, Set, Conversation)>> = vec![Vec::new(); STAGES.min(chosen.len())];
    let count = stages.len();
    for (nth, (set, conversation)) in chosen.into_iter().enumerate() {
        if let Some(stage) = stages.get_mut(nth % count) {
            stage.push((nth, set, conversation));
        }
    }
    let mut playing = JoinSet::new();
    for (nth, plays) in stages.into_iter().enumerate() {
        let name = format!("{}_{nth}", plan.database);
        // One after the other: they share the server's roles.
        let database = Database::prepare(&plan.data_dir, given_database(), &name, plan.durable, true).await?;
        let (businesses, reader) = (businesses.clone(), reader.configuration.clone());
        playing.spawn(async move { play_on(&database, &name, &businesses, plays, &reader).await });
    }
    let mut played: Vec<(usize, Played)> = Vec::new();
    while let Some(ended) = playing.join_next().await {
        played.extend(ended.map_err(|error| SandboxError::Evaluation(error.to_string()))??);
    }
    played.sort_by_key(|(nth, _)| *nth);
    Ok(played.into_iter().map(|(_, one)| one).collect())
}

/// Plays some, one after the other, the earliest first: time goes on.
async fn play_on(
    database: &Database,
    name: &str,
    businesses: &Businesses,
    mut plays: Vec<(usize, Set, Conversation)>,
    reader: &[(String, String)],
) -> Result<Vec<(usize, Played)>, SandboxError> {
    plays.sort_by_key(|(_, _, conversation)| conversation.at);
    let mut stage = Stage::build(database, name, reader).await?;
    let mut played = Vec::new();
    for (nth, set, conversation) in plays {
        // Checked when it was read.
        let Some(business) = businesses.get(&conversation.business) else { continue };
        let record = play::play(&mut stage, business, &conversation).await;
        let record = record.map_err(|error| SandboxError::Evaluation(format!("{}: {error}", conversation.id)))?;
        let faults = judge(&conversation, businesses, &record);
        played.push((nth, Played { set, conversation, record, faults }));
    }
    stage.close().await?;
    Ok(played)
}
