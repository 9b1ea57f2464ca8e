//! nmc-outbox
