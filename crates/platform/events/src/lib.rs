//! nmc-events
