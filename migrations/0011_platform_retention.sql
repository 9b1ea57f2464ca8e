-- Least privilege, and what the retention job needs to do its work.

-- The schema is the product's own: its roles were given `usage` one by one, and only the owner makes anything in it.
revoke all on schema public from public;
-- A function is nobody's to call until it is granted.
alter default privileges revoke execute on functions from public;

-- A route is given up by the server only (a number is released, a user is gone), and only its own tenant's: the policy
-- `tenant` holds for deletes as well. The dispatcher has nothing to give up.
revoke delete on tenant_routes from nmc_dispatcher;
