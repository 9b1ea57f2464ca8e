-- Catalog: the jobs a business sells, and the words callers have for them.

-- A bookable job. Nothing is deleted: what is not sold any more is inactive, and appointments still name it.
create table catalog_service_items (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  duration_minutes integer not null,
  price_cents bigint not null,
  currency text not null,
  active boolean not null,
  description text,
  created_at timestamptz not null,
  constraint catalog_service_items_pkey primary key (tenant_id, id),
  constraint catalog_service_items_name_length check (length(name) between 1 and 80),
  constraint catalog_service_items_duration check (duration_minutes between 1 and 480),
  constraint catalog_service_items_price check (price_cents between 0 and 100000000),
  constraint catalog_service_items_currency_form check (currency ~ '^[A-Z]{3}$'),
  constraint catalog_service_items_description_length check (length(description) between 1 and 500),
  -- A business has one currency: prices can be compared and added up.
  constraint catalog_service_items_one_currency exclude using gist (tenant_id with =, currency with <>)
);
create unique index catalog_service_items_name on catalog_service_items (tenant_id, lower(name));
create index catalog_service_items_by_time on catalog_service_items (tenant_id, created_at, id);
select nmc_protect('catalog_service_items');
grant select on catalog_service_items to nmc_app, nmc_dispatcher;
grant insert on catalog_service_items to nmc_app;
grant update (name, duration_minutes, price_cents, currency, active, description) on catalog_service_items to nmc_app;

-- Other words for a job; of two that match equally well, that with the higher priority counts.
create table catalog_item_aliases (
  tenant_id uuid not null,
  id uuid not null,
  item_id uuid not null,
  alias_text text not null,
  priority smallint not null,
  created_at timestamptz not null,
  constraint catalog_item_aliases_pkey primary key (tenant_id, id),
  constraint catalog_item_aliases_item foreign key (tenant_id, item_id)
    references catalog_service_items (tenant_id, id) on delete cascade,
  constraint catalog_item_aliases_once unique (tenant_id, item_id, alias_text),
  constraint catalog_item_aliases_text_length check (length(alias_text) between 1 and 120),
  constraint catalog_item_aliases_text_lower check (alias_text = lower(alias_text)),
  constraint catalog_item_aliases_priority check (priority between 0 and 255)
);
select nmc_protect('catalog_item_aliases');
grant select on catalog_item_aliases to nmc_app, nmc_dispatcher;
grant insert, delete on catalog_item_aliases to nmc_app;
