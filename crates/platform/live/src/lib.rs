//! The live stream: what happens in a business, told to its people while it happens.
//!
//! Reads `outbox_events`, writes nothing, and is no consumer of the outbox: nothing waits for it. Each server reads for
//! its own clients, once for each business that has any, in the order (xid, seq) and only below the oldest transaction
//! that still runs. So what commits late still comes, and nothing comes twice.
//!
//! ```text
//!  NOTIFY, or 2 s
//!       |
//!    reader --- page after page, behind row security ---> hub, one channel per business
//!                                                          |          |
//!  Last-Event-ID --> catch up from the table to where the channel is, then hear the channel
//! ```
//!
//! A client that does not read as fast as things happen is cut and comes back with its `Last-Event-ID`.

mod client;
mod event;
mod http;
mod hub;
mod live;
mod position;
mod reader;
mod store;

pub use event::{STREAMED, StreamEvent};
pub use live::{Live, Settings, StillSignedIn};
pub use position::Position;
