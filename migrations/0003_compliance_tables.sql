-- Compliance: what may be sent to whom, and why a text was or was not sent.
-- Operators' commands run as either service role (ADR 0018), hence the same rights for both.

-- The business as it is registered with the carriers (10DLC).
create table comp_brands (
  tenant_id uuid not null,
  id uuid not null,
  legal_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint comp_brands_pkey primary key (tenant_id, id),
  constraint comp_brands_one_per_tenant unique (tenant_id),
  constraint comp_brands_legal_name_length check (length(legal_name) between 1 and 255)
);
select nmc_protect('comp_brands');
grant select, insert on comp_brands to nmc_app, nmc_dispatcher;
grant update (legal_name, updated_at) on comp_brands to nmc_app, nmc_dispatcher;

-- What the business wants to send, and what the carriers say to it.
create table comp_campaigns (
  tenant_id uuid not null,
  id uuid not null,
  brand_id uuid not null,
  description text not null,
  sample_message text not null,
  status text not null,
  created_at timestamptz not null,
  status_changed_at timestamptz not null,
  constraint comp_campaigns_pkey primary key (tenant_id, id),
  constraint comp_campaigns_one_per_tenant unique (tenant_id),
  constraint comp_campaigns_brand foreign key (tenant_id, brand_id) references comp_brands (tenant_id, id) on delete restrict,
  constraint comp_campaigns_description_length check (length(description) between 1 and 4096),
  constraint comp_campaigns_sample_length check (length(sample_message) between 1 and 1600),
  constraint comp_campaigns_status_words check (status in ('pending', 'approved', 'rejected'))
);
select nmc_protect('comp_campaigns');
grant select, insert on comp_campaigns to nmc_app, nmc_dispatcher;
grant update (description, sample_message, status, status_changed_at) on comp_campaigns to nmc_app, nmc_dispatcher;

-- The numbers on which the business receives calls and texts, each with its route (tenant_routes, `twilio-number`)
-- written in the same transaction. A number stands here only once it is the business's.
create table comp_phone_numbers (
  tenant_id uuid not null,
  id uuid not null,
  phone text not null,
  is_receiving boolean not null,
  created_at timestamptz not null,
  constraint comp_phone_numbers_pkey primary key (tenant_id, id),
  constraint comp_phone_numbers_once unique (tenant_id, phone),
  constraint comp_phone_numbers_e164 check (phone ~ '^\+[1-9][0-9]{3,14}$')
);
select nmc_protect('comp_phone_numbers');
grant select, insert on comp_phone_numbers to nmc_app, nmc_dispatcher;

-- The ledger of opt-outs: one row per change of mind, never changed, never deleted. The newest row of a phone is what
-- holds; a phone without rows has not opted out.
create table comp_opt_outs (
  tenant_id uuid not null,
  id uuid not null,
  phone text not null,
  number integer not null,
  action text not null,
  keyword text not null,
  source text not null,
  created_at timestamptz not null,
  constraint comp_opt_outs_pkey primary key (tenant_id, id),
  constraint comp_opt_outs_in_order unique (tenant_id, phone, number),
  constraint comp_opt_outs_e164 check (phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint comp_opt_outs_counted check (number >= 1),
  -- The first thing a caller can do is opt out, and from then on the two alternate.
  constraint comp_opt_outs_alternate check (action = case when number % 2 = 1 then 'opt-out' else 'opt-in' end),
  constraint comp_opt_outs_keyword_length check (length(keyword) between 1 and 320),
  constraint comp_opt_outs_source_words check (source in ('keyword', 'wording', 'provider', 'user'))
);
select nmc_protect('comp_opt_outs');
grant select, insert on comp_opt_outs to nmc_app, nmc_dispatcher;

-- Which message is the one confirmation of an opt-out; `id` is the ledger's row.
create table comp_opt_out_confirmations (
  tenant_id uuid not null,
  id uuid not null,
  subject_kind text not null,
  subject_id uuid not null,
  created_at timestamptz not null,
  constraint comp_opt_out_confirmations_pkey primary key (tenant_id, id),
  constraint comp_opt_out_confirmations_opt_out
    foreign key (tenant_id, id) references comp_opt_outs (tenant_id, id) on delete restrict,
  constraint comp_opt_out_confirmations_subject_words check (subject_kind in ('call', 'message', 'notice'))
);
select nmc_protect('comp_opt_out_confirmations');
grant select, insert on comp_opt_out_confirmations to nmc_app, nmc_dispatcher;

-- Numbers the business never wants texted: family, suppliers.
create table comp_do_not_text (
  tenant_id uuid not null,
  id uuid not null,
  phone text not null,
  label text not null,
  created_at timestamptz not null,
  constraint comp_do_not_text_pkey primary key (tenant_id, id),
  constraint comp_do_not_text_once unique (tenant_id, phone),
  constraint comp_do_not_text_e164 check (phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint comp_do_not_text_label_length check (length(label) between 1 and 120)
);
select nmc_protect('comp_do_not_text');
grant select, insert, delete on comp_do_not_text to nmc_app;
grant update (label) on comp_do_not_text to nmc_app;
grant select on comp_do_not_text to nmc_dispatcher;

-- Why a text was or was not sent: one row per subject and changed outcome, in order.
create table comp_gate_decisions (
  tenant_id uuid not null,
  id uuid not null,
  subject_kind text not null,
  subject_id uuid not null,
  number integer not null,
  purpose text not null,
  phone text not null,
  outcome text not null,
  reason text,
  until timestamptz,
  inputs jsonb not null,
  decided_at timestamptz not null,
  constraint comp_gate_decisions_pkey primary key (tenant_id, id),
  constraint comp_gate_decisions_in_order unique (tenant_id, subject_kind, subject_id, number),
  constraint comp_gate_decisions_counted check (number >= 1),
  constraint comp_gate_decisions_subject_words check (subject_kind in ('call', 'message', 'notice')),
  constraint comp_gate_decisions_purpose_words check (purpose in ('greeting', 'reply', 'human', 'confirmation', 'nudge',
    'reminder', 'opt-out-confirmation', 'help', 'notice')),
  constraint comp_gate_decisions_e164 check (phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint comp_gate_decisions_outcome_words check (outcome in ('allow', 'defer', 'block')),
  constraint comp_gate_decisions_reason_words check (case outcome
    when 'allow' then reason is null
    when 'defer' then reason is not null and reason in ('quiet-hours', 'paused', 'rate', 'provider-unavailable')
    else reason is not null and reason in ('own-number', 'not-textable', 'country-not-served', 'premium-rate', 'opted-out',
      'no-opt-out', 'already-confirmed', 'confirmation-too-late', 'do-not-text', 'tenant-suspended',
      'campaign-not-approved', 'superseded', 'taken-over', 'conversation-closed', 'expired', 'too-many') end),
  constraint comp_gate_decisions_until_of_defer check ((outcome = 'defer') = (until is not null)),
  constraint comp_gate_decisions_inputs_small check (jsonb_typeof(inputs) = 'object' and length(inputs::text) <= 2000)
);
select nmc_protect('comp_gate_decisions');
grant select, insert on comp_gate_decisions to nmc_app, nmc_dispatcher;
