use serde::{Deserialize, Serialize};

/// Something a business may use or not, by its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum FeatureGate {
    /// Texts go out.
    Sending,
    /// Appointments are held and booked.
    Booking,
}

impl FeatureGate {
    /// Every gate.
    pub const ALL: [Self; 2] = [Self::Sending, Self::Booking];
}

/// How a gate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GateState {
    /// Which one.
    pub gate: FeatureGate,
    /// Whether it is open.
    pub enabled: bool,
    /// A stable word for why it stands so; absent where nothing was ever said about it, which leaves it open.
    pub reason: Option<String>,
}

/// Whether a business may do what a gate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Open,
    /// The gate is closed.
    Closed,
    /// The business is not served at all.
    Suspended,
}

/// Every gate, with what is stored of some.
pub(crate) fn all_gates(stored: &[GateState]) -> Vec<GateState> {
    let state = |gate| {
        let told = stored.iter().find(|state| state.gate == gate).cloned();
        told.unwrap_or(GateState { gate, enabled: true, reason: None })
    };
    FeatureGate::ALL.into_iter().map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_nothing_was_said_about_is_open() {
        let closed = GateState { gate: FeatureGate::Booking, enabled: false, reason: Some("canceled".to_owned()) };
        let gates = all_gates(std::slice::from_ref(&closed));
        assert_eq!(gates, [GateState { gate: FeatureGate::Sending, enabled: true, reason: None }, closed]);
    }
}
