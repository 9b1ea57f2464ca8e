-- Conversation: what people of the business see and do.

-- When the oldest of the caller's texts came in that nobody has answered; nothing where none waits.
alter table conv_conversations add column waiting_since timestamptz;
create index conv_conversations_by_activity on conv_conversations (tenant_id, last_activity_at, id);

-- Closing a conversation that waits for the campaign's approval says what became of the calls in it.
grant update (outcome, conversation_id) on conv_contacts to nmc_app;

-- Each time a person had a conversation, with both edges: so that the automation, given it back, knows which part of
-- it was said by whom.
create table conv_human_stretches (
  tenant_id uuid not null,
  id uuid not null,
  conversation_id uuid not null,
  began_at timestamptz not null,
  -- Null where the caller or an emergency asked for a person.
  began_by uuid,
  began_because text not null,
  ended_at timestamptz,
  ended_by uuid,
  ended_because text,
  constraint conv_human_stretches_pkey primary key (tenant_id, id),
  constraint conv_human_stretches_conversation foreign key (tenant_id, conversation_id)
    references conv_conversations (tenant_id, id) on delete cascade,
  constraint conv_human_stretches_began_words check (began_because in ('taken-over', 'wrote')),
  constraint conv_human_stretches_ended_words check (ended_because in ('released', 'unanswered', 'closed')),
  constraint conv_human_stretches_ended_whole
    check ((ended_at is null) = (ended_because is null) and (ended_by is null or ended_at is not null)),
  constraint conv_human_stretches_in_order check (ended_at >= began_at)
);
create unique index conv_human_stretches_one_open on conv_human_stretches (tenant_id, conversation_id)
  where ended_at is null;
create index conv_human_stretches_of_conversation on conv_human_stretches (tenant_id, conversation_id, began_at);
select nmc_protect('conv_human_stretches');
grant select, insert on conv_human_stretches to nmc_app, nmc_dispatcher;
grant update (ended_at, ended_by, ended_because) on conv_human_stretches to nmc_app, nmc_dispatcher;

-- A wording that a carrier has filtered: it is not sent again until an owner writes another.
create table conv_stopped_wordings (
  tenant_id uuid not null,
  id uuid not null,
  key text not null,
  -- Whose wording: the business's own, or the product's.
  wording text not null,
  error_code integer not null,
  stopped_at timestamptz not null,
  constraint conv_stopped_wordings_pkey primary key (tenant_id, id),
  constraint conv_stopped_wordings_once unique (tenant_id, key, wording),
  constraint conv_stopped_wordings_key_words check (key in
    ('greeting-call', 'greeting-text', 'opt-out-confirmation', 'opt-in-confirmation', 'help')),
  constraint conv_stopped_wordings_wording_words check (wording in ('business', 'product'))
);
select nmc_protect('conv_stopped_wordings');
grant select, insert on conv_stopped_wordings to nmc_app, nmc_dispatcher;
grant delete on conv_stopped_wordings to nmc_app;
grant delete on conv_templates to nmc_app;

-- A caller whose text a person left unanswered.
alter table conv_tasks drop constraint conv_tasks_kind_words;
alter table conv_tasks add constraint conv_tasks_kind_words
  check (kind in ('call-back', 'reply', 'unanswered', 'not-sent', 'setup', 'check'));
create index conv_tasks_done on conv_tasks (tenant_id, done_at, id) where done_at is not null;
create index conv_tasks_open_of_conversation on conv_tasks (tenant_id, conversation_id) where done_at is null;
