use chrono::{DateTime, Utc};
use nmc_db::{DbError, Tx};
use nmc_events::telephony::Keyword;
use nmc_kernel::{CorrelationId, E164, InboundSmsId, Untextable};
use nmc_providers::twilio::Media;
use serde_json::{Value, json};

use crate::model::record::Caller;

/// A text as it is kept.
pub(crate) struct InboundText<'a> {
    pub(crate) id: InboundSmsId,
    /// Twilio's MessageSid.
    pub(crate) provider_ref: &'a str,
    pub(crate) from: &'a Caller,
    pub(crate) to: &'a E164,
    pub(crate) body: &'a str,
    pub(crate) media: &'a [Media],
    pub(crate) keyword: Option<Keyword>,
    pub(crate) answered_by_provider: bool,
    pub(crate) correlation: CorrelationId,
    /// When it was written, as far as is known.
    pub(crate) created_at: DateTime<Utc>,
}

/// Adds a text; `false` where it is there already.
pub(crate) async fn insert(tx: &mut Tx, text: &InboundText<'_>) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let inserted = sqlx::query!(
        "insert into tel_inbound_sms (tenant_id, id, provider_ref, from_phone, untextable_reason, to_phone, body, media,
                                      keyword, answered_by_provider, correlation_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (tenant_id, provider_ref) do nothing",
        tenant.as_uuid(),
        text.id.as_uuid(),
        text.provider_ref,
        text.from.phone.as_ref().map(E164::as_str),
        text.from.untextable.map(Untextable::as_str),
        text.to.as_str(),
        text.body,
        media_column(text.media),
        text.keyword.map(keyword_word),
        text.answered_by_provider,
        text.correlation.as_uuid(),
        text.created_at
    )
    .execute(tx.conn().await?)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

const fn keyword_word(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::Stop => "stop",
        Keyword::Start => "start",
        Keyword::Help => "help",
    }
}

/// References only: what the pictures show stays with Twilio.
fn media_column(media: &[Media]) -> Value {
    // The one character that a Postgres JSON text cannot hold.
    let storable = |text: &str| text.replace('\0', "");
    media
        .iter()
        .map(|item| json!({"url": storable(&item.url), "content_type": item.content_type.as_deref().map(storable)}))
        .collect()
}
