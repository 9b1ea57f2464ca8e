//! nmc-web
