//! What may be sent to whom, and why a text was or was not sent.
//!
//! Owns (`comp_` tables): brand and campaign, the business's receiving numbers, the ledger of opt-outs, the list of
//! numbers never to text, and the gate's decisions. Never: sends anything, knows a conversation, or reads a text for more
//! than whether it takes consent back.
//!
//! Events out: `ComplianceStatusChanged`, `OptOutRecorded`, `OptOutRevoked`. Events in: none; who needs an answer now
//! calls [`Compliance`] on the transaction it has open.
//!
//! A STOP and a send are ordered: recording an opt-out takes an advisory lock on (tenant, phone) exclusively, the gate
//! takes the same lock shared, and both keep it to the end of their transactions. So a send that was allowed has
//! committed its claim before the STOP commits, or it sees the STOP. `store::phone_lock` has the key.

mod compliance;
mod http;
mod model;
mod store;
mod use_case;

pub use compliance::Compliance;
pub use model::{
    campaign::{Campaign, CampaignSubmission, SubmissionError},
    decision::{BlockReason, Decision, DeferReason, Purpose, StoredDecision, Subject},
    do_not_text::{DoNotText, LabelError},
    keyword::{keyword, keyword_when_opted_out},
    limit::{Limit, SendLimits},
    number::{NumberRequest, NumberStatus, PhoneNumber, ReceivingNumber},
    opt_out::{OptOutAction, OptOutChange, OptOutEntry, OptOutRevocation, OptOutSource, PhoneOptOut},
    registration::{
        Address, Brand, BusinessKind, CompanyType, Contact, Fault, ReasonError, Registration, RegistrationChange,
        RegistrationSubject, SaidBy, UseCase,
    },
    standing::{Missing, Standing},
    wording::revokes_consent,
};
pub use nmc_events::{compliance::CampaignStatus, telephony::Keyword};
pub use use_case::{
    decide::{CampaignChange, DecideCampaignError},
    do_not_text::DoNotTextError,
    numbers::NumberError,
    submit::SubmitCampaignError,
};
