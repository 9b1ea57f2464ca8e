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
