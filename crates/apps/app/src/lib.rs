//! nmc-app
