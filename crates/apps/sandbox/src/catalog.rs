//! What the example business sells.

use nmc_catalog::{Alias, AliasText, Catalog, CreateItemError, ItemName, NewItem};
use nmc_db::Db;
use nmc_identity::Identity;
use nmc_kernel::{Actor, Currency, Minutes, Money, TenantId};

use crate::SandboxError;

/// Name, minutes, cents, and the words callers have for it.
type Job = (&'static str, i32, i64, &'static [&'static str]);

const JOBS: [Job; 5] = [
    ("Drain cleaning", 60, 14_900, &["clogged drain", "slow drain", "backed up drain", "clogged sink", "unclog"]),
    ("Toilet repair", 60, 12_900, &["toilet", "running toilet", "toilet wont flush", "clogged toilet"]),
    ("Water heater repair", 90, 18_900, &["no hot water", "water heater", "water heater leaking", "pilot light"]),
    ("Faucet replacement", 90, 17_500, &["faucet", "leaky faucet", "dripping tap", "new tap"]),
    ("Leak repair", 60, 15_900, &["leak", "leaking pipe", "leaking sink", "burst pipe", "water leak"]),
];

/// Adds what is missing; what is there, under whatever price, stays as it is.
pub(crate) async fn add_catalog(db: &Db, tenant: TenantId) -> Result<(), SandboxError> {
    let catalog = Catalog::new(db.clone(), Identity::new(db.clone()));
    let operator = Actor::Operator { tenant };
    for (name, minutes, cents, aliases) in JOBS {
        let new = NewItem {
            name: ItemName::parse(name).map_err(SandboxError::tenant)?,
            duration: Minutes::new(minutes).map_err(SandboxError::tenant)?,
            price: Money::new(cents, Currency::Usd).map_err(SandboxError::tenant)?,
            description: None,
        };
        let item = match catalog.create_item(&operator, &new, None).await {
            Ok(item) => item,
            Err(CreateItemError::NameTaken) => continue,
            Err(error) => return Err(SandboxError::tenant(error)),
        };
        let alias = |text: &&str| AliasText::parse(text).map(|text| Alias { text, priority: 0 });
        let aliases = aliases.iter().map(alias).collect::<Result<_, _>>().map_err(SandboxError::tenant)?;
        catalog.put_aliases(&operator, item.id, aliases).await.map_err(SandboxError::tenant)?;
    }
    Ok(())
}
