-- A hold and its booking as the server's role asks for them, for pgbench. Statements and round trips are the server's: a
-- test and each run compare them with what the code asks.
--
-- {uuid x}, {uuids x}, {text x}, {time x}, {date x} stand for the variable x as that type, {none} for a null uuid; see
-- `script.rs`.
\set n :n + 1
\set id :client_id * 1000000000 + :n * 10
\set hold :id + 1
\set correlation :id + 2
\set appointment :id + 3
\set change :id + 4
\set hold_event :id + 5
\set book_event :id + 6
\set hold_key :id + 1
\set book_key :id + 2
\set resource :client_id + 1
\set start :first + :n * 900
\set end :start + 900
\set look_from :start - 43200
\set load_from :start - 93600
\set load_until :end + 7200

-- POST /v1/scheduling/holds
select tenant_id as "tenant!: TenantId", user_id as "user!: UserId", role as "role!: Role", active as "is_active!"
from nmc_signed_in(:clerk_user);
\startpipeline
begin;
select set_config('nmc.tenant_id', :tenant, true), now(), now() = statement_timestamp();
\endpipeline
select pg_advisory_xact_lock(:lock_class, hashtext({text hold_key}));
select fingerprint, answer from idempotency_keys where tenant_id = :tenant and user_id = :user
  and key = {text hold_key};
select t.name, t.time_zone, t.status, t.settings as "settings: Json<TenantSettings>",
       coalesce(g.enabled, true) as "is_open!"
from id_tenants t left join id_feature_gates g on g.tenant_id = :tenant and g.gate = :gate
where t.tenant_id = :tenant and t.id = :tenant;
select name, duration_minutes, price_cents, currency as "currency: Currency", active
from catalog_service_items where tenant_id = :tenant and id = :item;
select exists (select from sched_appointments a
               where a.tenant_id = :tenant and a.resource_id = {uuid resource} and a.status = 'booked'
                 and a.blocked_from >= {time look_from}
                 and a.blocked_from < {time end} and a.blocked_until > {time start} and a.id is distinct from {none})
    or exists (select from sched_holds h
               where h.tenant_id = :tenant and h.resource_id = {uuid resource}
                 and h.blocked_from >= {time look_from} and h.blocked_from < {time end}
                 and h.blocked_until > {time start} and h.expires_at > :now
                 and ({none}::uuid is null or h.conversation_id is distinct from {none})) as "is_taken!",
       own.id as "own_id?: HoldId", own.resource_id as "own_resource?: ResourceId",
       moved.status as "moved_status?: AppointmentStatus", moved.resource_id as "moved_resource?: ResourceId"
from sched_resources r
left join sched_holds own on own.tenant_id = :tenant and own.conversation_id = {none}
left join sched_appointments moved on moved.tenant_id = :tenant and moved.id = {none}
where r.tenant_id = :tenant and r.id = {uuid resource};
select id as "id: ResourceId", name, time_zone, weekly_hours as "weekly_hours: Json<OpeningHours>",
       buffer_before_minutes, buffer_after_minutes, minimum_notice_minutes, horizon_days,
       skills as "skills: Vec<ServiceItemId>", active, feed_version, created_at
from sched_resources where tenant_id = :tenant and id = any ({uuids resource}) order by id for no key update;
select r.id as "id: ResourceId", r.name, r.time_zone, r.weekly_hours as "weekly_hours: Json<OpeningHours>",
       r.buffer_before_minutes, r.buffer_after_minutes, r.minimum_notice_minutes, r.horizon_days,
       r.skills as "skills: Vec<ServiceItemId>", r.active, r.feed_version, r.created_at,
       array(select h.date from sched_holidays h
             where h.tenant_id = :tenant and h.date between {date load_from} and {date load_until}
               order by h.date) as "holidays!",
       busy.froms as "froms!", busy.untils as "untils!", busy.kinds as "kinds!"
from sched_resources r
cross join lateral (
  select coalesce(array_agg(x.from_at), '{}') as froms, coalesce(array_agg(x.until_at), '{}') as untils,
         coalesce(array_agg(x.kind), '{}') as kinds
  from (
    select a.blocked_from as from_at, a.blocked_until as until_at, 0 as kind from sched_appointments a
    where a.tenant_id = :tenant and a.resource_id = r.id and a.status = 'booked'
      and a.blocked_from >= {time load_from} and a.blocked_from < {time load_until} and a.id is distinct from {none}
    union all
    select h.blocked_from, h.blocked_until, 1 from sched_holds h
    where h.tenant_id = :tenant and h.resource_id = r.id and h.blocked_from >= {time load_from}
      and h.blocked_from < {time load_until}
      and h.expires_at > :now and ({none}::uuid is null or h.conversation_id is distinct from {none})
    union all
    select t.starts_at, t.ends_at, 2 from sched_time_off t
    where t.tenant_id = :tenant and t.resource_id = r.id and t.starts_at >= {time load_from}
      and t.starts_at < {time load_until}
    union all
    select e.starts_at, e.ends_at, 3 from sched_ext_busy e
    where e.tenant_id = :tenant and e.resource_id = r.id and e.starts_at >= {time load_from}
      and e.starts_at < {time load_until}
  ) x
) busy
where r.tenant_id = :tenant and ({uuids resource}::uuid[] is null or r.id = any ({uuids resource}))
  and (not :off or (r.active and ({none}::uuid is null or r.skills is null or {none} = any (r.skills))))
