-- Identity: the businesses themselves. A tenant's row has the tenant as its id, so that it has the same key and stands
-- behind the same row security as everything else.
create table id_tenants (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  time_zone text not null,
  settings jsonb not null,
  status text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint id_tenants_pkey primary key (tenant_id, id),
  constraint id_tenants_is_itself check (id = tenant_id),
  constraint id_tenants_name_length check (length(name) between 1 and 120),
  -- Whether the zone exists is checked in code: Postgres' list of zones is not the one local times are computed with.
  constraint id_tenants_time_zone_length check (length(time_zone) between 1 and 64),
  constraint id_tenants_settings_versioned check (jsonb_typeof(settings -> 'version') is not distinct from 'number'),
  constraint id_tenants_status_words check (status in ('active', 'suspended'))
);
select nmc_protect('id_tenants');
-- Operators' commands run as either role (ADR 0018).
grant select, insert on id_tenants to nmc_app, nmc_dispatcher;
grant update (name, time_zone, settings, status, updated_at) on id_tenants to nmc_app, nmc_dispatcher;
