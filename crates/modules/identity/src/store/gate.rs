use nmc_db::{DbError, ReadTx};

use crate::{FeatureGate, GateState};

/// What is stored of the tenant's gates.
pub(crate) async fn find(tx: &mut ReadTx) -> Result<Vec<GateState>, DbError> {
    let tenant = tx.tenant();
    let gates = sqlx::query_as!(
        GateState,
        r#"select gate as "gate: FeatureGate", enabled, reason as "reason?" from id_feature_gates where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_all(tx.conn().await?)
    .await?;
    Ok(gates)
}
