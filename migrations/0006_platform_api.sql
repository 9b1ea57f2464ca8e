-- What the API needs for itself: the first answers of requests that may be repeated, and the live stream's way
-- through the outbox.

-- One row per request that came with an `Idempotency-Key` and did what it asked, written in the transaction that did
-- it. Kept for 24 hours.
create table idempotency_keys (
  tenant_id uuid not null,
  user_id uuid not null,
  key text not null,
  fingerprint bytea not null,
  answer jsonb not null,
  created_at timestamptz not null,
  constraint idempotency_keys_pkey primary key (tenant_id, user_id, key),
  constraint idempotency_keys_visible check (key ~ '^[!-~]{1,255}$'),
  constraint idempotency_keys_sha256 check (length(fingerprint) = 32)
);
create index idempotency_keys_by_age on idempotency_keys (tenant_id, created_at);
select nmc_protect('idempotency_keys');
grant select, insert on idempotency_keys to nmc_app;

-- The live stream reads a business's events in the order (xid, seq), below the oldest transaction that still runs.
create index outbox_events_in_order on outbox_events (tenant_id, xid, seq);
