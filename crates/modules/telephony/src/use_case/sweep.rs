use futures::FutureExt as _;
use nmc_retention::Sweeps;

use crate::{Telephony, store::retention};

impl Telephony {
    /// Adds what the module forgets with age: the texts of callers, later calls and texts as such.
    #[must_use]
    pub fn sweeps(&self, sweeps: Sweeps) -> Sweeps {
        sweeps
            .with("tel_calls", |tx, limit| retention::delete_calls(tx, limit).boxed())
            .with("tel_inbound_sms", |tx, limit| retention::delete_texts(tx, limit).boxed())
            .with("tel_inbound_sms, body", |tx, limit| retention::empty_texts(tx, limit).boxed())
    }
}
