//! nmc-simulators
