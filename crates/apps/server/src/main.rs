//! `nmc-server`.
fn main() {}
