-- Identity, its people: users, invitations, feature gates, and the log of who changed what.

-- Who works in a business. The Clerk user's route (`tenant_routes`, kind 'clerk-user') is written in the same
-- transaction, so that one Clerk user belongs to one business.
create table id_users (
  tenant_id uuid not null,
  id uuid not null,
  clerk_user_id text not null,
  email text not null,
  phone text,
  role text not null,
  active boolean not null,
  notifications jsonb not null,
  -- What Clerk's newest word about the person was of: webhooks come in any order.
  clerk_updated_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint id_users_pkey primary key (tenant_id, id),
  constraint id_users_clerk_user_once unique (tenant_id, clerk_user_id),
  constraint id_users_clerk_user_shape check (clerk_user_id ~ '^user_[!-~]{1,59}$'),
  constraint id_users_email_length check (length(email) between 3 and 254),
  constraint id_users_phone_e164 check (phone ~ '^\+[1-9][0-9]{3,14}$'),
  constraint id_users_role_words check (role in ('OWNER', 'TECH')),
  constraint id_users_notifications_versioned
    check (jsonb_typeof(notifications -> 'version') is not distinct from 'number')
);
create index id_users_by_time on id_users (tenant_id, created_at, id);
select nmc_protect('id_users');
grant select, insert on id_users to nmc_app, nmc_dispatcher;
grant update (email, phone, role, active, notifications, clerk_updated_at, updated_at) on id_users to nmc_app, nmc_dispatcher;

-- Who a signed-in person is, in one statement and before a tenant is known. Its owner may see the users' rows, so that
-- it can; for everybody else the tenant's policy is the only one. It answers for one key at a time and tells no address.
create policy owner_read on id_users for select to nmc_owner using (true);
create function nmc_signed_in(clerk_user text, out tenant_id uuid, out user_id uuid, out role text, out active boolean)
returns setof record language sql stable security definer set search_path = pg_catalog, public as $$
  select u.tenant_id, u.id, u.role, u.active
  from public.tenant_routes r
  join public.id_users u on u.tenant_id = r.tenant_id and u.id = r.ref_id and u.clerk_user_id = r.external_key
  where r.kind = 'clerk-user' and r.external_key = clerk_user
$$;
revoke execute on function nmc_signed_in(text) from public;
grant execute on function nmc_signed_in(text) to nmc_app, nmc_dispatcher;

-- Whom an owner has asked to join. `sent_at` and `clerk_invitation_id` are there once Clerk has the invitation.
create table id_invitations (
  tenant_id uuid not null,
  id uuid not null,
  email text not null,
  role text not null,
  status text not null,
  failure text,
  invited_by uuid,
  clerk_invitation_id text,
  sent_at timestamptz,
  accepted_by uuid,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint id_invitations_pkey primary key (tenant_id, id),
  constraint id_invitations_email_length check (length(email) between 3 and 254),
  constraint id_invitations_role_words check (role in ('OWNER', 'TECH')),
  constraint id_invitations_status_words check (status in ('open', 'accepted', 'revoked', 'failed', 'expired')),
  constraint id_invitations_failure_told check ((status = 'failed') = (failure is not null)),
  constraint id_invitations_failure_length check (length(failure) between 1 and 100),
  constraint id_invitations_accepted_by_whom check ((status = 'accepted') = (accepted_by is not null)),
  constraint id_invitations_sent_with_id check ((sent_at is null) = (clerk_invitation_id is null)),
  constraint id_invitations_clerk_invitation_shape check (clerk_invitation_id ~ '^inv_[!-~]{1,60}$'),
  constraint id_invitations_invited_by_user foreign key (tenant_id, invited_by) references id_users (tenant_id, id) on delete restrict,
  constraint id_invitations_accepted_by_user foreign key (tenant_id, accepted_by) references id_users (tenant_id, id) on delete restrict
);
-- At most one open invitation to an address.
create unique index id_invitations_open_once on id_invitations (tenant_id, lower(email)) where status = 'open';
create index id_invitations_by_time on id_invitations (tenant_id, created_at, id);
select nmc_protect('id_invitations');
grant select, insert on id_invitations to nmc_app, nmc_dispatcher;
grant update (status, failure, clerk_invitation_id, sent_at, accepted_by, updated_at) on id_invitations to nmc_app, nmc_dispatcher;

-- What a business may use. A gate without a row is open.
create table id_feature_gates (
  tenant_id uuid not null,
  id uuid not null,
  gate text not null,
  enabled boolean not null,
  reason text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint id_feature_gates_pkey primary key (tenant_id, id),
  constraint id_feature_gates_once unique (tenant_id, gate),
  constraint id_feature_gates_gate_words check (gate in ('sending', 'booking')),
  constraint id_feature_gates_reason_length check (length(reason) between 1 and 100)
);
select nmc_protect('id_feature_gates');
grant select, insert on id_feature_gates to nmc_app, nmc_dispatcher;
grant update (enabled, reason, updated_at) on id_feature_gates to nmc_app, nmc_dispatcher;

-- Who changed what: ids and words, nothing personal. Each row's hash covers the row and the hash of the one before, so
-- that a row which was changed or taken out shows. The services may add to it and read it, no more.
create table id_audit_log (
  tenant_id uuid not null,
  id uuid not null,
  seq bigint not null,
  actor_kind text not null,
  actor_id uuid,
  action text not null,
  object text not null,
  object_id uuid not null,
  before jsonb not null,
  after jsonb not null,
  prev_hash bytea not null,
  hash bytea not null,
  created_at timestamptz not null,
  constraint id_audit_log_pkey primary key (tenant_id, id),
  constraint id_audit_log_in_order unique (tenant_id, seq),
  constraint id_audit_log_counted check (seq >= 1),
  constraint id_audit_log_actor_words check (actor_kind in ('user', 'operator', 'system')),
  constraint id_audit_log_actor_named check ((actor_kind = 'user') = (actor_id is not null)),
  constraint id_audit_log_action_length check (length(action) between 1 and 100),
  constraint id_audit_log_object_length check (length(object) between 1 and 100),
  constraint id_audit_log_prev_hash_sha256 check (length(prev_hash) = 32),
  constraint id_audit_log_hash_sha256 check (length(hash) = 32)
);
select nmc_protect('id_audit_log');
grant select, insert on id_audit_log to nmc_app, nmc_dispatcher;
