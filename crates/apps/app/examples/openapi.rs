//! Prints the OpenAPI document of the whole API; `cargo xtask generate` keeps it in `docs/openapi.json`.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", nmc_app::openapi().to_pretty_json()?);
    Ok(())
}
