-- Compliance, complete: what is registered with the carriers and what became of it, numbers that owners ask for, bounds
-- on what is sent.

-- All that was submitted (`Registration` in the code), and where the brand stands; both null where an operator passed on
-- what was filed by other means, then the brand stands where the campaign does.
alter table comp_brands
  add column status text,
  add column registration jsonb,
  add constraint comp_brands_status_words check (status in ('pending', 'approved', 'rejected')),
  add constraint comp_brands_registration_small
    check (jsonb_typeof(registration) = 'object' and length(registration::text) <= 40000);
grant update (status, registration) on comp_brands to nmc_app, nmc_dispatcher;

-- What was submitted and decided when, and why.
create table comp_registration_history (
  tenant_id uuid not null,
  id uuid not null,
  number integer not null,
  subject text not null,
  status text not null,
  reason text,
  said_by text not null,
  created_at timestamptz not null,
  constraint comp_registration_history_pkey primary key (tenant_id, id),
  constraint comp_registration_history_in_order unique (tenant_id, number),
  constraint comp_registration_history_counted check (number >= 1),
  constraint comp_registration_history_subject_words check (subject in ('brand', 'campaign')),
  constraint comp_registration_history_status_words check (status in ('pending', 'approved', 'rejected')),
  constraint comp_registration_history_reason_length check (length(reason) between 1 and 500),
  constraint comp_registration_history_said_by_words check (said_by in ('owner', 'operator', 'carriers'))
);
select nmc_protect('comp_registration_history');
grant select, insert on comp_registration_history to nmc_app, nmc_dispatcher;

-- A number is asked for by an owner and receives once an operator has confirmed it, from then on with its route. The
-- version before reads `is_receiving` alone, and writes only numbers that are active.
alter table comp_phone_numbers
  add column status text not null default 'active',
  add column reason text,
  add column status_changed_at timestamptz,
  add constraint comp_phone_numbers_status_words check (status in ('requested', 'active', 'rejected', 'released')),
  add constraint comp_phone_numbers_receiving check (is_receiving = (status = 'active')),
  add constraint comp_phone_numbers_reason_length check (length(reason) between 1 and 500);
grant update (status, is_receiving, reason, status_changed_at) on comp_phone_numbers to nmc_app, nmc_dispatcher;

-- The requests of all businesses, for the operators who answer them. The owner may see the numbers, so that the function
-- can; for everybody else the tenant's policy is the only one.
create policy owner_read on comp_phone_numbers for select to nmc_owner using (true);
create function nmc_number_requests(out tenant_id uuid, out phone text, out requested_at timestamptz)
returns setof record language sql stable security definer set search_path = pg_catalog, public as $$
  select n.tenant_id, n.phone, coalesce(n.status_changed_at, n.created_at) from public.comp_phone_numbers n
  where n.status = 'requested' order by 3, 1, 2 limit 500
$$;
revoke execute on function nmc_number_requests() from public;
grant execute on function nmc_number_requests() to nmc_dispatcher;

-- The pages of the ledger, and of the list.
create index comp_opt_outs_by_time on comp_opt_outs (tenant_id, created_at, id);
create index comp_do_not_text_by_time on comp_do_not_text (tenant_id, created_at, id);

-- What a business let out, and what of it to one caller.
create index comp_gate_decisions_let_out on comp_gate_decisions (tenant_id, decided_at, phone) include (subject_id)
  where subject_kind = 'message' and outcome = 'allow';

-- How many texts all businesses together have let out since then, and no more than that: whose they are stays inside. A
-- business that sends has a number, so that the routes name all of them; for each its own index is read.
create policy owner_read on comp_gate_decisions for select to nmc_owner using (true);
create function nmc_texts_let_out(since timestamptz) returns bigint
language sql stable security definer set search_path = pg_catalog, public as $$
  select coalesce(sum(of_one.texts), 0)::bigint
  from (select distinct r.tenant_id from public.tenant_routes r where r.kind = 'twilio-number') business
  cross join lateral (
    select count(*) as texts from public.comp_gate_decisions g
    where g.tenant_id = business.tenant_id and g.decided_at > since and g.subject_kind = 'message' and g.outcome = 'allow'
  ) of_one
$$;
revoke execute on function nmc_texts_let_out(timestamptz) from public;
grant execute on function nmc_texts_let_out(timestamptz) to nmc_app, nmc_dispatcher;

-- More words for why a text waits or does not go out. Every row that is there has one of the old ones.
alter table comp_gate_decisions drop constraint comp_gate_decisions_reason_words;
alter table comp_gate_decisions add constraint comp_gate_decisions_reason_words check (case outcome
    when 'allow' then reason is null
    when 'defer' then reason is not null and reason in ('quiet-hours', 'paused', 'rate', 'provider-unavailable',
      'business-limit', 'installation-limit')
    else reason is not null and reason in ('own-number', 'not-textable', 'country-not-served', 'premium-rate', 'opted-out',
      'no-opt-out', 'already-confirmed', 'confirmation-too-late', 'do-not-text', 'tenant-suspended',
      'campaign-not-approved', 'loop', 'caller-limit', 'number-released', 'superseded', 'taken-over',
      'conversation-closed', 'expired', 'too-many') end) not valid;

-- Whether it is a person who writes: the last text of a caller, and how many in a row looked like a machine's.
create table comp_loop_watch (
  tenant_id uuid not null,
  id uuid not null,
  phone text not null,
  like_a_machine smallint not null,
  last_text_hash bytea not null,
  last_heard_at timestamptz not null,
  constraint comp_loop_watch_pkey primary key (tenant_id, id),
  constraint comp_loop_watch_once unique (tenant_id, phone),
  constraint comp_loop_watch_e164 check (phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint comp_loop_watch_counted check (like_a_machine between 0 and 100),
  constraint comp_loop_watch_hash_length check (length(last_text_hash) = 32)
);
select nmc_protect('comp_loop_watch');
grant select, insert on comp_loop_watch to nmc_app, nmc_dispatcher;
grant update (like_a_machine, last_text_hash, last_heard_at) on comp_loop_watch to nmc_app, nmc_dispatcher;
grant delete on comp_loop_watch to nmc_dispatcher;
