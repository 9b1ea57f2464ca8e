//! The log of who changed what: one chain per tenant.

use nmc_db::{DbError, ReadTx, Tx};
use nmc_kernel::Actor;
use sqlx::types::Uuid;

use crate::{
    AuditEntry, Broken,
    model::audit::{AuditedRow, NO_HASH, actor_words},
};

/// The class of the transaction advisory locks on a tenant's chain, 0x41554449 ("AUDI"), in Postgres' two-number key
/// space. The second number is a hash: two tenants may share one and then merely wait for each other.
const LOCK_CLASS: i32 = 0x4155_4449;

/// How far a chain has been followed.
pub(crate) struct Reached {
    pub(crate) seq: i64,
    pub(crate) hash: Vec<u8>,
    /// Whether there was nothing behind it.
    pub(crate) is_end: bool,
}

/// Adds the row behind the newest one, whose place is held to the end of the transaction.
pub(crate) async fn append(tx: &mut Tx, actor: &Actor, entry: &AuditEntry) -> Result<(), DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let id: Uuid = tx.ids().next();
    sqlx::query!("select pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS, tenant.to_string())
        .execute(tx.conn().await?)
        .await?;
    // A statement of its own: it sees what was committed while the one above waited.
    let newest = sqlx::query!(
        "select seq, hash from id_audit_log where tenant_id = $1 order by seq desc limit 1",
        tenant.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    let (seq, prev_hash) = newest.map_or((1, NO_HASH.to_vec()), |newest| (newest.seq + 1, newest.hash));
    let (actor_kind, actor_id) = actor_words(actor);
    let row = AuditedRow {
        tenant,
        seq,
        id,
        actor_kind,
        actor_id,
        action: entry.action,
        object: entry.object,
        object_id: entry.object_id,
        before: &entry.before,
        after: &entry.after,
        created_at: now,
    };
    let hash = row.hash(&prev_hash);
    sqlx::query!(
        "insert into id_audit_log (tenant_id, id, seq, actor_kind, actor_id, action, object, object_id, before, after,
                                   prev_hash, hash, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tenant.as_uuid(),
        id,
        seq,
        actor_kind,
        actor_id,
        entry.action,
        entry.object,
        entry.object_id,
        entry.before,
        entry.after,
        prev_hash,
        &hash[..],
        now
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(())
}

/// Follows the chain for up to `limit` rows behind `from`, or to the first row that does not fit.
pub(crate) async fn follow(tx: &mut ReadTx, from: Reached, limit: i64) -> Result<Result<Reached, Broken>, DbError> {
    let tenant = tx.tenant();
    let Reached { mut seq, mut hash, .. } = from;
    let rows = sqlx::query!(
        "select id, seq, actor_kind, actor_id, action, object, object_id, before, after, prev_hash, hash, created_at
         from id_audit_log where tenant_id = $1 and seq > $2 order by seq limit $3",
        tenant.as_uuid(),
        seq,
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    let is_end = i64::try_from(rows.len()).unwrap_or(i64::MAX) < limit;
    for row in rows {
        if row.seq != seq + 1 {
            return Ok(Err(Broken { seq: seq + 1 }));
        }
        let audited = AuditedRow {
            tenant,
            seq: row.seq,
            id: row.id,
            actor_kind: &row.actor_kind,
            actor_id: row.actor_id,
            action: &row.action,
            object: &row.object,
            object_id: row.object_id,
            before: &row.before,
            after: &row.after,
            created_at: row.created_at,
        };
        if row.prev_hash != hash || audited.hash(&hash)[..] != row.hash[..] {
            return Ok(Err(Broken { seq: row.seq }));
        }
        (seq, hash) = (row.seq, row.hash);
    }
    Ok(Ok(Reached { seq, hash, is_end }))
}
