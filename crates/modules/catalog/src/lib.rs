//! What a business sells: its jobs, what they last and cost, and by which words callers ask for them.
//!
//! Owns (`catalog_` tables): service items and their aliases. Never: deletes an item, says a price that does not stand
//! there, or guesses between two jobs.
//!
//! Events out: `CatalogUpdated`. Events in: none; who needs an answer now calls [`Catalog`] on the transaction it has
//! open.
//!
//! Whoever changes a business's catalog takes an advisory lock on it first (`store::item::lock_catalog`), so that bounds
//! and names are judged one change after the other. Lock order: `Idempotency-Key`, catalog, log.

mod catalog;
mod http;
mod model;
mod store;
mod use_case;

pub use catalog::Catalog;
pub use model::{
    item::{Alias, ItemChange, NewItem, Quote, ServiceItem},
    matching::{Match, MatchedBy, Matches, matches},
    words::{AliasText, Description, ItemName, WordsError},
};
pub use use_case::{
    change::ChangeItemError,
    create::{CreateItemError, ITEMS_MAX},
    put_aliases::AliasesError,
    quote::QuoteError,
};
