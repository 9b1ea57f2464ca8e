-- Effects: kinds of calls to providers that operators have told to wait, on every dispatcher. A row is a pause; without
-- one the kind runs. It is the installation's, not a tenant's: no `tenant_id`, no row security.
create table effect_pauses (
  kind text primary key check (length(kind) between 1 and 64),
  paused_at timestamptz not null
);
grant select, insert, delete on effect_pauses to nmc_dispatcher;
grant select on effect_pauses to nmc_readonly, nmc_backup;

-- Tenants take turns: of each the intents that are due first, without reading what else it has queued.
create index effect_intents_turns on effect_intents (tenant_id, available_at, seq) where state = 'pending';

-- The same look-up as before in a language whose plans are kept for the session: a function in plain SQL that is not
-- inlined (this one runs as the owner) is parsed and planned anew by each statement that calls it.
create or replace function nmc_route(route_kind text, route_key text, out tenant_id uuid, out ref_id uuid)
returns setof record language plpgsql stable security definer rows 1 set search_path = pg_catalog, public as $$
#variable_conflict use_column
begin
  return query
    select r.tenant_id, r.ref_id from public.tenant_routes r
    where r.kind = route_kind and r.external_key = route_key;
end $$;
