-- Scheduling: who can be booked, when they cannot, and what is held and booked.
--
-- A time a customer is told is `starts_at`/`ends_at`. What is kept free for it, buffers included, is
-- `blocked_from`/`blocked_until`: plain columns, because `&&` is not leakproof and row security then keeps it out of an
-- index condition. Searches use them; `timeslot`, made of them, carries the exclusion constraints, which are the proof
-- that nothing overlaps. Every write to holds, appointments, time off and external busy locks its resources' rows first.

-- A worker or team that can be booked.
create table sched_resources (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  -- Null: the business's.
  time_zone text,
  -- `OpeningHours` of the code.
  weekly_hours jsonb not null,
  buffer_before_minutes integer not null,
  buffer_after_minutes integer not null,
  minimum_notice_minutes integer not null,
  horizon_days integer not null,
  -- Ids of the service items it can do; null: all of them.
  skills uuid[],
  active boolean not null,
  -- Raised to make the calendar feed's earlier addresses void.
  feed_version integer not null,
  created_at timestamptz not null,
  constraint sched_resources_pkey primary key (tenant_id, id),
  constraint sched_resources_name_length check (length(name) between 1 and 80),
  constraint sched_resources_time_zone_length check (length(time_zone) between 1 and 64),
  constraint sched_resources_weekly_hours_small
    check (jsonb_typeof(weekly_hours) = 'object' and length(weekly_hours::text) <= 8000),
  constraint sched_resources_buffers
    check (buffer_before_minutes between 0 and 120 and buffer_after_minutes between 0 and 120),
  constraint sched_resources_minimum_notice check (minimum_notice_minutes between 0 and 43200),
  constraint sched_resources_horizon check (horizon_days between 1 and 365),
  constraint sched_resources_skills_few check (cardinality(skills) <= 500),
  constraint sched_resources_feed_version check (feed_version >= 1)
);
create unique index sched_resources_name on sched_resources (tenant_id, lower(name));
select nmc_protect('sched_resources');
grant select on sched_resources to nmc_app, nmc_dispatcher;
grant insert on sched_resources to nmc_app;
-- Locking a row takes a right to update: any column will do, and the dispatcher's expiry locks.
grant update (name, time_zone, weekly_hours, buffer_before_minutes, buffer_after_minutes, minimum_notice_minutes,
              horizon_days, skills, active, feed_version) on sched_resources to nmc_app;
grant update (feed_version) on sched_resources to nmc_dispatcher;

-- Days on which nobody of the business works.
create table sched_holidays (
  tenant_id uuid not null,
  id uuid not null,
  date date not null,
  name text not null,
  created_at timestamptz not null,
  constraint sched_holidays_pkey primary key (tenant_id, id),
  constraint sched_holidays_once unique (tenant_id, date),
  constraint sched_holidays_name_length check (length(name) between 1 and 80)
);
select nmc_protect('sched_holidays');
grant select on sched_holidays to nmc_app, nmc_dispatcher;
grant insert, delete on sched_holidays to nmc_app;
-- Retention passes by what others have locked, and locking takes a right to update.
grant delete, update (created_at) on sched_holidays to nmc_dispatcher;

-- When a resource is away, in pieces of at most 24 hours, so that a search knows how far back one can begin.
create table sched_time_off (
  tenant_id uuid not null,
  id uuid not null,
  -- The same in all pieces of one absence.
  absence_id uuid not null,
  resource_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text,
  created_at timestamptz not null,
  constraint sched_time_off_pkey primary key (tenant_id, id),
  constraint sched_time_off_resource foreign key (tenant_id, resource_id)
    references sched_resources (tenant_id, id) on delete cascade,
  constraint sched_time_off_piece check (starts_at < ends_at and ends_at - starts_at <= interval '24 hours'),
  constraint sched_time_off_reason_length check (length(reason) between 1 and 200)
);
create index sched_time_off_by_start on sched_time_off (tenant_id, resource_id, starts_at);
create index sched_time_off_of_absence on sched_time_off (tenant_id, absence_id, starts_at);
create index sched_time_off_by_end on sched_time_off (tenant_id, ends_at);
select nmc_protect('sched_time_off');
grant select on sched_time_off to nmc_app, nmc_dispatcher;
grant insert, delete on sched_time_off to nmc_app;
grant delete, update (created_at) on sched_time_off to nmc_dispatcher;

