use serde::{Deserialize, Serialize};

/// The currencies prices may be in; US dollars to begin with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, schemars::JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum Currency {
    /// United States dollar.
    Usd,
}

/// An amount that is never negative, in the currency's smallest unit; at most a million dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema, utoipa::ToSchema)]
#[serde(try_from = "RawMoney")]
pub struct Money {
    amount_cents: i64,
    currency: Currency,
}

/// The amount is negative or above the bound.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("amount_cents must be 0 to 100000000, not {0}")]
pub struct MoneyError(i64);

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawMoney {
    amount_cents: i64,
    currency: Currency,
}

impl Money {
    /// The largest amount, in cents: a typing error beyond it is caught, no job of a small trade is.
    pub const MAX_CENTS: i64 = 100_000_000;

    /// Checks the bounds.
    pub const fn new(amount_cents: i64, currency: Currency) -> Result<Self, MoneyError> {
        if amount_cents < 0 || amount_cents > Self::MAX_CENTS {
            return Err(MoneyError(amount_cents));
        }
        Ok(Self { amount_cents, currency })
    }

    /// In the currency's smallest unit.
    pub const fn amount_cents(self) -> i64 {
        self.amount_cents
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }
}

impl TryFrom<RawMoney> for Money {
    type Error = MoneyError;
    fn try_from(raw: RawMoney) -> Result<Self, MoneyError> {
        Self::new(raw.amount_cents, raw.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_checked() {
        let money: Money = serde_json::from_str(r#"{"amount_cents":9500,"currency":"USD"}"#).unwrap();
        assert_eq!(money, Money::new(9500, Currency::Usd).unwrap());
        assert!(serde_json::from_str::<Money>(r#"{"amount_cents":-1,"currency":"USD"}"#).is_err());
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount_cents":9500,"currency":"USD"}"#);
    }
}
