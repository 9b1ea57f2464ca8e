//! The event catalog: the envelope, and one type per event with its name, version and order key.
//!
//! An event is an immutable fact of one tenant. Modules hear each other through these types without depending on
//! each other. `docs/events.md` and the JSON Schemas beside it are generated from them.

mod catalog;
mod envelope;
mod event;
mod schema;

pub mod billing;
pub mod catalog_items;
pub mod compliance;
pub mod conversation;
pub mod scheduling;
pub mod telephony;

pub use catalog::{CATALOG, CatalogEntry};
pub use envelope::{Context, Envelope, NewEvent, PayloadError};
pub use event::{Event, SchemaVersion};
pub use schema::{catalog_page, json_schema, schema_file_name};
