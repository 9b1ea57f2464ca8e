-- Telephony: one row per call that reached a business and per text that came in, whatever became of it.

-- A call, folded from everything Twilio reports about it. The server opens and advances it; the dispatcher decides the
-- calls of which no report came in time.
create table tel_calls (
  tenant_id uuid not null,
  id uuid not null,
  provider_ref text not null,
  from_phone text,
  -- Why the caller cannot be texted; null where nothing is known against it.
  untextable_reason text,
  to_phone text not null,
  -- How the call reached us, as the business had it set when the call was first heard of.
  way text not null,
  forwarded_to text,
  whisper boolean not null,
  status text not null,
  reason text,
  -- The business's phone was picked up, by a person or by a voicemail.
  answered boolean not null,
  ended_at timestamptz,
  duration_seconds integer,
  -- What the caller was told would follow; null as long as nothing was said.
  promise text,
  correlation_id uuid not null,
  created_at timestamptz not null,
  decided_at timestamptz,
  constraint tel_calls_pkey primary key (tenant_id, id),
  constraint tel_calls_once unique (tenant_id, provider_ref),
  constraint tel_calls_provider_ref_length check (length(provider_ref) between 1 and 64),
  constraint tel_calls_from_e164 check (from_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint tel_calls_from_or_reason check (from_phone is not null or untextable_reason is not null),
  constraint tel_calls_untextable_words
    check (untextable_reason in ('withheld', 'short-code', 'toll-free', 'malformed', 'own-number')),
  constraint tel_calls_to_e164 check (to_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint tel_calls_way_words check (way in ('dial', 'forwarded', 'status-only')),
  constraint tel_calls_forwarded_to_of_dial check ((way = 'dial') = (forwarded_to is not null)),
  constraint tel_calls_forwarded_to_e164 check (forwarded_to ~ '^\+[1-9][0-9]{3,14}$'),
  constraint tel_calls_whisper_of_dial check (way = 'dial' or not whisper),
  constraint tel_calls_status_words check (status in ('open', 'accepted', 'missed')),
  constraint tel_calls_reason_of_missed check ((status = 'missed') = (reason is not null)),
  constraint tel_calls_reason_words check (reason in ('no-answer', 'busy', 'failed', 'canceled', 'not-accepted',
    'short-complete', 'forwarded')),
  constraint tel_calls_decided check ((status = 'open') = (decided_at is null)),
  constraint tel_calls_duration_bounds check (duration_seconds >= 0),
  constraint tel_calls_promise_words check (promise in ('text', 'call-back'))
);
create index tel_calls_by_caller on tel_calls (tenant_id, from_phone, created_at desc);
create index tel_calls_by_age on tel_calls (tenant_id, created_at desc);
select nmc_protect('tel_calls');
grant select, insert on tel_calls to nmc_app;
grant select on tel_calls to nmc_dispatcher;
grant update (status, reason, answered, ended_at, duration_seconds, promise, decided_at) on tel_calls
  to nmc_app, nmc_dispatcher;

-- A text that came in. Pictures are kept as references only: `[{"url": .., "content_type": ..}]`.
create table tel_inbound_sms (
  tenant_id uuid not null,
  id uuid not null,
  provider_ref text not null,
  from_phone text,
  untextable_reason text,
  to_phone text not null,
  body text not null,
  media jsonb not null,
  keyword text,
  answered_by_provider boolean not null,
  correlation_id uuid not null,
  created_at timestamptz not null,
  constraint tel_inbound_sms_pkey primary key (tenant_id, id),
  constraint tel_inbound_sms_once unique (tenant_id, provider_ref),
  constraint tel_inbound_sms_provider_ref_length check (length(provider_ref) between 1 and 64),
  constraint tel_inbound_sms_from_e164 check (from_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint tel_inbound_sms_from_or_reason check (from_phone is not null or untextable_reason is not null),
  constraint tel_inbound_sms_untextable_words
    check (untextable_reason in ('withheld', 'short-code', 'toll-free', 'malformed', 'own-number')),
  constraint tel_inbound_sms_to_e164 check (to_phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint tel_inbound_sms_body_length check (length(body) <= 16384),
  constraint tel_inbound_sms_media_list check (jsonb_typeof(media) = 'array' and length(media::text) <= 32768),
  constraint tel_inbound_sms_keyword_words check (keyword in ('stop', 'start', 'help')),
  constraint tel_inbound_sms_answered_keyword check (keyword is not null or not answered_by_provider)
);
create index tel_inbound_sms_by_caller on tel_inbound_sms (tenant_id, from_phone, created_at desc);
create index tel_inbound_sms_by_age on tel_inbound_sms (tenant_id, created_at desc);
select nmc_protect('tel_inbound_sms');
grant select, insert on tel_inbound_sms to nmc_app;
