//! nmc-identity
