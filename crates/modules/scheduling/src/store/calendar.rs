//! What a resource's time is judged by, in one round trip.
//!
//! Ranges are found by their plain columns: `&&` is not leakproof, and row security keeps it out of an index condition.
//! None is longer than 24 hours (what is booked or held: 12), so a range that meets the window and the buffers around it
//! begins at most so long before.

use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use nmc_db::{DbError, ReadTx};
use nmc_identity::OpeningHours;
use nmc_kernel::{AppointmentId, ConversationId, HoldId, ResourceId, ServiceItemId, Timeslot};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Damaged, resource::ResourceRow};
use crate::{
    AppointmentStatus, Resource,
    model::availability::{Busy, BusyWith, Rules},
};

/// The longest range there is.
const RANGE_MAX: Duration = Duration::hours(24);
/// The longest buffer: a slot at either end of the window keeps so much beyond it free.
const BUFFER_MAX: Duration = Duration::minutes(120);

/// Whose calendars, and what in them is no obstacle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// None: all of the business's.
    pub(crate) resources: Option<&'a [ResourceId]>,
    /// Only those that can be booked for this. None: whatever they are.
    pub(crate) bookable: Option<Bookable>,
    /// What times will be asked about.
    pub(crate) window: Timeslot,
    /// What this conversation holds is free to it.
    pub(crate) conversation: Option<ConversationId>,
    /// What is to be moved is free.
    pub(crate) moves: Option<AppointmentId>,
}

/// An active resource, that can do the job where one is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bookable(pub(crate) Option<ServiceItemId>);

/// What a resource's time is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    pub(crate) resource: Resource,
    pub(crate) holidays: Vec<NaiveDate>,
    pub(crate) busy: Vec<Busy>,
}

impl Calendar {
    /// The rules, in a business of that time zone.
    pub(crate) fn rules(&self, business: Tz) -> Rules {
        Rules {
            zone: self.resource.zone(business),
            hours: self.resource.weekly_hours.clone(),
            holidays: self.holidays.clone(),
            buffer_before: self.resource.buffer_before(),
            buffer_after: self.resource.buffer_after(),
            minimum_notice: self.resource.minimum_notice(),
            horizon: self.resource.horizon(),
        }
    }
}

/// Reads the calendars, the oldest resource first: at most `limit`.
pub(crate) async fn load(tx: &mut ReadTx, question: &Question<'_>, limit: i64) -> Result<Vec<Calendar>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let ids: Option<Vec<Uuid>> = question.resources.map(|ids| ids.iter().map(|id| id.as_uuid()).collect());
    let (from, until) = (question.window.start() - BUFFER_MAX - RANGE_MAX, question.window.end() + BUFFER_MAX);
    // Local dates are at most a day from UTC's.
    let first_day = question.window.start().date_naive() - Days::new(2);
    let last_day = question.window.end().date_naive() + Days::new(2);
    let rows = sqlx::query!(
        r#"
        select r.id as "id: ResourceId", r.name, r.time_zone, r.weekly_hours as "weekly_hours: Json<OpeningHours>",
               r.buffer_before_minutes, r.buffer_after_minutes, r.minimum_notice_minutes, r.horizon_days,
               r.skills as "skills: Vec<ServiceItemId>", r.active, r.feed_version, r.created_at,
               array(select h.date from sched_holidays h
                     where h.tenant_id = $1 and h.date between $5 and $6 order by h.date) as "holidays!",
               busy.froms as "froms!", busy.untils as "untils!", busy.kinds as "kinds!"
        from sched_resources r
        cross join lateral (
          select coalesce(array_agg(x.from_at), '{}') as froms, coalesce(array_agg(x.until_at), '{}') as untils,
                 coalesce(array_agg(x.kind), '{}') as kinds
          from (
            select a.blocked_from as from_at, a.blocked_until as until_at, 0 as kind from sched_appointments a
            where a.tenant_id = $1 and a.resource_id = r.id and a.status = 'booked'
              and a.blocked_from >= $3 and a.blocked_from < $4 and a.id is distinct from $8
            union all
            select h.blocked_from, h.blocked_until, 1 from sched_holds h
            where h.tenant_id = $1 and h.resource_id = r.id and h.blocked_from >= $3 and h.blocked_from < $4
              and h.expires_at > $7 and ($9::uuid is null or h.conversation_id is distinct from $9)
            union all
            select t.starts_at, t.ends_at, 2 from sched_time_off t
            where t.tenant_id = $1 and t.resource_id = r.id and t.starts_at >= $3 and t.starts_at < $4
            union all
            select e.starts_at, e.ends_at, 3 from sched_ext_busy e
            where e.tenant_id = $1 and e.resource_id = r.id and e.starts_at >= $3 and e.starts_at < $4
          ) x
        ) busy
        where r.tenant_id = $1 and ($2::uuid[] is null or r.id = any ($2))
          and (not $10 or (r.active and ($11::uuid is null or r.skills is null or $11 = any (r.skills))))
        order by r.created_at, r.id limit $12
        "#,
        tenant.as_uuid(),
        ids.as_deref(),
        from,
        until,
        first_day,
        last_day,
        now,
        question.moves.map(AppointmentId::as_uuid),
        question.conversation.map(ConversationId::as_uuid),
        question.bookable.is_some(),
        question.bookable.and_then(|bookable| bookable.0).map(ServiceItemId::as_uuid),
        limit
    )
    .fetch_all(tx.conn().await?)
    .await?;
    let mut calendars = Vec::with_capacity(rows.len());
    for row in rows {
        let busy = busy(&row.froms, &row.untils, &row.kinds)?;
        let resource = ResourceRow {
            id: row.id,
            name: row.name,
            time_zone: row.time_zone,
            weekly_hours: row.weekly_hours,
            buffer_before_minutes: row.buffer_before_minutes,
            buffer_after_minutes: row.buffer_after_minutes,
            minimum_notice_minutes: row.minimum_notice_minutes,
            horizon_days: row.horizon_days,
            skills: row.skills,
            active: row.active,
            feed_version: row.feed_version,
            created_at: row.created_at,
        };
        calendars.push(Calendar { resource: resource.try_into()?, holidays: row.holidays, busy });
    }
    Ok(calendars)
}

