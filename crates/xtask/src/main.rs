//! The project's own commands: `cargo xtask <command>`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks on its standard output")]

mod architecture;
mod generate;
mod handset;
mod migrations;
mod query_data;
mod rust;
mod sandbox;
mod schemathesis;
mod scratch;
mod sql;
mod tree;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};
use tree::Tree;

/// What a command may fail with; it is only ever printed.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks the rules of the house: tiers, table owners, migrations, layout.
    Architecture,
    /// Writes the files that are made from code: the event catalog, the OpenAPI document, the configuration table.
    Generate {
        /// Write nothing; fail if a file differs from what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Writes `.sqlx/`: what the compiler needs to know of the database to check queries without one.
    Sqlx {
        /// Write nothing; fail if the stored data differs from what the migrations and queries say.
        #[arg(long)]
        check: bool,
    },
    /// Applies the migrations to an empty database and to one of an earlier commit.
    Migrations {
        /// The earlier commit.
        #[arg(long, default_value = "HEAD~1", value_name = "REVISION")]
        since: String,
    },
    /// Plays the handset's page in a browser. Needs node, npm's index and a Chromium.
    Handset,
    /// Drives the API of a sandbox with requests made from its OpenAPI document. Needs Python and the package index.
    Schemathesis {
        /// Requests per operation and phase at most.
        #[arg(long, default_value_t = 25)]
        examples: u32,
        /// As whom: OWNER or TECH.
        #[arg(long, default_value = "OWNER")]
        role: String,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let root = tree::root();
    let tree = Tree::of_repository(&root)?;
    match command {
        Command::Architecture => {
            let violations = architecture::check(&tree);
            for violation in &violations {
                println!("{violation}");
            }
            match violations.len() {
                0 => println!("architecture: {} rules hold", architecture::rule_count()),
                count => return Err(format!("architecture: {count} violations").into()),
            }
        }
        Command::Generate { check } => generate::run(&root, &tree, check)?,
        Command::Sqlx { check } => query_data::run(&root, &tree, check)?,
        Command::Migrations { since } => migrations::run(&root, &tree, &since)?,
        Command::Handset => handset::run(&root)?,
        Command::Schemathesis { examples, role } => schemathesis::run(&root, examples, &role)?,
    }
    Ok(())
}
