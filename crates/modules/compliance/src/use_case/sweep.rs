use futures::FutureExt as _;
use nmc_retention::Sweeps;

use crate::{Compliance, store::retention};

impl Compliance {
    /// Adds what the module forgets with age: the gate's decisions, and who seemed to be a machine. Opt-outs are kept for
    /// ever.
    #[must_use]
    pub fn sweeps(&self, sweeps: Sweeps) -> Sweeps {
        sweeps
            .with("comp_gate_decisions", |tx, limit| retention::delete_decisions(tx, limit).boxed())
            .with("comp_loop_watch", |tx, limit| retention::delete_loop_watch(tx, limit).boxed())
    }
}
