//! Who can be booked when, and what is held and booked.

mod model;
mod store;

pub use model::resource::Resource;
