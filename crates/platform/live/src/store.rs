//! What the stream reads of the outbox. Transaction ids travel as numbers: the driver does not know `xid8`.

use chrono::{DateTime, Utc};
use nmc_db::{DbError, ReadTx};

use crate::{
    Position,
    event::{Placed, STREAMED, StreamEvent},
};

/// Events of one page at most.
pub(crate) const PAGE: i64 = 200;

/// Events in order, as far as they were read.
#[derive(Debug)]
pub(crate) struct Read {
    /// Those that are streamed.
    pub(crate) events: Vec<Placed>,
    /// The last that was read, streamed or not; where reading began where there was none.
    pub(crate) to: Position,
    /// There may be more.
    pub(crate) is_full: bool,
}

/// The events after `after`, up to and including `up_to`, a page at most.
///
/// Only below the snapshot's xmin: those transactions have all ended, so nothing can come to stand among them any more.
pub(crate) async fn read(tx: &mut ReadTx, after: Position, up_to: Position) -> Result<Read, DbError> {
    let streamed: Vec<String> = STREAMED.iter().map(|&name| name.to_owned()).collect();
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select xid::text::bigint as "xid!", seq, id, event_name, schema_version, occurred_at, correlation_id,
                  case when event_name = any($7) then payload end as payload
           from outbox_events
           where tenant_id = $1
             and (xid, seq) > ($2::bigint::text::xid8, $3) and (xid, seq) <= ($4::bigint::text::xid8, $5)
             and xid < pg_snapshot_xmin(pg_current_snapshot())
           order by xid, seq
           limit $6"#,
        tenant.as_uuid(),
        after.xid,
        after.seq,
        up_to.xid,
        up_to.seq,
        PAGE,
        &streamed,
    )
    .fetch_all(tx.conn().await?)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|read| read == PAGE);
    let to = rows.last().map_or(after, |last| Position { xid: last.xid, seq: last.seq });
    let events = rows.into_iter().filter_map(|row| {
        let event = StreamEvent {
            event_id: row.id.into(),
            schema_version: row.schema_version,
            occurred_at: row.occurred_at,
            correlation_id: row.correlation_id.into(),
            payload: row.payload?,
        };
        Some(Placed { position: Position { xid: row.xid, seq: row.seq }, name: row.event_name, event })
    });
    Ok(Read { events: events.collect(), to, is_full })
}

/// The last event of which it is certain that nothing can come to stand before it any more.
pub(crate) async fn latest(tx: &mut ReadTx) -> Result<Option<Position>, DbError> {
    let tenant = tx.tenant();
    let latest = sqlx::query!(
        r#"select xid::text::bigint as "xid!", seq from outbox_events
           where tenant_id = $1 and xid < pg_snapshot_xmin(pg_current_snapshot())
           order by xid desc, seq desc
           limit 1"#,
        tenant.as_uuid()
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(latest.map(|row| Position { xid: row.xid, seq: row.seq }))
}

/// When the event at this place happened; nothing where none stands there.
pub(crate) async fn time_of(tx: &mut ReadTx, position: Position) -> Result<Option<DateTime<Utc>>, DbError> {
    let tenant = tx.tenant();
    let time = sqlx::query_scalar!(
        "select occurred_at from outbox_events
         where tenant_id = $1 and xid = $2::bigint::text::xid8 and seq = $3",
        tenant.as_uuid(),
        position.xid,
        position.seq
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(time)
}
