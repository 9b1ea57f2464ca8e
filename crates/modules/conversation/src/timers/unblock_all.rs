use nmc_db::{DbError, Tx};
use nmc_timers::{Timer, TimerError};
use uuid::Uuid;

use super::unblock::UnblockTimer;
use crate::store;

/// Conversations that fall due in one transaction.
const BATCH: usize = 100;

/// The campaign is approved: every blocked conversation falls due, batch by batch. The timer's subject is the
/// conversation after which the batch begins, so that each firing leaves a timer of its own behind.
pub(crate) struct UnblockAllTimer;

impl UnblockAllTimer {
    /// Makes the next blocked conversations after `after` fall due, and goes on with the rest another time.
    pub(crate) async fn next(tx: &mut Tx, after: Uuid) -> Result<(), DbError> {
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let (now, blocked) = (tx.now(), store::conversation::blocked(tx, after, limit).await?);
        for id in &blocked {
            nmc_timers::set(tx, UnblockTimer::KIND, *id, now).await?;
        }
        match blocked.last() {
            Some(last) if blocked.len() == BATCH => nmc_timers::set(tx, Self::KIND, *last, now).await,
            _ => Ok(()),
        }
    }
}

impl Timer for UnblockAllTimer {
    const KIND: &'static str = "conversation.unblock-all";

    async fn fire(&self, tx: &mut Tx, ref_id: Uuid) -> Result<(), TimerError> {
        Ok(Self::next(tx, ref_id).await?)
    }
}
