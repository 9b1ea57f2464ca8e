# Verbs for `just`. Each is one cargo command: without `just`, type what stands below the name.

# Start everything on this machine: a private Postgres, the provider simulators, server and dispatcher.
run:
    cargo run

# Play a missed call up to the delivered text, and check every step.
demo:
    cargo run -- demo

# Play the test conversations, and compare the score with the committed one.
evaluate *arguments:
    cargo run -- evaluate {{arguments}}

# Every test.
test:
    cargo test --workspace

# Style and lints, as the checks of a change see them.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# The rules of the house.
architecture:
    cargo xtask architecture

# Rewrite the files that are made from code, and what the compiler knows of the database.
generate:
    cargo xtask sqlx
    cargo xtask generate

# Licences, banned crates and sources of the dependencies (needs cargo-deny).
deny:
    cargo deny check bans licenses sources

# The API of a sandbox against its own document (needs Python and the package index).
schemathesis *arguments:
    cargo xtask schemathesis {{arguments}}

# The handset's page in a browser, with pictures in .data/handset (needs node, npm's index and a Chromium).
handset:
    cargo xtask handset

# Latency and throughput.
bench *arguments:
    cargo run --release --package nmc-bench -- {{arguments}}

# Everything a change must pass.
ci:
    .ci/run