order by r.created_at, r.id limit :one;
insert into sched_holds (tenant_id, id, resource_id, expires_at, service_item_id, price_cents, currency,
                          conversation_id, correlation_id, user_id, moves_appointment_id, is_override, starts_at,
                          ends_at, blocked_from, blocked_until, created_at)
 values (:tenant, {uuid hold}, {uuid resource}, :expires, :item, :cents, :currency, {none}, {uuid correlation},
   :user, {none}, :off, {time start}, {time end}, {time start}, {time end}, :now)
 on conflict do nothing;
insert into timers (tenant_id, kind, ref_id, due_at, created_at) values (:tenant, :timer, {uuid hold}, :expires, :now)
 on conflict (tenant_id, kind, ref_id)
 do update set due_at = excluded.due_at, leased_until = null, attempts = 0, last_error = null;
insert into idempotency_keys (tenant_id, user_id, key, fingerprint, answer, created_at)
     values (:tenant, :user, {text hold_key}, :fingerprint, :hold_answer, :now);
insert into outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id,
                           causation_id, payload, order_key, traceparent, available_at)
select :tenant, e.id, e.name, e.version, e.occurred_at, e.correlation_id, e.causation_id, e.payload, e.order_key,
       e.traceparent, :now
from unnest({uuids hold_event}::uuid[], :hold_names::text[], :versions::text[], :times::timestamptz[],
  :correlations::uuid[], :causations::uuid[], :hold_payloads::jsonb[],
            :order_keys::text[], :traces::text[])
  as e(id, name, version, occurred_at, correlation_id, causation_id, payload, order_key, traceparent);
\startpipeline
select 1;
commit;
\endpipeline

-- POST /v1/scheduling/book
select tenant_id as "tenant!: TenantId", user_id as "user!: UserId", role as "role!: Role", active as "is_active!"
from nmc_signed_in(:clerk_user);
\startpipeline
begin;
select set_config('nmc.tenant_id', :tenant, true), now(), now() = statement_timestamp();
\endpipeline
select pg_advisory_xact_lock(:lock_class, hashtext({text book_key}));
select fingerprint, answer from idempotency_keys where tenant_id = :tenant and user_id = :user
  and key = {text book_key};
select t.name, t.time_zone, t.status, t.settings as "settings: Json<TenantSettings>",
       coalesce(g.enabled, true) as "is_open!"
from id_tenants t left join id_feature_gates g on g.tenant_id = :tenant and g.gate = :gate
where t.tenant_id = :tenant and t.id = :tenant;
select h.id as "id: _", h.resource_id as "resource_id: _", h.expires_at,
       h.service_item_id as "service_item_id: _", h.price_cents, h.currency as "currency: _",
       h.conversation_id as "conversation_id: _", h.correlation_id as "correlation_id: _",
       h.user_id as "user_id: _", h.moves_appointment_id as "moves_appointment_id: _", h.is_override,
       h.starts_at, h.ends_at, h.blocked_from, h.blocked_until, h.created_at
from sched_holds h join sched_resources r on r.tenant_id = :tenant and r.id = h.resource_id
where h.tenant_id = :tenant and h.id = {uuid hold}
for no key update of r;
with gone as (
  delete from sched_holds where tenant_id = :tenant and id = {uuid hold}
  returning resource_id, conversation_id, starts_at, ends_at, blocked_from, blocked_until
), booked as (
  insert into sched_appointments (tenant_id, id, resource_id, service_item_id, price_cents, currency,
                                  customer_phone, customer_name, customer_address, notes, conversation_id,
                                  correlation_id, booked_by, status, starts_at, ends_at, blocked_from,
                                  blocked_until, version, created_at)
  select :tenant, {uuid appointment}, resource_id, :item, :cents, :currency, :phone, :name, :address, :notes,
    conversation_id, {uuid correlation}, :booked_by, 'booked', starts_at, ends_at,
         blocked_from, blocked_until, 1, :now
  from gone on conflict do nothing
  returning id
), ended as (
  insert into sched_ended_holds (tenant_id, id, became, appointment_id, created_at)
  select :tenant, {uuid hold}, 'booked', id, :now from booked
), changed as (
  insert into sched_appointment_changes (tenant_id, id, appointment_id, version, what, user_id, resource_id,
                                         starts_at, ends_at, created_at)
  select :tenant, {uuid change}, booked.id, 1, 'booked', :user, gone.resource_id, gone.starts_at, gone.ends_at, :now
  from booked, gone
)
select count(*) as "count!" from booked;
delete from timers where tenant_id = :tenant and kind = :timer and ref_id = {uuid hold};
insert into idempotency_keys (tenant_id, user_id, key, fingerprint, answer, created_at)
     values (:tenant, :user, {text book_key}, :fingerprint, :book_answer, :now);
insert into outbox_events (tenant_id, id, event_name, schema_version, occurred_at, correlation_id,
                           causation_id, payload, order_key, traceparent, available_at)
select :tenant, e.id, e.name, e.version, e.occurred_at, e.correlation_id, e.causation_id, e.payload, e.order_key,
       e.traceparent, :now
from unnest({uuids book_event}::uuid[], :book_names::text[], :versions::text[], :times::timestamptz[],
  :correlations::uuid[], :causations::uuid[], :book_payloads::jsonb[],
            :order_keys::text[], :traces::text[])
  as e(id, name, version, occurred_at, correlation_id, causation_id, payload, order_key, traceparent);
\startpipeline
select 1;
commit;
\endpipeline
