//! nmc-telemetry
