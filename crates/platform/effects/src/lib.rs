//! nmc-effects
