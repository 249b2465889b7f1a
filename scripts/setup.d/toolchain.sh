# Chooses a Rust tool chain that is new enough and can build WebAssembly, and records it in .build/toolchain
# for the Makefile and xtask. In this order, so that nothing is downloaded when something usable is there:
#   1. the one recorded before, or the one that is active;
#   2. Debian's, linked into rustup by an earlier run;
#   3. the active one after `rustup target add`, the ordinary way;
#   4. Debian's, installed now: for machines that reach their package mirror but not Rust's.

wasm=wasm32-unknown-unknown
debian=debian-web
debian_packages=(rustc-web cargo-web rust-web-src rust-web-llvm rust-web-clippy rustfmt-web)
needed_rust=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$repository/Cargo.toml")

choose_toolchain() {
  if [ -z "${RUSTUP_TOOLCHAIN:-}" ] && [ -f "$build_dir/toolchain" ]; then
    use_recorded_toolchain
    if have cargo && builds_wasm rustc; then
      say "Rust: $(rustc --version), as chosen before"
      return
    fi
    unset RUSTUP_TOOLCHAIN
  fi
  if have rustup; then
    choose_with_rustup
  elif have rustc && have cargo && builds_wasm rustc; then
    record "the Rust on the PATH" "# nothing to set"
  elif apt_offers "${debian_packages[0]}"; then
    install_debian_rust
    record_debian_without_rustup
  elif have cargo; then
    die "this Rust ($(rustc --version)) cannot build for $wasm, or is older than $needed_rust. $(how_to_get_rust)"
  else
    die "Rust is missing. $(how_to_get_rust)"
  fi
}

how_to_get_rust() {
  echo "Install rustup, see https://rustup.rs, open a new terminal, then run this again."
}

choose_with_rustup() {
  local active
  active=$(rustup show active-toolchain 2>/dev/null | cut -d' ' -f1 || true)
  local candidate
  for candidate in $active $debian; do
    if builds_wasm rustup run "$candidate" rustc; then
      record "$candidate" "RUSTUP_TOOLCHAIN=$candidate"
      return
    fi
  done
  if add_wasm_with_rustup "${active:-stable}"; then
    return
  fi
  apt_offers "${debian_packages[0]}" ||
    die "no way found to build for $wasm: rustup could not fetch it, and this system's packages have no ${debian_packages[0]}"
  install_debian_rust
  rustup toolchain link $debian /usr
  record $debian "RUSTUP_TOOLCHAIN=$debian"
}

# The ordinary way. Fails quietly where Rust's own servers cannot be reached.
add_wasm_with_rustup() {
  local toolchain=$1
  if ! is_new_enough rustup run "$toolchain" rustc; then
    say "$toolchain is older than Rust $needed_rust: using rustup's stable instead"
    toolchain=stable
    with_timeout rustup toolchain install stable --profile minimal --component clippy,rustfmt || return 1
  fi
  say "adding the browser's target to $toolchain: rustup target add $wasm"
  with_timeout rustup target add $wasm --toolchain "$toolchain" || return 1
  rustup component add clippy rustfmt --toolchain "$toolchain" >/dev/null 2>&1 ||
    warn "clippy and rustfmt are missing: make check will not work"
  builds_wasm rustup run "$toolchain" rustc || return 1
  record "$toolchain" "RUSTUP_TOOLCHAIN=$toolchain"
}

with_timeout() {
  if have timeout; then timeout 300 "$@"; else "$@"; fi
}

install_debian_rust() {
  if ! dpkg -s "${debian_packages[@]}" >/dev/null 2>&1; then
    say "using Debian's Rust, about 1.1 GB, because no other here can build for browsers"
    apt_install "${debian_packages[@]}"
  fi
  if [ ! -x /usr/bin/rust-lld ]; then
    # The linker for WebAssembly, of the same LLVM as this rustc.
    apt_install "lld-$(/usr/bin/rustc --version --verbose | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"
  fi
  builds_wasm /usr/bin/rustc && return
  say "building Rust's standard library for $wasm, which Debian does not ship (about a minute, once)"
  local library
  library=$(mktemp -d)
  "$repository/scripts/wasm-std/build.sh" "$library"
  local destination
  destination=$(/usr/bin/rustc --print sysroot)/lib/rustlib/$wasm/lib
  as_root mkdir -p "$destination"
  as_root sh -c "rm -f '$destination'/*.rlib && install -m 644 '$library'/*.rlib '$destination'"
  rm -rf "$library"
  builds_wasm /usr/bin/rustc || die "Debian's Rust still cannot build for $wasm"
}

# Another cargo may stand before Debian's on the PATH: a folder of links that the Makefile puts first.
record_debian_without_rustup() {
  if [ "$(command -v cargo)" = /usr/bin/cargo ] && [ "$(command -v rustc)" = /usr/bin/rustc ]; then
    record "Debian's Rust" "# nothing to set"
    return
  fi
  local links=$build_dir/bin tool
  mkdir -p "$links"
  for tool in cargo rustc rustdoc rustfmt cargo-fmt cargo-clippy clippy-driver; do
    ln -sf "/usr/bin/$tool" "$links/$tool"
  done
  record "Debian's Rust" "TOOLCHAIN_BIN=$links"
}

record() {
  mkdir -p "$build_dir"
  printf '# written by scripts/setup\n%s\n' "$2" >"$build_dir/toolchain"
  say "Rust: $1"
}

is_new_enough() {
  local version
  version=$("$@" --version 2>/dev/null | cut -d' ' -f2) && [ -n "$version" ] &&
    [ "$(printf '%s\n' "$needed_rust" "$version" | sort -V | head -1)" = "$needed_rust" ]
}

# The only certain check: compile and link something. A library left by an older compiler fails here too.
builds_wasm() {
  is_new_enough "$@" || return 1
  local out
  out=$(mktemp -d)
  local status=0
  echo 'fn main() {}' | "$@" --target $wasm --crate-name probe -o "$out/probe.wasm" - >/dev/null 2>&1 || status=1
  rm -rf "$out"
  return $status
}
