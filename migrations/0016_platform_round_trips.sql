-- Fewer round trips on the way from a missed call to its text.

-- What Compliance's gate has to know of a phone, read after the lock that orders sends and STOPs has been waited for: each
-- statement in here sees what was committed before it began, so that lock and look are one round trip. Runs as whoever
-- calls it, under row security. Without `lock_subject` nothing is locked; without `of_kind` no subject is asked about;
-- without `from_phone` no number of the business. A number of this installation may be any tenant's, hence its route is
-- asked for.
create function comp_gate_look_up(
  of_tenant uuid, to_phone text, of_kind text, of_subject uuid, an_hour_ago timestamptz, a_day_ago timestamptz,
  from_phone text, lock_class integer, lock_subject text
) returns table (
  is_own_number boolean, is_do_not_text boolean, is_receiving boolean, campaign text,
  opt_out_id uuid, opt_out_action text, opted_out_at timestamptz, confirmed_kind text, confirmed_id uuid,
  newest_number integer, newest_outcome text, newest_reason text, like_a_machine smallint,
  caller_hour bigint, caller_day bigint, business_hour bigint, business_day bigint
) language plpgsql volatile rows 1 set search_path = pg_catalog, public as $$
#variable_conflict use_column
begin
  if lock_subject is not null then
    perform pg_advisory_xact_lock_shared(lock_class, hashtext(lock_subject));
  end if;
  return query
    select exists (select from nmc_route('twilio-number', to_phone)),
           exists (select from comp_do_not_text d where d.tenant_id = of_tenant and d.phone = to_phone),
           exists (select from comp_phone_numbers n
                   where n.tenant_id = of_tenant and n.phone = from_phone and n.is_receiving),
           (select c.status from comp_campaigns c where c.tenant_id = of_tenant),
           o.id, o.action, o.created_at, c.subject_kind, c.subject_id, g.number, g.outcome, g.reason, w.like_a_machine,
           let_out.caller_hour, let_out.caller_day, let_out.business_hour, let_out.business_day
    from (select 1) as one
    left join lateral (
      select id, action, created_at from comp_opt_outs
      where tenant_id = of_tenant and phone = to_phone order by number desc limit 1
    ) as o on true
    left join comp_opt_out_confirmations c on c.tenant_id = of_tenant and c.id = o.id
    left join lateral (
      select number, outcome, reason from comp_gate_decisions
      where tenant_id = of_tenant and subject_kind = of_kind and subject_id = of_subject order by number desc limit 1
    ) as g on true
    left join comp_loop_watch w on w.tenant_id = of_tenant and w.phone = to_phone and w.last_heard_at > a_day_ago
    -- The limits bound what is read here. A text that was let out before does not stand in its own way.
    cross join lateral (
      select count(*) filter (where l.phone = to_phone and l.decided_at > an_hour_ago) as caller_hour,
             count(*) filter (where l.phone = to_phone) as caller_day,
             count(*) filter (where l.decided_at > an_hour_ago) as business_hour,
             count(*) as business_day
      from comp_gate_decisions l
      where l.tenant_id = of_tenant and l.decided_at > a_day_ago and l.subject_kind = 'message' and l.outcome = 'allow'
        and l.subject_id is distinct from of_subject
    ) as let_out;
end $$;
revoke execute on function
  comp_gate_look_up(uuid, text, text, uuid, timestamptz, timestamptz, text, integer, text) from public;
grant execute on function
  comp_gate_look_up(uuid, text, text, uuid, timestamptz, timestamptz, text, integer, text) to nmc_app, nmc_dispatcher;
