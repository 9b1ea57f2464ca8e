//! `nmc-dispatcher`.
fn main() {}
