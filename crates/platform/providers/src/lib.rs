//! nmc-providers
