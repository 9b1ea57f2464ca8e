use serde::{Deserialize, Serialize};

use crate::{TenantId, UserId};

/// What a user of a business may do. There are no others (ADR 0010).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Role {
    /// Runs the business: settings, people, money.
    Owner,
    /// Works in it: conversations, appointments.
    Tech,
}

/// Who acts, and for which tenant; a use case takes it as its first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person of the business.
    User {
        /// The business.
        tenant: TenantId,
        /// The person.
        user: UserId,
        /// The person's role as the local row has it.
        role: Role,
    },
    /// The service itself: consumers, timers, effects, the automation.
    System {
        /// The business it acts for.
        tenant: TenantId,
    },
    /// An operator of the service, through a subcommand (ADR 0018).
    Operator {
        /// The business it acts on.
        tenant: TenantId,
    },
}

impl Actor {
    /// The tenant acted for.
    pub const fn tenant(&self) -> TenantId {
        match self {
            Self::User { tenant, .. } | Self::System { tenant } | Self::Operator { tenant } => *tenant,
        }
    }
}
