-- Least privilege, and what the retention job needs to do its work.

-- The schema is the product's own: its roles were given `usage` one by one, and only the owner makes anything in it.
revoke all on schema public from public;
-- A function is nobody's to call until it is granted.
alter default privileges revoke execute on functions from public;

-- A route is given up by the server only (a number is released, a user is gone), and only its own tenant's: the policy
-- `tenant` holds for deletes as well. The dispatcher has nothing to give up.
revoke delete on tenant_routes from nmc_dispatcher;

-- The ids of all businesses, for what is done for each of them by time: retention, polling. Its owner may see the
-- businesses' rows and no others; for everybody else the tenant's policy is the only one.
create policy owner_read on id_tenants for select to nmc_owner using (true);
create function nmc_tenants() returns setof uuid
language sql stable security definer set search_path = pg_catalog, public as $$
  select t.tenant_id from public.id_tenants t
$$;
revoke execute on function nmc_tenants() from public;
grant execute on function nmc_tenants() to nmc_dispatcher;

-- Retention (4.3) is the dispatcher's: it deletes what is old, and empties texts where a row outlives its text. A row
-- is picked inside its tenant and under the tenant's policy, like everything else.
grant select, delete on idempotency_keys to nmc_dispatcher;
grant delete on outbox_events, outbox_consumed, outbox_dead_letters, effect_intents to nmc_dispatcher;
grant update (payload) on outbox_events to nmc_dispatcher;
grant update (envelope) on outbox_dead_letters to nmc_dispatcher;
grant update (request) on effect_intents to nmc_dispatcher;
grant delete on comp_gate_decisions, comp_loop_watch to nmc_dispatcher;
grant delete on tel_calls to nmc_dispatcher;
grant select, update (body, media), delete on tel_inbound_sms to nmc_dispatcher;
grant update (body, why) on conv_messages to nmc_dispatcher;
grant delete on id_invitations to nmc_dispatcher;
grant delete on conv_messages, conv_contacts, conv_tasks to nmc_dispatcher;

-- Rows that still have a text, by age. What has lost it is not looked at again. Where whole rows go by age, the primary
-- key is the index: ids begin with the time they were made at.
create index effect_intents_with_text on effect_intents (tenant_id, created_at) where request <> '{}';
create index tel_inbound_sms_with_text on tel_inbound_sms (tenant_id, created_at) where body <> '' or media <> '[]';
create index conv_messages_with_text on conv_messages (tenant_id, created_at) where body <> '' or why <> '{}';
create index outbox_dead_letters_by_event on outbox_dead_letters (tenant_id, event_id);
-- A conversation takes what is left of it along.
create index conv_contacts_of_conversation on conv_contacts (tenant_id, conversation_id);
create index conv_tasks_of_conversation on conv_tasks (tenant_id, conversation_id);

-- Erasing a caller is the dispatcher's as well (subcommand `caller erase`). Rows that a repeated webhook or a list of the
-- provider's would bring back stay, without the number.
grant update (from_phone, untextable_reason) on tel_calls, tel_inbound_sms to nmc_dispatcher;
grant update (order_key) on outbox_events to nmc_dispatcher;
grant update (label) on comp_do_not_text to nmc_dispatcher;
