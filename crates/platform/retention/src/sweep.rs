use futures::future::BoxFuture;
use nmc_db::{DbError, Tx};

/// One rule about one table: deletes, or empties of text, rows of the transaction's business that are old enough by
/// [`Tx::now`]; the oldest first, at most so many as given, none that others have locked. Says how many it was; fewer
/// than asked for means that no more are to be had now.
pub type Sweep = for<'a> fn(&'a mut Tx, i64) -> BoxFuture<'a, Result<u64, DbError>>;

/// All rules, in their order: what is deleted before what is emptied, what belongs to a row before the row.
#[derive(Clone, Debug, Default)]
pub struct Sweeps(Vec<(&'static str, Sweep)>);

impl Sweeps {
    /// Adds a rule; its name is for people: the table, and what of it goes.
    #[must_use]
    pub fn with(mut self, name: &'static str, sweep: Sweep) -> Self {
        self.0.push((name, sweep));
        self
    }

    /// The rules' names in their order.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, Sweep)> {
        self.0.iter().copied()
    }
}
