-- What the gate has to know: $1 tenant, $2 phone, $3 and $4 the subject's kind and id (null without a subject), $5 an
-- hour and $6 a day ago. A number of this installation may be any tenant's, hence its route is asked for.
select exists (select from nmc_route('twilio-number', $2)) as "is_own_number!",
       exists (select from comp_do_not_text d where d.tenant_id = $1 and d.phone = $2) as "is_do_not_text!",
       (select c.status from comp_campaigns c where c.tenant_id = $1) as campaign,
       o.id as "opt_out_id?", o.action as "opt_out_action?", o.created_at as "opted_out_at?",
       c.subject_kind as "confirmed_kind?", c.subject_id as "confirmed_id?",
       g.number as "newest_number?", g.outcome as "newest_outcome?", g.reason as "newest_reason?",
       w.like_a_machine as "like_a_machine?",
       out.caller_hour as "caller_hour!", out.caller_day as "caller_day!",
       out.business_hour as "business_hour!", out.business_day as "business_day!"
from (select 1) as one
left join lateral (
  select id, action, created_at from comp_opt_outs
  where tenant_id = $1 and phone = $2 order by number desc limit 1
) as o on true
left join comp_opt_out_confirmations c on c.tenant_id = $1 and c.id = o.id
left join lateral (
  select number, outcome, reason from comp_gate_decisions
  where tenant_id = $1 and subject_kind = $3 and subject_id = $4 order by number desc limit 1
) as g on true
left join comp_loop_watch w on w.tenant_id = $1 and w.phone = $2 and w.last_heard_at > $6
-- The limits bound what is read here. A text that was let out before does not stand in its own way.
cross join lateral (
  select count(*) filter (where l.phone = $2 and l.decided_at > $5) as caller_hour,
         count(*) filter (where l.phone = $2) as caller_day,
         count(*) filter (where l.decided_at > $5) as business_hour,
         count(*) as business_day
  from comp_gate_decisions l
  where l.tenant_id = $1 and l.decided_at > $6 and l.subject_kind = 'message' and l.outcome = 'allow'
    and l.subject_id is distinct from $4
) as out
