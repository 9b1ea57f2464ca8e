use futures::FutureExt as _;
use nmc_retention::Sweeps;

use crate::{Identity, store::retention};

impl Identity {
    /// Adds what the module forgets with age: invitations. The audit log is kept for ever.
    #[must_use]
    pub fn sweeps(&self, sweeps: Sweeps) -> Sweeps {
        sweeps.with("id_invitations", |tx, limit| retention::delete_invitations(tx, limit).boxed())
    }
}
