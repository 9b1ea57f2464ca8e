//! A request to the API: whom it claims to come from, what it names, and what goes wrong with it.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{Refusal, authenticate, faulty::with_faults};
use crate::{
    server::Connection,
    twilio::{Account, Api},
};

/// What every request to the API carries.
pub(super) struct ApiRequest {
    account: Arc<Account>,
    connection: Connection,
    headers: HeaderMap,
    named: Named,
}

/// What a request's path names.
#[derive(Deserialize)]
struct Named {
    account: String,
    /// Absent for a list of the account.
    #[serde(default)]
    resource: String,
}

impl FromRequestParts<Arc<Account>> for ApiRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, account: &Arc<Account>) -> Result<Self, Response> {
        let named = Path::<Named>::from_request_parts(parts, account).await.map_err(IntoResponse::into_response)?;
        let connection = parts.extensions.get::<Connection>().cloned().unwrap_or_default();
        Ok(Self { account: account.clone(), connection, headers: parts.headers.clone(), named: named.0 })
    }
}

impl ApiRequest {
    /// The id of the resource that the path names.
    pub(super) fn resource(&self) -> String {
        self.named.resource.trim_end_matches(".json").to_owned()
    }

    /// Answers whoever knows the account's token, with the fault that is due.
    pub(super) async fn answer(
        self,
        api: Api,
        answer: impl FnOnce(&Arc<Account>) -> Result<Response, Refusal> + Send + 'static,
    ) -> Response {
        let Self { account, connection, headers, named } = self;
        with_faults(&account, api, &connection, move |account| {
            let answered = authenticate(account, &headers, &named.account).and_then(|()| answer(account));
            answered.unwrap_or_else(IntoResponse::into_response)
        })
        .await
    }
}
