//! Who can be booked when, and what is held and booked.

mod model;
