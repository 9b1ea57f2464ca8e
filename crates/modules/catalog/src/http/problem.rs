//! Each use case's errors as the API tells them.

use nmc_web::Problem;

use crate::{AliasesError, ChangeItemError, CreateItemError, QuoteError};

fn owner_required() -> Problem {
    Problem::forbidden("owner_required", "Only an owner of the business may do this.")
}

fn name_taken() -> Problem {
    Problem::conflict("name_taken", "Another service item, perhaps an inactive one, has this name.")
}

fn other_currency() -> Problem {
    Problem::conflict("other_currency", "All prices of a business are in one currency.")
}

impl From<CreateItemError> for Problem {
    fn from(error: CreateItemError) -> Self {
        match error {
            CreateItemError::Forbidden => owner_required(),
            CreateItemError::NameTaken => name_taken(),
            CreateItemError::OtherCurrency => other_currency(),
            CreateItemError::Full => Self::conflict("catalog_full", "The catalog has as many items as it may."),
            CreateItemError::KeyReused => Self::idempotency_key_reused(),
            CreateItemError::Database(error) => error.into(),
        }
    }
}

impl From<ChangeItemError> for Problem {
    fn from(error: ChangeItemError) -> Self {
        match error {
            ChangeItemError::Forbidden => owner_required(),
            ChangeItemError::NotFound => Self::not_found(),
            ChangeItemError::NameTaken => name_taken(),
            ChangeItemError::OtherCurrency => other_currency(),
            ChangeItemError::Database(error) => error.into(),
        }
    }
}

impl From<AliasesError> for Problem {
    fn from(error: AliasesError) -> Self {
        match error {
            AliasesError::Forbidden => owner_required(),
            AliasesError::NotFound => Self::not_found(),
            AliasesError::TooMany => Self::invalid_field("aliases", error.to_string()),
            AliasesError::Database(error) => error.into(),
        }
    }
}

impl From<QuoteError> for Problem {
    fn from(error: QuoteError) -> Self {
        match error {
            QuoteError::Unknown => Self::not_found(),
            QuoteError::Inactive => Self::gone("item_inactive", "The service item is not sold any more."),
            QuoteError::Database(error) => error.into(),
        }
    }
}
