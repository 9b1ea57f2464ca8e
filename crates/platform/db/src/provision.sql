-- Roles of the cluster. nmc_owner owns the tables and migrates; the services connect as roles that own nothing and
-- do not bypass row security. Backups read everything, which is what BYPASSRLS is for.
do $$
declare
  other text;
begin
  if not exists (select from pg_roles where rolname = 'nmc_owner') then
    create role nmc_owner login;
  end if;
  if not exists (select from pg_roles where rolname = 'nmc_app') then
    create role nmc_app login;
  end if;
  if not exists (select from pg_roles where rolname = 'nmc_dispatcher') then
    create role nmc_dispatcher login;
  end if;
  if not exists (select from pg_roles where rolname = 'nmc_readonly') then
    create role nmc_readonly login;
  end if;
  if not exists (select from pg_roles where rolname = 'nmc_backup') then
    create role nmc_backup login bypassrls;
  end if;
  -- Every server lets everybody into these two; the product's roles have no business there.
  for other in
    select datname from pg_database
    where datname in ('postgres', 'template1')
      and (has_database_privilege('public', oid, 'connect') or has_database_privilege('public', oid, 'temporary'))
  loop
    execute format('revoke all on database %I from public', other);
  end loop;
end $$;
