# The words of the project; `.ci/run` says the same ones.

# What every change must pass.
check: fmt clippy test doc

fmt:
    cargo fmt --all --check
    cargo fmt --manifest-path tests/interop/Cargo.toml --check

clippy:
    cargo clippy --workspace --all-targets -- -D warnings

test:
    cargo test --workspace

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Real Paimon beside us; needs a JDK and Maven.
interop: (build)
    cargo test --manifest-path tests/interop/Cargo.toml

build:
    cargo build --package alluvium-cli

# Real Paimon beside us over 3,000 random tables, in two processes with a JVM each.
soak-interop: (build)
    cargo test --manifest-path tests/interop/Cargo.toml --no-run
    INTEROP_FIRST=0 INTEROP_ENGINES=1000 cargo test --manifest-path tests/interop/Cargo.toml differential & \
    INTEROP_FIRST=1000 INTEROP_ENGINES=1000 cargo test --manifest-path tests/interop/Cargo.toml differential && wait $!
    INTEROP_FIRST=0 INTEROP_TABLES=500 cargo test --manifest-path tests/interop/Cargo.toml every_table & \
    INTEROP_FIRST=500 INTEROP_TABLES=500 cargo test --manifest-path tests/interop/Cargo.toml every_table && wait $!

# pypaimon and Flink read a table of each kind that we wrote; both are installed below tests/interop/readers (1 GB).
interop-readers: (build)
    cargo test --manifest-path tests/interop/Cargo.toml readers -- --ignored --nocapture

# Long runs: many more random sequences and fault seeds than CI has time for.
soak: (build)
    INTEROP_SEQUENCES=1000 cargo test --manifest-path tests/interop/Cargo.toml
    CHAIN_KILLS=20 cargo test --package alluvium --test main chained_tables
    PROPTEST_CASES=2000 SIM_SEEDS=50 cargo test --release --workspace

# The same work through Alluvium, Paimon Java and the crate `paimon`, with ratios.
compare *ARGS:
    cargo run --release --manifest-path benches/compare/Cargo.toml -- {{ARGS}}

# Licences, sources, advisories and doubled versions of the lock; needs cargo-deny (`cargo install cargo-deny`).
deny:
    cargo deny check
