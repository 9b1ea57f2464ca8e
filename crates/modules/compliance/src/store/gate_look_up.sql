-- What the gate has to know: $1 tenant, $2 phone, $3 and $4 the subject's kind and id (null without a subject), $5 an
-- hour and $6 a day ago, $7 the number to send from (null where none is asked about), $8 and $9 the phone's lock, which is
-- waited for first (null for a look without it).
select is_own_number as "is_own_number!", is_do_not_text as "is_do_not_text!", is_receiving as "is_receiving!",
       campaign as "campaign?", opt_out_id as "opt_out_id?", opt_out_action as "opt_out_action?",
       opted_out_at as "opted_out_at?", confirmed_kind as "confirmed_kind?", confirmed_id as "confirmed_id?",
       newest_number as "newest_number?", newest_outcome as "newest_outcome?", newest_reason as "newest_reason?",
       like_a_machine as "like_a_machine?", caller_hour as "caller_hour!", caller_day as "caller_day!",
       business_hour as "business_hour!", business_day as "business_day!"
from comp_gate_look_up($1, $2, $3, $4, $5, $6, $7, $8, $9)
