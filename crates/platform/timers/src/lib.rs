//! nmc-timers
