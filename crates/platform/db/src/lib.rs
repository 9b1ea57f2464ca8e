//! nmc-db
