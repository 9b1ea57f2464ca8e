-- Telephony: what no webhook delivered is found by reading Twilio's lists every few minutes.

-- How far each list has been read. An account's lists hold every business's calls and texts and are read once, not once
-- per business; the account is the installation's and no business's, so its rows carry the nil tenant.
create table tel_polls (
  tenant_id uuid not null,
  account text not null,
  list text not null,
  -- What came in before this is not answered: the installation was not connected yet.
  since timestamptz not null,
  -- All that came in before this has been looked at.
  read_up_to timestamptz not null,
  due_at timestamptz not null,
  leased_until timestamptz,
  -- In a row, since the list was last read to its end.
  failures smallint not null,
  last_error text,
  created_at timestamptz not null,
  constraint tel_polls_pkey primary key (tenant_id, account, list),
  constraint tel_polls_account_sid check (account ~ '^AC[0-9a-fA-F]{32}$'),
  constraint tel_polls_list_words check (list in ('messages', 'calls')),
  constraint tel_polls_forwards check (read_up_to >= since),
  constraint tel_polls_failures_counted check (failures >= 0),
  constraint tel_polls_error_of_failure check (last_error is null or failures > 0)
);
select nmc_protect('tel_polls');
grant select, insert on tel_polls to nmc_dispatcher;
grant update (read_up_to, due_at, leased_until, failures, last_error) on tel_polls to nmc_dispatcher;

-- What is found this way is written by the dispatcher.
grant insert on tel_calls to nmc_dispatcher;
grant select, insert on tel_inbound_sms to nmc_dispatcher;
