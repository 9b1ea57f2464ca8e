//! The composed application's limits.
