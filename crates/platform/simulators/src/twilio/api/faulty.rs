//! Plays the fault that is due, if one is, around what the API would have done.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse as _, Response},
};

use super::Refusal;
use crate::{
    server::Connection,
    twilio::{Account, Api, Fault},
};

/// Twilio's code for an internal error, used where a fault names none.
const INTERNAL_ERROR: u32 = 20_500;

/// Runs `process` as the API, with the fault that is due.
pub(super) async fn with_faults(
    account: &Arc<Account>,
    api: Api,
    connection: &Connection,
    process: impl FnOnce(&Arc<Account>) -> Response + Send + 'static,
) -> Response {
    let fault = {
        let mut state = account.state();
        let random = &account.settings.random;
        let fault = state.faults.next(api, || random.unit());
        state.ledger.summary.faults_played += usize::from(fault.is_some());
        fault
    };
    let counted = move |account: &Arc<Account>| {
        let response = process(account);
        account.state().ledger.summary.refused += usize::from(response.status().is_client_error());
        response
    };
    match fault {
        None => counted(account),
        Some(Fault::Answer { status, code, retry_after_seconds }) => {
            account.state().ledger.summary.refused += 1;
            let mut response =
                Refusal::new(status_of(status), code.unwrap_or(INTERNAL_ERROR), "A simulated fault").into_response();
            if let Some(seconds) = retry_after_seconds {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            response
        }
        Some(Fault::AcceptThenAnswer { status, body }) => {
            counted(account);
            (status_of(status), body).into_response()
        }
        Some(Fault::Hang { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            match connection.reset().await {}
        }
        Some(Fault::AcceptThenHang { millis }) => {
            counted(account);
            tokio::time::sleep(Duration::from_millis(millis)).await;
            match connection.reset().await {}
        }
        Some(Fault::Reset) => match connection.reset().await {},
        Some(Fault::AcceptThenReset) => {
            counted(account);
            match connection.reset().await {}
        }
        Some(Fault::Delay { millis }) => delayed(account, Duration::from_millis(millis), counted).await,
        Some(Fault::Drip { millis }) => dripping(counted(account), Duration::from_millis(millis)).await,
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// In the background, so that it happens also when the client hangs up in the meantime.
async fn delayed(
    account: &Arc<Account>,
    delay: Duration,
    process: impl FnOnce(&Arc<Account>) -> Response + Send + 'static,
) -> Response {
    let (done, answer) = tokio::sync::oneshot::channel();
    let worker = account.clone();
    account.work.spawn(async move {
        tokio::time::sleep(delay).await;
        let _ = done.send(process(&worker));
    });
    answer.await.unwrap_or_else(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())
}

async fn dripping(response: Response, pause: Duration) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let drops = futures::stream::unfold((bytes, 0), move |(bytes, at)| async move {
        let byte = bytes.get(at..=at).map(Bytes::copy_from_slice)?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, std::convert::Infallible>(byte), (bytes, at + 1)))
    });
    let mut response = Response::from_parts(parts, Body::from_stream(drops));
    response.headers_mut().remove(axum::http::header::CONTENT_LENGTH);
    response
}
