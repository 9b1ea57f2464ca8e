pub(crate) mod add_receiving_number;
pub(crate) mod can_send;
pub(crate) mod decide_campaign;
pub(crate) mod do_not_text;
pub(crate) mod opt_out;
pub(crate) mod submit_campaign;
