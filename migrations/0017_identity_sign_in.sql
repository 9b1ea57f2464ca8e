-- Every request of the API asks this once. As before, in a language whose plans are kept for the session: a function in
-- plain SQL that runs as its owner is parsed and planned anew by each statement that calls it.
create or replace function nmc_signed_in(
  clerk_user text, out tenant_id uuid, out user_id uuid, out role text, out active boolean
) returns setof record language plpgsql stable security definer rows 1 set search_path = pg_catalog, public as $$
#variable_conflict use_column
begin
  return query
    select u.tenant_id, u.id, u.role, u.active
    from public.tenant_routes r
    join public.id_users u on u.tenant_id = r.tenant_id and u.id = r.ref_id and u.clerk_user_id = r.external_key
    where r.kind = 'clerk-user' and r.external_key = clerk_user;
end $$;
