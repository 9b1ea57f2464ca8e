//! What Compliance publishes.

use nmc_kernel::{CampaignId, E164};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Event, SchemaVersion};

/// Where a 10DLC campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignStatus {
    /// Submitted; nothing may be sent.
    Pending,
    /// Texts may be sent.
    Approved,
    /// Refused; nothing may be sent.
    Rejected,
}

impl CampaignStatus {
    /// The stable word in tables and payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// The campaign's status changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComplianceStatusChanged {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// Its new status.
    pub status: CampaignStatus,
}

/// A caller wants no more texts from this business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptOutRecorded {
    /// The caller.
    pub phone: E164,
    /// The word or wording that said so.
    pub keyword: String,
}

/// A caller wants texts again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptOutRevoked {
    /// The caller.
    pub phone: E164,
    /// The word that said so.
    pub keyword: String,
}

impl Event for ComplianceStatusChanged {
    const NAME: &'static str = "nmc.compliance.ComplianceStatusChanged";
    const VERSION: SchemaVersion = SchemaVersion::V1;
}

impl Event for OptOutRecorded {
    const NAME: &'static str = "nmc.compliance.OptOutRecorded";
    const VERSION: SchemaVersion = SchemaVersion::V1;
    fn order_key(&self) -> Option<String> {
        Some(self.phone.as_str().to_owned())
    }
}

impl Event for OptOutRevoked {
    const NAME: &'static str = "nmc.compliance.OptOutRevoked";
    const VERSION: SchemaVersion = SchemaVersion::V1;
    fn order_key(&self) -> Option<String> {
        Some(self.phone.as_str().to_owned())
    }
}