-- What a calendar elsewhere says a resource is busy with, in pieces as well.
create table sched_ext_busy (
  tenant_id uuid not null,
  id uuid not null,
  resource_id uuid not null,
  calendar_id uuid not null,
  -- The event over there.
  source_ref text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  created_at timestamptz not null,
  constraint sched_ext_busy_pkey primary key (tenant_id, id),
  constraint sched_ext_busy_resource foreign key (tenant_id, resource_id)
    references sched_resources (tenant_id, id) on delete cascade,
  constraint sched_ext_busy_once unique (tenant_id, calendar_id, source_ref, starts_at),
  constraint sched_ext_busy_piece check (starts_at < ends_at and ends_at - starts_at <= interval '24 hours'),
  constraint sched_ext_busy_source_ref_length check (length(source_ref) between 1 and 1024)
);
create index sched_ext_busy_by_start on sched_ext_busy (tenant_id, resource_id, starts_at);
create index sched_ext_busy_by_end on sched_ext_busy (tenant_id, ends_at);
select nmc_protect('sched_ext_busy');
grant select on sched_ext_busy to nmc_app, nmc_dispatcher;
grant delete, update (created_at) on sched_ext_busy to nmc_dispatcher;

-- Bookings.
create table sched_appointments (
  tenant_id uuid not null,
  id uuid not null,
  resource_id uuid not null,
  service_item_id uuid not null,
  price_cents bigint not null,
  currency text not null,
  customer_phone text not null,
  customer_name text,
  customer_address text,
  notes text,
  conversation_id uuid,
  -- Carried from the call to the report.
  correlation_id uuid not null,
  booked_by text not null,
  status text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  blocked_from timestamptz not null,
  blocked_until timestamptz not null,
  timeslot tstzrange not null generated always as (tstzrange(blocked_from, blocked_until, '[)')) stored,
  -- Raised by each change.
  version integer not null,
  created_at timestamptz not null,
  constraint sched_appointments_pkey primary key (tenant_id, id),
  constraint sched_appointments_resource foreign key (tenant_id, resource_id)
    references sched_resources (tenant_id, id) on delete restrict,
  -- `is true` keeps searches off this index. Planned for a business of average size it looks as cheap as
  -- `sched_appointments_busy`, and it would be read for all that a resource was ever booked for.
  constraint sched_appointments_no_overlap
    exclude using gist (tenant_id with =, resource_id with =, timeslot with &&) where ((status = 'booked') is true),
  constraint sched_appointments_in_order check
    (blocked_from <= starts_at and starts_at < ends_at and ends_at <= blocked_until
     and blocked_until - blocked_from <= interval '12 hours'),
  constraint sched_appointments_status_words check (status in ('booked', 'cancelled', 'completed', 'no_show')),
  constraint sched_appointments_booked_by_words check (booked_by in ('automation', 'user')),
  constraint sched_appointments_price check (price_cents between 0 and 100000000),
  constraint sched_appointments_currency_form check (currency ~ '^[A-Z]{3}$'),
  constraint sched_appointments_customer_name_length check (length(customer_name) between 1 and 120),
  constraint sched_appointments_customer_address_length check (length(customer_address) between 1 and 300),
  constraint sched_appointments_notes_length check (length(notes) between 1 and 2000),
  constraint sched_appointments_version check (version >= 1)
);
create index sched_appointments_busy on sched_appointments (tenant_id, resource_id, blocked_from) include (blocked_until)
  where status = 'booked';
create index sched_appointments_by_start on sched_appointments (tenant_id, starts_at, id);
create index sched_appointments_of_resource on sched_appointments (tenant_id, resource_id, starts_at, id);
create index sched_appointments_of_customer on sched_appointments (tenant_id, customer_phone, starts_at);
-- What retention empties.
create index sched_appointments_with_words on sched_appointments (tenant_id, ends_at)
  where customer_address is not null or notes is not null;
select nmc_protect('sched_appointments');
grant select, insert on sched_appointments to nmc_app, nmc_dispatcher;
grant update (resource_id, status, starts_at, ends_at, blocked_from, blocked_until, customer_name, customer_address,
              notes, version) on sched_appointments to nmc_app, nmc_dispatcher;
grant delete on sched_appointments to nmc_dispatcher, nmc_app;

