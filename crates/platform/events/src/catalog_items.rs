//! What Catalog publishes.

use nmc_kernel::ServiceItemId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, SchemaVersion};

/// Service items or aliases changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogUpdated {
    /// The items that changed.
    pub updated_item_ids: Vec<ServiceItemId>,
    /// Everything may have changed.
    pub full_refresh: bool,
}

impl Event for CatalogUpdated {
    const NAME: &'static str = "nmc.catalog.CatalogUpdated";
    const VERSION: SchemaVersion = SchemaVersion::V1;
}
