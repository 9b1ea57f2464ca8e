use std::collections::HashSet;

use crate::{DbError, ReadTx, Tx};

/// Who sends webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookProvider {
    /// Calls and texts.
    Twilio,
    /// Subscriptions.
    Stripe,
    /// Calendars.
    Google,
    /// Visits.
    Jobber,
    /// Users.
    Clerk,
}

impl WebhookProvider {
    /// The stable word in tables and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Stripe => "stripe",
            Self::Google => "google",
            Self::Jobber => "jobber",
            Self::Clerk => "clerk",
        }
    }
}

/// Whether a webhook has been taken before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never: do the work.
    First,
    /// With the same content: no second effect.
    Again,
    /// With other content: no second effect, and somebody should look.
    Altered,
}

impl ReadTx {
    /// Which of these ids have been recorded: one statement, whosoever they are.
    pub async fn recorded_webhooks(
        &mut self,
        provider: WebhookProvider,
        event_ids: &[String],
    ) -> Result<HashSet<String>, DbError> {
        let recorded = sqlx::query_scalar!(
            "select event_id from webhook_events where provider = $1 and event_id = any($2)",
            provider.as_str(),
            event_ids
        )
        .fetch_all(self.conn().await?)
        .await?;
        Ok(recorded.into_iter().collect())
    }
}

impl Tx {
    /// Records a webhook by the provider's id of it (ADR 0007), so that a repeat has no second effect. Two at once are
    /// ordered by the primary key: the later one waits for the earlier one's commit.
    ///
    /// `payload_hash` is the SHA-256 of the fields that matter; a repeat may differ in the others.
    pub async fn record_webhook(
        &mut self,
        provider: WebhookProvider,
        event_id: &str,
        payload_hash: [u8; 32],
    ) -> Result<Seen, DbError> {
        let now = self.now();
        let first = sqlx::query!(
            "insert into webhook_events (provider, event_id, received_at, payload_hash) values ($1, $2, $3, $4)
             on conflict do nothing",
            provider.as_str(),
            event_id,
            now,
            &payload_hash[..]
        )
        .execute(self.conn().await?)
        .await?;
        if first.rows_affected() == 1 {
            return Ok(Seen::First);
        }
        metrics::counter!("webhook_dedupe_hits_total", "provider" => provider.as_str()).increment(1);
        let hash = sqlx::query_scalar!(
            "select payload_hash from webhook_events where provider = $1 and event_id = $2",
            provider.as_str(),
            event_id
        )
        .fetch_one(self.conn().await?)
        .await?;
        if hash == payload_hash {
            return Ok(Seen::Again);
        }
        metrics::counter!("webhook_altered_total", "provider" => provider.as_str()).increment(1);
        tracing::error!(webhook.provider = provider.as_str(), "a webhook came again with other content");
        Ok(Seen::Altered)
    }
}
