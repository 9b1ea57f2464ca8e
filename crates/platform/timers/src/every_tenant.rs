//! What is done for every business by time: one timer each, which its firing sets again.

use chrono::Duration;
use nmc_db::{Db, DbError};
use nmc_kernel::{Random, TenantId};
use uuid::Uuid;

/// Businesses given their timer with one commit.
const PAGE: i64 = 200;

/// Gives every business that has no timer of `kind` one, due at a random moment within `spread`, so that thousands of
/// businesses are not due at once. Its subject is the business itself. Says how many were missing.
///
/// `db` connects as the dispatcher's role. May run beside itself.
pub async fn set_for_every_tenant(
    db: &Db,
    kind: &'static str,
    spread: Duration,
    random: &Random,
) -> Result<usize, DbError> {
    let (mut set, mut after) = (0, Uuid::nil());
    loop {
        let mut tx = db.begin_system().await?;
        let missing = sqlx::query_scalar!(
            r#"select known.tenant_id as "tenant_id!: TenantId" from nmc_tenants() as known(tenant_id)
               where known.tenant_id > $3
                 and not exists (select from timers t where t.tenant_id = known.tenant_id and t.kind = $1)
               order by 1 limit $2"#,
            kind,
            PAGE,
            after
        )
        .fetch_all(tx.conn()?)
        .await?;
        let Some(last) = missing.last() else {
            tx.roll_back().await?;
            return Ok(set);
        };
        set += missing.len();
        after = last.as_uuid();
        for tenant in missing {
            let tx = tx.enter(tenant).await?;
            let now = tx.now();
            let due_at = now + part_of(spread, random);
            sqlx::query!(
                "insert into timers (tenant_id, kind, ref_id, due_at, created_at) values ($1, $2, $1, $3, $4)
                 on conflict do nothing",
                tenant.as_uuid(),
                kind,
                due_at,
                now
            )
            .execute(tx.conn().await?)
            .await?;
        }
        tx.commit().await?;
    }
}

/// A random part of it, in whole milliseconds.
fn part_of(spread: Duration, random: &Random) -> Duration {
    let milliseconds = u64::try_from(spread.num_milliseconds()).unwrap_or(0).max(1);
    Duration::milliseconds(i64::try_from(random.u64() % milliseconds).unwrap_or(0))
}
