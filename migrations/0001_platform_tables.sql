-- Shared plumbing: tenant routes, webhook deduplication, the outbox, timers and effect intents.
-- Roles (nmc_owner, nmc_app, nmc_dispatcher, nmc_readonly, nmc_backup) and extensions exist before the first
-- migration: provisioning makes them, because only a superuser can.

-- The second wall between tenants (ADR 0012): enabled and forced, so that it holds for the tables' owner too.
-- `nullif`: after a commit the local setting reads as an empty string, not as null.
create function nmc_protect(protected regclass) returns void
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', protected);
  execute format('alter table %s force row level security', protected);
  execute format(
    'create policy tenant on %s using (tenant_id = nullif(current_setting(''nmc.tenant_id'', true), '''')::uuid) '
    'with check (tenant_id = nullif(current_setting(''nmc.tenant_id'', true), '''')::uuid)', protected);
  execute format('grant select on %s to nmc_readonly, nmc_backup', protected);
end $$;
revoke execute on function nmc_protect(regclass) from public;

-- What the dispatcher may see and lock across tenants, to find what is due. What it may change is said by column
-- grants; everything else it does inside a tenant, like any other role.
create function nmc_let_dispatcher_claim(claimed regclass) returns void
language plpgsql as $$
begin
  execute format('create policy dispatcher_read on %s for select to nmc_dispatcher using (true)', claimed);
  execute format('create policy dispatcher_claim on %s for update to nmc_dispatcher using (true) with check (true)', claimed);
end $$;
revoke execute on function nmc_let_dispatcher_claim(regclass) from public;

grant usage on schema public to nmc_app, nmc_dispatcher, nmc_readonly, nmc_backup;
-- A process is ready only when it sees every migration it knows applied.
grant select on _sqlx_migrations to nmc_app, nmc_dispatcher, nmc_readonly, nmc_backup;

