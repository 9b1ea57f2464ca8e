//! nmc-postgres