fn busy(froms: &[DateTime<Utc>], untils: &[DateTime<Utc>], kinds: &[i32]) -> Result<Vec<Busy>, Damaged> {
    let ranges = froms.iter().zip(untils).zip(kinds);
    ranges
        .map(|((&from, &until), kind)| {
            let with = match kind {
                0 => BusyWith::Appointment,
                1 => BusyWith::Hold,
                2 => BusyWith::TimeOff,
                3 => BusyWith::External,
                _ => return Err(Damaged("kind")),
            };
            Ok(Busy { from, until, with })
        })
        .collect()
}

/// Whether the business has all of these resources, and the appointment.
pub(crate) async fn knows(
    tx: &mut ReadTx,
    resources: Option<&[ResourceId]>,
    appointment: Option<AppointmentId>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let ids: Option<Vec<Uuid>> = resources.map(|ids| ids.iter().map(|id| id.as_uuid()).collect());
    let knows = sqlx::query_scalar!(
        r#"
        select ($2::uuid[] is null
                or not exists (select from unnest($2::uuid[]) as asked (id) where not exists (
                     select from sched_resources r where r.tenant_id = $1 and r.id = asked.id)))
           and ($3::uuid is null or exists (select from sched_appointments a where a.tenant_id = $1 and a.id = $3)) as "knows!"
        "#,
        tenant.as_uuid(),
        ids.as_deref(),
        appointment.map(AppointmentId::as_uuid)
    )
    .fetch_one(tx.conn().await?)
    .await?;
    Ok(knows)
}

/// What a hold looks at before it locks anything.
pub(crate) struct Look {
    /// Whether somebody else has the time already.
    pub(crate) is_taken: bool,
    /// What the conversation holds.
    pub(crate) own_hold: Option<(HoldId, ResourceId)>,
    /// Where the appointment that is to be moved stands, and with whom; none: there is no such appointment.
    pub(crate) moved: Option<(AppointmentStatus, ResourceId)>,
}

/// Looks once whether the time is free, without any lock; nothing where there is no such resource. A hint: buffers and
/// everything else are judged under the lock.
pub(crate) async fn look(
    tx: &mut ReadTx,
    resource: ResourceId,
    slot: Timeslot,
    conversation: Option<ConversationId>,
    moves: Option<AppointmentId>,
) -> Result<Option<Look>, DbError> {
    let (tenant, now) = (tx.tenant(), tx.now());
    let row = sqlx::query!(
        r#"
        select exists (select from sched_appointments a
                       where a.tenant_id = $1 and a.resource_id = $2 and a.status = 'booked' and a.blocked_from >= $3
                         and a.blocked_from < $5 and a.blocked_until > $4 and a.id is distinct from $8)
            or exists (select from sched_holds h
                       where h.tenant_id = $1 and h.resource_id = $2 and h.blocked_from >= $3 and h.blocked_from < $5
                         and h.blocked_until > $4 and h.expires_at > $6
                         and ($7::uuid is null or h.conversation_id is distinct from $7)) as "is_taken!",
               own.id as "own_id?: HoldId", own.resource_id as "own_resource?: ResourceId",
               moved.status as "moved_status?: AppointmentStatus", moved.resource_id as "moved_resource?: ResourceId"
        from sched_resources r
        left join sched_holds own on own.tenant_id = $1 and own.conversation_id = $7
        left join sched_appointments moved on moved.tenant_id = $1 and moved.id = $8
        where r.tenant_id = $1 and r.id = $2
        "#,
        tenant.as_uuid(),
        resource.as_uuid(),
        slot.start() - RANGE_MAX,
        slot.start(),
        slot.end(),
        now,
        conversation.map(ConversationId::as_uuid),
        moves.map(AppointmentId::as_uuid)
    )
    .fetch_optional(tx.conn().await?)
    .await?;
    Ok(row.map(|row| Look {
        is_taken: row.is_taken,
        own_hold: row.own_id.zip(row.own_resource),
        moved: row.moved_status.zip(row.moved_resource),
    }))
}
