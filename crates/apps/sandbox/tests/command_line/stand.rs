//! An installation whose programs are started one by one.

use std::{net::SocketAddr, process::ExitStatus, time::Duration};

use nmc_providers::twilio::{AccountSid, AuthToken};
use nmc_sandbox::{ExampleTenant, example_tenant};
use nmc_simulators::twilio::{
    CallRequest, CallScenario, SignatureKind, SimulatedNumber, TwilioSettings, TwilioSimulator, WebhookRequest,
};
use nmc_testkit::{TestDatabase, eventually};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::program::{ACCOUNT_SID, AUTH_TOKEN, BOUND, Environment, any_address, configuration, free_address, program};

pub(crate) const CALLER: &str = "+14155550142";
/// How long a stop may take from the signal on.
pub(crate) const STOP_BOUND: Duration = Duration::from_secs(10);

/// Twilio's stand-in and what both programs need to work with it.
pub(crate) struct Stand {
    pub(crate) database: TestDatabase,
    pub(crate) twilio: TwilioSimulator,
    pub(crate) tenant: ExampleTenant,
    pub(crate) http: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

impl Stand {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let tenant = example_tenant(&database.app_url()).await.unwrap();
        let http = free_address();
        let account = AccountSid::parse(ACCOUNT_SID).unwrap();
        let base_url = format!("http://{http}");
        let mut settings = TwilioSettings::new(account, AuthToken::new(AUTH_TOKEN), &base_url);
        settings.numbers = vec![SimulatedNumber::at(tenant.number.clone(), &base_url)];
        let twilio = TwilioSimulator::start(settings).await.unwrap();
        Self { database, twilio, tenant, http, metrics: free_address() }
    }

    pub(crate) fn environment(&self, database_url: String, metrics: SocketAddr) -> Environment {
        configuration(database_url, self.http, metrics, &self.twilio.base_url())
    }

    /// The server, answering.
    pub(crate) async fn serve(&self) -> Child {
        let environment = self.environment(self.database.app_url(), self.metrics);
        let child = program(&["server", "serve"], &environment).spawn().unwrap();
        let ready = eventually(BOUND, async || get(format!("http://{}/readyz", self.http)).await.is_some()).await;
        assert!(ready, "the server does not become ready");
        child
    }

    pub(crate) fn dispatcher_environment(&self) -> Environment {
        self.environment(self.database.dispatcher_url(), any_address())
    }

    pub(crate) fn dispatch(&self) -> Child {
        program(&["dispatcher", "run"], &self.dispatcher_environment()).spawn().unwrap()
    }

    pub(crate) async fn missed_call(&self) {
        let call = CallRequest::new(CALLER, self.tenant.number.clone(), CallScenario::NoAnswer);
        self.twilio.place_call(call).await;
    }

    pub(crate) async fn deliver(&self, route: &str, params: &[(&str, &str)], signature: SignatureKind) -> Option<u16> {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = WebhookRequest { signature, ..WebhookRequest::new(format!("/webhooks/twilio/{route}"), params) };
        self.twilio.deliver(request).await.remove(0).status
    }

    /// A text to `to`, saying `body`, always with the same id.
    pub(crate) async fn text(&self, to: &str, body: &str, signature: SignatureKind) -> Option<u16> {
        let sid = "SM00000000000000000000000000000001";
        let params = [("MessageSid", sid), ("AccountSid", ACCOUNT_SID), ("From", CALLER), ("To", to), ("Body", body)];
        self.deliver("sms-inbound", &params, signature).await
    }
}

/// A page of a program's, where it is answered with success.
pub(crate) async fn get(url: String) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a client that asks as a load balancer does")]
    let answer = reqwest::get(url).await.ok()?;
    answer.error_for_status().ok()?.text().await.ok()
}

/// Sends SIGTERM to a program that was started here, as a service manager does.
pub(crate) async fn terminate(child: &Child) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status().await.unwrap().success());
}

pub(crate) async fn ended(child: &mut Child) -> ExitStatus {
    timeout(STOP_BOUND, child.wait()).await.unwrap().unwrap()
}
