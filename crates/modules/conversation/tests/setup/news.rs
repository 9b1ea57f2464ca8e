//! What other modules tell of callers.

use nmc_compliance::OptOutSource;
use nmc_events::{
    Context,
    telephony::{CallDetected, InboundSmsReceived, MissedReason},
};
use nmc_kernel::{CallId, CorrelationId, E164, InboundSmsId, Untextable};
use uuid::Uuid;

use super::{World, business};

impl World {
    /// Telephony has found a missed call.
    pub(crate) async fn call(&self, from: &E164) -> CallId {
        self.missed(Some(from), None).await
    }

    pub(crate) async fn missed(&self, from: Option<&E164>, untextable_reason: Option<Untextable>) -> CallId {
        let mut tx = self.app.db.begin(self.tenant).await.unwrap();
        let call_id: CallId = tx.ids().next();
        let event = CallDetected {
            call_id,
            from_phone: from.cloned(),
            untextable_reason,
            to_phone: business(),
            reason: MissedReason::NoAnswer,
            provider_ref: format!("CA{}", call_id.as_uuid().simple()),
        };
        tx.publish(&event, Context { correlation: CorrelationId::from(call_id.as_uuid()), causation: None }).unwrap();
        tx.commit().await.unwrap();
        call_id
    }

    /// Telephony has taken a text, keywords recorded with it.
    pub(crate) async fn text(&self, from: &E164, body: &str) -> InboundSmsId {
        self.text_as(from, body, false).await
    }

    pub(crate) async fn text_as(&self, from: &E164, body: &str, answered_by_provider: bool) -> InboundSmsId {
        self.taken(from, body, answered_by_provider, 0).await
    }

    /// The same with a picture.
    pub(crate) async fn picture(&self, from: &E164, body: &str) -> InboundSmsId {
        self.taken(from, body, false, 1).await
    }

    async fn taken(&self, from: &E164, body: &str, answered_by_provider: bool, media_count: u16) -> InboundSmsId {
        let mut tx = self.app.db.begin(self.tenant).await.unwrap();
        let message_id: InboundSmsId = tx.ids().next();
        let context = Context { correlation: CorrelationId::from(message_id.as_uuid()), causation: None };
        let keyword = self.app.compliance.record_keyword(&mut tx, from, body, context).await.unwrap();
        let event = InboundSmsReceived {
            message_id,
            from_phone: from.clone(),
            to_phone: business(),
            body: body.to_owned(),
            media_count,
            provider_ref: format!("SM{}", message_id.as_uuid().simple()),
            keyword,
            answered_by_provider,
        };
        tx.publish(&event, context).unwrap();
        tx.commit().await.unwrap();
        message_id
    }

    pub(crate) async fn opt_out(&self, caller: &E164) {
        let mut tx = self.app.db.begin(self.tenant).await.unwrap();
        let context = Context { correlation: CorrelationId::from(Uuid::from_u128(7)), causation: None };
        self.app.compliance.record_opt_out(&mut tx, caller, "STOP", OptOutSource::Keyword, context).await.unwrap();
        tx.commit().await.unwrap();
    }
}
