-- Conversation: answers of the automation that are to be worked out, and where each dialogue stands.

-- What is known so far and what was offered, versioned. Nothing where the automation has said nothing yet.
alter table conv_conversations add column dialogue jsonb;
alter table conv_conversations add constraint conv_conversations_dialogue_bounds
  check (jsonb_typeof(dialogue) = 'object' and length(dialogue::text) <= 16384);
grant update (dialogue) on conv_conversations to nmc_dispatcher;
create index conv_conversations_dialogues on conv_conversations (tenant_id, last_activity_at) where dialogue is not null;

-- An answer that a caller waits for: one per conversation. Whoever writes it first locks the conversation's row, but for
-- the claim, which waits for nobody.
create table conv_turns (
  tenant_id uuid not null,
  conversation_id uuid not null,
  due_at timestamptz not null,
  -- When the first of the texts came in that are to be answered together.
  first_text_at timestamptz not null,
  attempts smallint not null default 0,
  leased_until timestamptz,
  -- Who works it out now. A text that comes in meanwhile takes it away: what was worked out is not the answer any more.
  claim uuid,
  -- A word of the program's own.
  last_error text,
  created_at timestamptz not null,
  constraint conv_turns_pkey primary key (tenant_id, conversation_id),
  constraint conv_turns_conversation foreign key (tenant_id, conversation_id)
    references conv_conversations (tenant_id, id) on delete cascade,
  constraint conv_turns_attempts_counted check (attempts >= 0),
  constraint conv_turns_claim_leased check (claim is null or leased_until is not null),
  constraint conv_turns_last_error_length check (length(last_error) between 1 and 200)
) with (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 80);
create index conv_turns_due on conv_turns (due_at);
select nmc_protect('conv_turns');
select nmc_let_dispatcher_claim('conv_turns');
grant select, insert, delete on conv_turns to nmc_app, nmc_dispatcher;
grant update (due_at, first_text_at, attempts, leased_until, claim) on conv_turns to nmc_app, nmc_dispatcher;
grant update (last_error) on conv_turns to nmc_dispatcher;

-- The automation gives a conversation to a person by itself: nobody began that.
alter table conv_human_stretches drop constraint conv_human_stretches_began_words;
alter table conv_human_stretches add constraint conv_human_stretches_began_words
  check (began_because in ('taken-over', 'wrote', 'handed-over'));

-- What the automation itself asks a person for is asked for beside the reply that a text waits for.
drop index conv_tasks_one_reply;
create unique index conv_tasks_one_reply on conv_tasks (tenant_id, conversation_id)
  where kind = 'reply' and done_at is null and purpose_key like 'reply:%';

-- Somebody or something is in danger.
alter table conv_tasks drop constraint conv_tasks_kind_words;
alter table conv_tasks add constraint conv_tasks_kind_words
  check (kind in ('call-back', 'reply', 'unanswered', 'emergency', 'not-sent', 'setup', 'check'));
