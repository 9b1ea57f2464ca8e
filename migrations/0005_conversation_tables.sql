-- Conversation: threads with callers, their messages, and what a person of the business should do.

-- A thread with one caller. Whoever writes its messages or its state locks its row first.
create table conv_conversations (
  tenant_id uuid not null,
  id uuid not null,
  caller_phone text not null,
  -- The business's number the caller used last: answers come from it.
  business_phone text not null,
  state text not null,
  -- Raised by whatever makes a planned automatic text wrong: taking over, releasing, closing, opting out.
  epoch integer not null,
  correlation_id uuid not null,
  opened_at timestamptz not null,
  last_activity_at timestamptz not null,
  closed_at timestamptz,
  closed_reason text,
  created_at timestamptz not null,
  constraint conv_conversations_pkey primary key (tenant_id, id),
  constraint conv_conversations_caller_e164 check (caller_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint conv_conversations_business_e164 check (business_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint conv_conversations_state_words check (state in ('open', 'human', 'closed', 'blocked')),
  constraint conv_conversations_epoch_counted check (epoch >= 0),
  constraint conv_conversations_closed_reason_words check (closed_reason in ('inactivity', 'user', 'opt-out')),
  constraint conv_conversations_closed_whole
    check ((state = 'closed') = (closed_at is not null) and (state = 'closed') = (closed_reason is not null))
) with (fillfactor = 80);
create unique index conv_conversations_one_live on conv_conversations (tenant_id, caller_phone)
  where state in ('open', 'human', 'blocked');
create index conv_conversations_by_caller on conv_conversations (tenant_id, caller_phone, created_at);
create index conv_conversations_blocked on conv_conversations (tenant_id, id) where state = 'blocked';
select nmc_protect('conv_conversations');
grant select, insert, update on conv_conversations to nmc_app, nmc_dispatcher;
-- A conversation that the gate refuses is taken back in the transaction that wrote it.
grant delete on conv_conversations to nmc_dispatcher;

-- What became of every missed call and every text a caller sent: one row per event, which makes hearing of it twice
-- the same as hearing of it once. `id` is the call's or the text's.
create table conv_contacts (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null,
  caller_phone text,
  business_phone text not null,
  conversation_id uuid,
  outcome text not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null,
  constraint conv_contacts_pkey primary key (tenant_id, id),
  constraint conv_contacts_conversation foreign key (tenant_id, conversation_id)
    references conv_conversations (tenant_id, id) on delete cascade,
  constraint conv_contacts_kind_words check (kind in ('call', 'text')),
  constraint conv_contacts_caller_e164 check (caller_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint conv_contacts_business_e164 check (business_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint conv_contacts_outcome_words check (outcome in
    ('taken', 'greeted', 'recently-answered', 'human', 'added', 'keyword', 'blocked', 'task', 'refused', 'untextable'))
);
create index conv_contacts_waiting on conv_contacts (tenant_id, conversation_id, occurred_at) where outcome = 'blocked';
select nmc_protect('conv_contacts');
grant select on conv_contacts to nmc_app;
grant select, insert, update (outcome, conversation_id) on conv_contacts to nmc_dispatcher;

-- One SMS, in or out. An inbound one has the id of Telephony's record of it.
create table conv_messages (
  tenant_id uuid not null,
  id uuid not null,
  conversation_id uuid not null,
  direction text not null,
  author text not null,
  author_user_id uuid,
  purpose text,
  body text not null,
  media_count smallint not null default 0,
  segments smallint not null,
  status text not null,
  provider_message_id text,
  client_dedup_key text,
  intent_id uuid,
  error_code integer,
  -- Why it was not sent or did not arrive, where no code of the provider says it: a stable word.
  failure text,
  -- What it follows from: the contact, the template and its version, later what was understood.
  why jsonb not null,
  -- When the missed call or text it is the first answer to came in.
  answers_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint conv_messages_pkey primary key (tenant_id, id),
  constraint conv_messages_conversation foreign key (tenant_id, conversation_id)
    references conv_conversations (tenant_id, id) on delete cascade,
  constraint conv_messages_direction_words check (direction in ('in', 'out')),
  constraint conv_messages_author_words check (author in ('caller', 'automation', 'user', 'system')),
  constraint conv_messages_author_fits check ((direction = 'in') = (author = 'caller')),
  constraint conv_messages_user_of_author check ((author = 'user') = (author_user_id is not null)),
  constraint conv_messages_purpose_words check (purpose in
    ('greeting', 'reply', 'human', 'confirmation', 'nudge', 'reminder', 'opt-out-confirmation', 'help')),
  constraint conv_messages_purpose_of_outbound check ((direction = 'out') = (purpose is not null)),
  constraint conv_messages_status_words
    check (status in ('pending', 'queued', 'sent', 'delivered', 'failed', 'received')),
  constraint conv_messages_status_fits check ((direction = 'in') = (status = 'received')),
  constraint conv_messages_segments_bounds check (segments between 1 and 100),
  constraint conv_messages_media_bounds check (media_count between 0 and 10),
  constraint conv_messages_provider_id_length check (length(provider_message_id) between 1 and 64),
  constraint conv_messages_dedup_key_length check (length(client_dedup_key) between 1 and 128),
  constraint conv_messages_why_object check (jsonb_typeof(why) = 'object')
) with (fillfactor = 80);
create unique index conv_messages_provider_id_once on conv_messages (tenant_id, provider_message_id);
create unique index conv_messages_dedup_key_once on conv_messages (tenant_id, client_dedup_key);
create unique index conv_messages_intent_once on conv_messages (tenant_id, intent_id);
create index conv_messages_of_conversation on conv_messages (tenant_id, conversation_id, created_at);
select nmc_protect('conv_messages');
grant select, insert on conv_messages to nmc_app, nmc_dispatcher;
grant update (status, provider_message_id, error_code, failure, updated_at) on conv_messages to nmc_app, nmc_dispatcher;

-- The business's own wording of a text; without a row the product's wording is used.
create table conv_templates (
  tenant_id uuid not null,
  id uuid not null,
  key text not null,
  body text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint conv_templates_pkey primary key (tenant_id, id),
  constraint conv_templates_once unique (tenant_id, key),
  constraint conv_templates_key_words check (key in
    ('greeting-call', 'greeting-text', 'opt-out-confirmation', 'opt-in-confirmation', 'help')),
  constraint conv_templates_body_length check (length(body) between 1 and 1600)
);
select nmc_protect('conv_templates');
grant select, insert, update (body, updated_at) on conv_templates to nmc_app;
grant select on conv_templates to nmc_dispatcher;

-- Something a person of the business should do. `purpose_key` says what it is for, so that it is raised once.
create table conv_tasks (
  tenant_id uuid not null,
  id uuid not null,
  purpose_key text not null,
  kind text not null,
  conversation_id uuid,
  call_id uuid,
  caller_phone text,
  text text not null,
  created_at timestamptz not null,
  done_at timestamptz,
  done_by uuid,
  constraint conv_tasks_pkey primary key (tenant_id, id),
  constraint conv_tasks_once unique (tenant_id, purpose_key),
  constraint conv_tasks_conversation foreign key (tenant_id, conversation_id)
    references conv_conversations (tenant_id, id) on delete cascade,
  constraint conv_tasks_purpose_key_length check (length(purpose_key) between 1 and 255),
  constraint conv_tasks_kind_words check (kind in ('call-back', 'reply', 'not-sent', 'setup', 'check')),
  constraint conv_tasks_caller_e164 check (caller_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint conv_tasks_text_length check (length(text) between 1 and 500),
  constraint conv_tasks_done_by_of_done check (done_by is null or done_at is not null)
);
-- One reply is asked for per stretch of a caller's texts that nobody answered.
create unique index conv_tasks_one_reply on conv_tasks (tenant_id, conversation_id) where kind = 'reply' and done_at is null;
create index conv_tasks_open on conv_tasks (tenant_id, created_at) where done_at is null;
select nmc_protect('conv_tasks');
grant select, insert, update (done_at, done_by) on conv_tasks to nmc_app, nmc_dispatcher;
