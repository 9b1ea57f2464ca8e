//! What the module hears: database only.

pub(crate) mod appointment_booked;
pub(crate) mod appointment_cancelled;
pub(crate) mod appointment_rescheduled;
pub(crate) mod call_detected;
pub(crate) mod compliance_status_changed;
pub(crate) mod inbound_sms_received;
pub(crate) mod opt_out_recorded;