-- What happened to an appointment, and who did it.
create table sched_appointment_changes (
  tenant_id uuid not null,
  id uuid not null,
  appointment_id uuid not null,
  -- The version of the appointment that the change made.
  version integer not null,
  what text not null,
  -- Null: the automation.
  user_id uuid,
  -- Where it lay from then on.
  resource_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text,
  created_at timestamptz not null,
  constraint sched_appointment_changes_pkey primary key (tenant_id, id),
  constraint sched_appointment_changes_appointment foreign key (tenant_id, appointment_id)
    references sched_appointments (tenant_id, id) on delete cascade,
  constraint sched_appointment_changes_once unique (tenant_id, appointment_id, version),
  constraint sched_appointment_changes_what_words
    check (what in ('booked', 'moved', 'corrected', 'cancelled', 'completed', 'no_show')),
  constraint sched_appointment_changes_reason_words check
    (reason is null or (what = 'cancelled' and reason in ('user', 'tenant', 'system', 'conflict')))
);
select nmc_protect('sched_appointment_changes');
grant select, insert on sched_appointment_changes to nmc_app, nmc_dispatcher;

-- Reservations for a quarter of an hour. One that ends leaves this table in the transaction that ends it, and so blocks
-- nothing (ADR 0006); what became of it stays in `sched_ended_holds`.
create table sched_holds (
  tenant_id uuid not null,
  id uuid not null,
  resource_id uuid not null,
  expires_at timestamptz not null,
  -- What is to be done, and the price that was said; null: to be quoted when it is booked.
  service_item_id uuid,
  price_cents bigint,
  currency text,
  conversation_id uuid,
  correlation_id uuid not null,
  -- Who asked for it; null: the automation.
  user_id uuid,
  -- The appointment that is to move here, which is no obstacle to itself.
  moves_appointment_id uuid,
  -- Whether a person set the resource's rules aside on purpose.
  is_override boolean not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  blocked_from timestamptz not null,
  blocked_until timestamptz not null,
  timeslot tstzrange not null generated always as (tstzrange(blocked_from, blocked_until, '[)')) stored,
  created_at timestamptz not null,
  constraint sched_holds_pkey primary key (tenant_id, id),
  constraint sched_holds_resource foreign key (tenant_id, resource_id)
    references sched_resources (tenant_id, id) on delete restrict,
  constraint sched_holds_no_overlap
    exclude using gist (tenant_id with =, resource_id with =, timeslot with &&),
  constraint sched_holds_in_order check
    (blocked_from <= starts_at and starts_at < ends_at and ends_at <= blocked_until
     and blocked_until - blocked_from <= interval '12 hours'),
  constraint sched_holds_price check (price_cents between 0 and 100000000),
  constraint sched_holds_quoted check
    ((price_cents is null) = (currency is null) and (price_cents is null or service_item_id is not null)),
  constraint sched_holds_currency_form check (currency ~ '^[A-Z]{3}$'),
  constraint sched_holds_expires check (expires_at > created_at)
);
create index sched_holds_busy on sched_holds (tenant_id, resource_id, blocked_from) include (blocked_until, expires_at);
-- A conversation holds one timeslot at a time.
create unique index sched_holds_one_of_conversation on sched_holds (tenant_id, conversation_id);
select nmc_protect('sched_holds');
grant select, insert, delete on sched_holds to nmc_app, nmc_dispatcher;

-- What became of the holds that have ended, for a while: who comes late is told so, and who books twice gets the same
-- appointment.
create table sched_ended_holds (
  tenant_id uuid not null,
  -- The hold's.
  id uuid not null,
  became text not null,
  -- What it was booked as, or moved.
  appointment_id uuid,
  created_at timestamptz not null,
  constraint sched_ended_holds_pkey primary key (tenant_id, id),
  constraint sched_ended_holds_became_words check (became in ('booked', 'released', 'expired')),
  constraint sched_ended_holds_booked check ((appointment_id is not null) = (became = 'booked'))
);
create index sched_ended_holds_by_time on sched_ended_holds (tenant_id, created_at);
select nmc_protect('sched_ended_holds');
grant select, insert on sched_ended_holds to nmc_app, nmc_dispatcher;
grant delete, update (created_at) on sched_ended_holds to nmc_dispatcher;
