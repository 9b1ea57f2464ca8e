//! nmc-config