-- The one place with uniqueness across tenants: what an outside key (a receiving number, a Clerk user) belongs to.
create table tenant_routes (
  kind text not null check (kind in ('twilio-number', 'clerk-user', 'stripe-customer', 'calendar-channel', 'jobber-account')),
  external_key text not null check (length(external_key) between 1 and 255),
  tenant_id uuid not null,
  ref_id uuid not null,
  created_at timestamptz not null,
  primary key (kind, external_key)
);
create index tenant_routes_by_tenant on tenant_routes (tenant_id);
alter table tenant_routes enable row level security;
create policy tenant on tenant_routes
  using (tenant_id = nullif(current_setting('nmc.tenant_id', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('nmc.tenant_id', true), '')::uuid);
grant select, insert, delete on tenant_routes to nmc_app, nmc_dispatcher;
grant select on tenant_routes to nmc_readonly, nmc_backup;

-- Runs as the table's owner, for whom row security is not forced: the look-up from before the tenant is known.
create function nmc_route(route_kind text, route_key text, out tenant_id uuid, out ref_id uuid)
returns setof record language sql stable security definer set search_path = pg_catalog, public as $$
  select r.tenant_id, r.ref_id from public.tenant_routes r where r.kind = route_kind and r.external_key = route_key
$$;
revoke execute on function nmc_route(text, text) from public;
grant execute on function nmc_route(text, text) to nmc_app, nmc_dispatcher;

-- ADR 0007: one row per webhook that was taken, before a tenant is known.
create table webhook_events (
  provider text not null check (provider in ('twilio', 'stripe', 'google', 'jobber', 'clerk')),
  event_id text not null check (length(event_id) between 1 and 255),
  received_at timestamptz not null,
  payload_hash bytea not null check (length(payload_hash) = 32),
  primary key (provider, event_id)
);
create index webhook_events_by_age on webhook_events (received_at);
grant select, insert on webhook_events to nmc_app, nmc_dispatcher;
grant delete on webhook_events to nmc_dispatcher;
grant select on webhook_events to nmc_readonly, nmc_backup;

-- The outbox. Lane 0: ready, delivered in batches. Lane 1: one event at a time (retries, parked versions, and what
-- a failed batch or a dead worker left behind). `xid` stands before `seq` so that a row's transaction has its id
-- before the row takes its place in the sequence: the low-water mark relies on it.
create table outbox_events (
  tenant_id uuid not null,
  id uuid not null,
  xid xid8 not null default pg_current_xact_id(),
  seq bigint not null generated always as identity,
  event_name text not null,
  schema_version text not null,
  occurred_at timestamptz not null,
  correlation_id uuid not null,
  causation_id uuid,
  payload jsonb not null,
  order_key text,
  traceparent text,
  lane smallint not null default 0 check (lane in (0, 1)),
  attempts smallint not null default 0 check (attempts >= 0),
  available_at timestamptz not null,
  last_error text,
  dispatched_at timestamptz,
  primary key (tenant_id, id)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.02);
create index outbox_events_ready on outbox_events (seq) where lane = 0 and dispatched_at is null;
create index outbox_events_retry on outbox_events (available_at) where lane = 1 and dispatched_at is null;
select nmc_protect('outbox_events');
select nmc_let_dispatcher_claim('outbox_events');
grant select, insert on outbox_events to nmc_app, nmc_dispatcher;
grant update (lane, attempts, available_at, last_error, dispatched_at) on outbox_events to nmc_dispatcher;

-- The ledger: which consumer has taken which event. It outlives its event.
create table outbox_consumed (
  tenant_id uuid not null,
  consumer text not null,
  event_id uuid not null,
  primary key (tenant_id, consumer, event_id)
);
select nmc_protect('outbox_consumed');
create policy dispatcher_read on outbox_consumed for select to nmc_dispatcher using (true);
create policy dispatcher_insert on outbox_consumed for insert to nmc_dispatcher with check (true);
grant select, insert on outbox_consumed to nmc_dispatcher;

-- Which events a worker is about to run. A row whose worker's session lock is gone belongs to a worker that died.
create table outbox_runs (
  worker bigint primary key,
  event_seqs bigint[] not null,
  started_at timestamptz not null
);
grant select, insert, update, delete on outbox_runs to nmc_dispatcher;
grant select on outbox_runs to nmc_readonly, nmc_backup;

-- What a consumer failed on for good, kept whole for a person to act on (ADR 0008).
create table outbox_dead_letters (
  tenant_id uuid not null,
  id uuid not null,
  event_id uuid not null,
  consumer text not null,
  error text not null,
  attempts smallint not null,
  envelope jsonb not null,
  created_at timestamptz not null,
  resolution text check (resolution in ('replayed', 'discarded')),
  resolved_at timestamptz,
  primary key (tenant_id, id),
  check ((resolution is null) = (resolved_at is null))
);
create index outbox_dead_letters_open on outbox_dead_letters (tenant_id, created_at) where resolution is null;
create unique index outbox_dead_letters_once on outbox_dead_letters (tenant_id, consumer, event_id) where resolution is null;
select nmc_protect('outbox_dead_letters');
create policy dispatcher_read on outbox_dead_letters for select to nmc_dispatcher using (true);
grant select, insert on outbox_dead_letters to nmc_dispatcher;
grant update (resolution, resolved_at) on outbox_dead_letters to nmc_dispatcher;

-- Everything that falls due by time, written in the same transaction as its subject.
create table timers (
  tenant_id uuid not null,
  kind text not null,
  ref_id uuid not null,
  due_at timestamptz not null,
  leased_until timestamptz,
  attempts smallint not null default 0 check (attempts >= 0),
  last_error text,
  created_at timestamptz not null,
  primary key (tenant_id, kind, ref_id)
) with (autovacuum_vacuum_scale_factor = 0.02);
create index timers_due on timers (due_at);
select nmc_protect('timers');
select nmc_let_dispatcher_claim('timers');
grant select, insert, delete on timers to nmc_app, nmc_dispatcher;
grant update (due_at, leased_until, attempts, last_error) on timers to nmc_dispatcher;
grant update (due_at, leased_until, attempts, last_error) on timers to nmc_app;

-- Calls to the outside world (ADR 0013): written with the decision they follow from, driven by the effects engine.
create table effect_intents (
  tenant_id uuid not null,
  id uuid not null,
  seq bigint not null generated always as identity,
  kind text not null,
  purpose_key text not null check (length(purpose_key) between 1 and 255),
  order_key text not null,
  state text not null check (state in ('pending', 'in_flight', 'unknown', 'accepted', 'failed', 'cancelled', 'expired', 'review')),
  attempt integer not null default 0 check (attempt >= 0),
  answered_attempts integer not null default 0 check (answered_attempts >= 0),
  owner bigint,
  claimed_at timestamptz,
  available_at timestamptz not null,
  useful_until timestamptz not null,
  empty_looks smallint not null default 0 check (empty_looks >= 0),
  request jsonb not null,
  outcome jsonb,
  correlation_id uuid not null,
  causation_id uuid,
  traceparent text,
  created_at timestamptz not null,
  finished_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, purpose_key),
  check ((state = 'in_flight') <= (owner is not null and claimed_at is not null)),
  check ((state in ('accepted', 'failed', 'cancelled', 'expired')) = (finished_at is not null))
) with (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 80);
create index effect_intents_due on effect_intents (available_at) where state in ('pending', 'unknown');
create index effect_intents_in_flight on effect_intents (claimed_at) where state = 'in_flight';
create index effect_intents_unfinished on effect_intents (tenant_id, order_key, seq)
  where state in ('pending', 'in_flight', 'unknown');
create index effect_intents_review on effect_intents (tenant_id, created_at) where state = 'review';
select nmc_protect('effect_intents');
select nmc_let_dispatcher_claim('effect_intents');
grant select, insert on effect_intents to nmc_app, nmc_dispatcher;
grant update (state, available_at, outcome, finished_at) on effect_intents to nmc_app;
grant update (state, attempt, answered_attempts, owner, claimed_at, available_at, empty_looks, outcome, finished_at)
  on effect_intents to nmc_dispatcher;
