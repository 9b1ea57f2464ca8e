-- Which submission a decision is about, and rights by column.

-- Counts what the business submitted. An operator says which one was read: an owner may submit another meanwhile.
alter table comp_brands
  add column version integer not null default 1,
  add constraint comp_brands_version_counted check (version >= 1);
grant update (version) on comp_brands to nmc_app, nmc_dispatcher;

-- What a thread is about, whose it is and when it began never changes.
revoke update on conv_conversations from nmc_app, nmc_dispatcher;
grant update (business_phone, state, epoch, last_activity_at, waiting_since, closed_at, closed_reason)
  on conv_conversations to nmc_app, nmc_dispatcher;
