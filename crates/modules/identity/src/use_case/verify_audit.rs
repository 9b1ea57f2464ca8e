use nmc_db::{Db, DbError};
use nmc_kernel::Actor;

use crate::{
    model::audit::NO_HASH,
    store::{self, audit::Reached},
};

/// Rows read at once; a log of years is long.
const ROWS_PER_READ: i64 = 500;

/// What a look through the whole log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditChain {
    /// Every row follows from the one before.
    Whole {
        /// How many there are.
        entries: i64,
        /// The newest row's hash. Rows cut off at the end leave a chain that is whole: kept elsewhere, count and hash
        /// show that as well.
        newest_hash: Vec<u8>,
    },
    /// This row was changed, or the one before it was, or it is not there.
    Broken(Broken),
}

/// The first place where the chain does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The row's number; the log begins with 1.
    pub seq: i64,
}

pub(crate) async fn verify_audit(db: &Db, actor: &Actor) -> Result<AuditChain, DbError> {
    let mut reached = Reached { seq: 0, hash: NO_HASH.to_vec(), is_end: false };
    let mut tx = db.read(actor.tenant()).await?;
    while !reached.is_end {
        reached = match store::audit::follow(&mut tx, reached, ROWS_PER_READ).await? {
            Ok(reached) => reached,
            Err(broken) => return Ok(AuditChain::Broken(broken)),
        };
    }
    tx.finish().await?;
    Ok(AuditChain::Whole { entries: reached.seq, newest_hash: reached.hash })
}
