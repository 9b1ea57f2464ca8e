//! Who reads the callers' texts while conversations are played.

use clap::ValueEnum;
use nmc_conversation::deterministic_answer;
use nmc_simulators::model::{ModelSimulator, ModelSimulatorSettings};

use crate::{SandboxError, run::given_model};

/// The ways to understand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Understanding {
    /// By rules.
    #[default]
    Deterministic,
    /// By a language model as well: the one of `MODEL_BASE_URL`, else one that hears what the rules hear.
    Model,
}

/// What it takes.
pub(super) struct Reader {
    /// Keys of the programs' configuration.
    pub(super) configuration: Vec<(String, String)>,
    /// Which it is, for people.
    pub(super) told: String,
    /// Answers as long as it is kept.
    _simulated: Option<ModelSimulator>,
}

impl Reader {
    pub(super) async fn start(understanding: Understanding) -> Result<Self, SandboxError> {
        let rules = "texts are read by rules".to_owned();
        if understanding == Understanding::Deterministic {
            return Ok(Self { configuration: Vec::new(), told: rules, _simulated: None });
        }
        let configuration = given_model();
        let value = |key: &str| configuration.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        if let Some(base_url) = value("MODEL_BASE_URL") {
            let told =
                format!("{rules} and by {} at {base_url}", value("MODEL_NAME").unwrap_or("a model without a name"));
            return Ok(Self { configuration, told, _simulated: None });
        }
        let mind =
            |question: &nmc_simulators::model::ModelQuestion| deterministic_answer(&question.data).unwrap_or_default();
        let simulated = ModelSimulator::start(ModelSimulatorSettings::new(mind)).await?;
        let configuration = vec![
            ("MODEL_BASE_URL".to_owned(), simulated.base_url()),
            ("MODEL_NAME".to_owned(), "simulated".to_owned()),
        ];
        let told = format!("{rules} and by a simulated model that hears what they hear");
        Ok(Self { configuration, told, _simulated: Some(simulated) })
    }
}
