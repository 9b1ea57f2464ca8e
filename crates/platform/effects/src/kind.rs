use std::panic::AssertUnwindSafe;

use futures::{FutureExt as _, future::BoxFuture};
use nmc_db::{DbError, Tx};
use serde::{Serialize, de::DeserializeOwned};

use crate::{CallOutcome, Change, Check, Intent, Look};

/// One kind of effect: what the engine needs to know of a provider's call.
pub trait EffectKind: Send + Sync + 'static {
    /// Stored with every intent, so it never changes.
    const KIND: &'static str;
    /// What is asked of the provider, as stored with the intent.
    type Request: Serialize + DeserializeOwned + Send + Sync;

    /// The last check, in the claiming transaction: locks the subject and decides whether the call may still be made.
    /// The engine locks the intent after this, never before (lock order: subject, then intent).
    fn check(&self, tx: &mut Tx, intent: &Intent<Self::Request>)
    -> impl Future<Output = Result<Check, DbError>> + Send;

    /// The call, with no transaction open. Bounded by its own time-out, which is shorter than the engine's.
    fn call(&self, intent: &Intent<Self::Request>) -> impl Future<Output = CallOutcome> + Send;

    /// Asks the provider what became of the last attempt.
    fn look(&self, intent: &Intent<Self::Request>) -> impl Future<Output = Look> + Send;

    /// Applies a new state to the module's own rows and publishes its events, in the transaction that records the
    /// state. Locks the subject first. May run again for the same change if that transaction collides.
    fn apply(
        &self,
        tx: &mut Tx,
        intent: &Intent<Self::Request>,
        change: &Change,
    ) -> impl Future<Output = Result<(), DbError>> + Send;
}

/// An intent's request as stored, before its kind has read it.
pub(crate) type RawIntent = Intent<serde_json::Value>;

/// The stored request cannot be read by its kind. Serde's own words are left out: they quote the request.
#[derive(Debug, thiserror::Error)]
#[error("the stored request cannot be read")]
pub(crate) struct UnreadableRequest;

/// Why a kind's step inside a transaction failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Unreadable(#[from] UnreadableRequest),
    #[error("the kind's code panicked")]
    Panicked,
}

impl StepError {
    /// Whether the same step may succeed a little later without anything being changed.
    pub(crate) const fn is_transient(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_transient())
    }
}

/// A panic inside a transaction is a failed step: the task that drives the intent has to live on to say so.
async fn caught<T>(step: impl Future<Output = Result<T, StepError>>) -> Result<T, StepError> {
    AssertUnwindSafe(step).catch_unwind().await.unwrap_or(Err(StepError::Panicked))
}

/// An [`EffectKind`] with its types erased.
pub(crate) trait AnyKind: Send + Sync {
    fn check<'a>(&'a self, tx: &'a mut Tx, intent: &'a RawIntent) -> BoxFuture<'a, Result<Check, StepError>>;
    fn call<'a>(&'a self, intent: &'a RawIntent) -> BoxFuture<'a, Result<CallOutcome, UnreadableRequest>>;
    fn look<'a>(&'a self, intent: &'a RawIntent) -> BoxFuture<'a, Result<Look, UnreadableRequest>>;
    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        intent: &'a RawIntent,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<(), StepError>>;
}

pub(crate) struct Typed<K>(pub(crate) K);

impl<K: EffectKind> AnyKind for Typed<K> {
    fn check<'a>(&'a self, tx: &'a mut Tx, intent: &'a RawIntent) -> BoxFuture<'a, Result<Check, StepError>> {
        caught(async move { Ok(self.0.check(tx, &read(intent)?).await?) }).boxed()
    }

    fn call<'a>(&'a self, intent: &'a RawIntent) -> BoxFuture<'a, Result<CallOutcome, UnreadableRequest>> {
        async move { Ok(self.0.call(&read(intent)?).await) }.boxed()
    }

    fn look<'a>(&'a self, intent: &'a RawIntent) -> BoxFuture<'a, Result<Look, UnreadableRequest>> {
        async move { Ok(self.0.look(&read(intent)?).await) }.boxed()
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        intent: &'a RawIntent,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        caught(async move { Ok(self.0.apply(tx, &read(intent)?, change).await?) }).boxed()
    }
}

fn read<R: DeserializeOwned>(raw: &RawIntent) -> Result<Intent<R>, UnreadableRequest> {
    Ok(Intent {
        id: raw.id,
        tenant: raw.tenant,
        purpose_key: raw.purpose_key.clone(),
        order_key: raw.order_key.clone(),
        attempt: raw.attempt,
        created_at: raw.created_at,
        claimed_at: raw.claimed_at,
        useful_until: raw.useful_until,
        context: raw.context,
        request: R::deserialize(&raw.request).map_err(|_| UnreadableRequest)?,
    })
}
