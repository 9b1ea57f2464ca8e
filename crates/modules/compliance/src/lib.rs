//! nmc-compliance
