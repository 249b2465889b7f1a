#!/usr/bin/env bash
# Builds Rust's standard library for WebAssembly and installs it where Debian's rustc looks for it. Debian ships
# the compiler and the library's source (rust-web-src), but not the library for this target. Once, about a minute.
# Usage: build.sh [target folder of the library]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=wasm32-unknown-unknown
destination=${1:-$(/usr/bin/rustc --print sysroot)/lib/rustlib/$target/lib}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A copy, because cargo writes a lock file beside the manifest.
cp "$here/Cargo.toml" "$here/seed.rs" "$work"
cd "$work"

# Debian's cargo and rustc, not rustup's. Building the library is a nightly feature, which RUSTC_BOOTSTRAP allows.
# Embedded bitcode is what makes link-time optimisation possible later.
env -u RUSTUP_TOOLCHAIN -u CARGO_TARGET_DIR \
  RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
  CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
  /usr/bin/cargo build --release --target "$target" --target-dir out \
  -Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test

mkdir -p "$destination"
rm -f "$destination"/*.rlib
find "out/$target/release/deps" -name '*.rlib' ! -name 'libwasm_std_seed*' \
  -exec install -m 644 -t "$destination" {} +
