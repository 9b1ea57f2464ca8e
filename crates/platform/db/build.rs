//! Recompiles when a migration is added: the embedded list would go stale otherwise.
fn main() {
    println!("cargo:rerun-if-changed=../../../migrations");
}
