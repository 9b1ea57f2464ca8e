//! The ways to the providers, made from configuration.

use nmc_config::Config;
use nmc_kernel::Clock;
use nmc_providers::{
    clerk::{self, ClerkClient, ClerkTokens, ClerkWebhooks, TokenSettings, WebhookSecret},
    model::{ModelClient, ModelSettings},
    twilio::{self, AccountSid, AuthToken, TwilioClient},
};
use secrecy::ExposeSecret as _;

use crate::AppError;

pub(crate) fn twilio_client(config: &Config) -> Result<TwilioClient, AppError> {
    let settings = twilio::ClientSettings {
        base_url: config.twilio.base_url.as_str().to_owned(),
        account_sid: AccountSid::parse(&config.twilio.account_sid).map_err(wrong)?,
        auth_token: AuthToken::new(config.twilio.auth_token.expose_secret()),
        connect_timeout: config.twilio.connect_timeout,
        request_timeout: config.twilio.timeout,
    };
    TwilioClient::new(settings).map_err(wrong)
}

/// The way to the language model, where there is one.
pub(crate) fn model_client(config: &Config) -> Result<Option<ModelClient>, AppError> {
    let (Some(base_url), Some(name)) = (&config.model.base_url, &config.model.name) else { return Ok(None) };
    let settings = ModelSettings {
        base_url: base_url.as_str().to_owned(),
        name: name.clone(),
        api_key: config.model.api_key.clone(),
    };
    ModelClient::new(settings).map(Some).map_err(wrong)
}

/// The ways to Clerk and back; cheap to clone.
#[derive(Clone)]
pub(crate) struct Clerk {
    /// Who sent a request.
    pub(crate) tokens: ClerkTokens,
    /// What is asked of Clerk.
    pub(crate) client: ClerkClient,
    /// What Clerk says by itself.
    pub(crate) webhooks: ClerkWebhooks,
}

impl Clerk {
    pub(crate) fn new(config: &Config) -> Result<Self, AppError> {
        let config = &config.clerk;
        let tokens = TokenSettings {
            issuer: config.jwt_issuer.as_str().to_owned(),
            audience: config.jwt_audience.clone(),
            authorized_parties: config.authorized_parties.clone(),
            jwks_url: config.jwks_url.as_str().to_owned(),
        };
        let client = clerk::ClientSettings {
            base_url: config.base_url.as_str().to_owned(),
            secret_key: config.secret_key.clone(),
            connect_timeout: config.connect_timeout,
            request_timeout: config.timeout,
        };
        let secrets = config.webhook_secrets.iter().map(|secret| WebhookSecret::parse(secret.expose_secret()));
        Ok(Self {
            tokens: ClerkTokens::new(tokens, Clock::system()).map_err(wrong)?,
            client: ClerkClient::new(client).map_err(wrong)?,
            webhooks: ClerkWebhooks::new(secrets.collect::<Result<_, _>>().map_err(wrong)?),
        })
    }
}

/// A value that configuration accepts and the client does not.
pub(crate) fn wrong(error: impl std::error::Error) -> AppError {
    AppError::Client(error.to_string())
}
