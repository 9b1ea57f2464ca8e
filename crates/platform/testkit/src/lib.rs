//! nmc-testkit
