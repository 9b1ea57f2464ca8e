//! Texts that a language model reads: what it is told, what becomes of what it says, and that nothing waits for it or
//! breaks with it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that meets the unexpected stops there; how many trials stood behind a zero is said"
)]

#[path = "../setup/mod.rs"]
mod setup;
#[path = "../turns/shop.rs"]
mod shop;

mod obeying;
mod readings;

use nmc_conversation::Settings;
use nmc_identity::TenantSettings;
use nmc_providers::model::{ModelClient, ModelSettings};
use nmc_simulators::model::{ModelQuestion, ModelSimulator, ModelSimulatorSettings};

use setup::World;

/// What the model is called here.
const NAME: &str = "a-model";
const KEY: &str = "sk-of-these-tests";

/// A shop whose texts are read by a model with this mind.
async fn shop_with_model(
    tenant_settings: TenantSettings,
    mind: impl Fn(&ModelQuestion) -> String + Send + Sync + 'static,
) -> (World, ModelSimulator) {
    let settings = ModelSimulatorSettings { api_key: Some(KEY.into()), ..ModelSimulatorSettings::new(mind) };
    let model = ModelSimulator::start(settings).await.unwrap();
    let client = ModelSettings { base_url: model.base_url(), name: NAME.to_owned(), api_key: Some(KEY.into()) };
    let settings = Settings { model: Some(ModelClient::new(client).unwrap()), ..setup::settings() };
    let world = World::with(settings, tenant_settings).await;
    world.approve().await;
    shop::stock(&world).await;
    (world, model)
}
