# What only `make dist` needs: a C compiler for musl of both architectures, Rust's library for them, and what packs.

dist_targets=(x86_64-unknown-linux-musl aarch64-unknown-linux-musl)

need_to_dist() {
  need_to_release
  need perl "configures OpenSSL, which is compiled in" have perl
  need ca-certificates "the certificates that an image has" test -d /usr/share/ca-certificates/mozilla
  need dpkg "packs Debian packages" have dpkg-deb
  need curl "tries what was made" have curl
  want runc "starts images, to try them" has_sbin runc
  want umoci "unpacks images, to try them" have umoci
  want lintian "checks packages" have lintian
  want skopeo "reads images as others do, to try them" have skopeo
  want qemu-user-static "starts what is for the other architecture, to try it" have qemu-aarch64-static
}

prepare_dist() {
  prepare_release
  python_environment "$cache_dir/zig" "$repository/scripts/dist.d/zig.txt"
  mkdir -p "$cache_dir/zig-include"
  cp -r "$repository"/scripts/dist.d/include/. "$cache_dir/zig-include"
  "$repository/scripts/try-deploy" install
  add_dist_targets
}

add_dist_targets() {
  use_recorded_toolchain
  local target missing=()
  for target in "${dist_targets[@]}"; do
    builds_for "$target" || missing+=("$target")
  done
  [ ${#missing[@]} = 0 ] && return
  have rustup || die "Rust's library for ${missing[*]} is missing, and rustup, which would add it. $(how_to_get_rust)"
  say "adding to ${RUSTUP_TOOLCHAIN:-the active tool chain}: rustup target add ${missing[*]}"
  with_timeout rustup target add "${missing[@]}" || die "rustup could not add ${missing[*]}: needed to build what is shipped"
  # A system's own Rust is not rustup's, which has added them to another.
  for target in "${missing[@]}"; do
    builds_for "$target" || die "the Rust in use, $(command -v rustc), has no library for $target. $(how_to_get_rust)"
  done
}

# Whether rustc has a library for it; linking is Zig's. Into a folder: rustc as root would put its file in /dev/null's place.
builds_for() {
  local out status=0
  out=$(mktemp -d)
  echo | rustc --target "$1" --crate-type lib --crate-name probe -o "$out/probe.rlib" - >/dev/null 2>&1 || status=1
  rm -rf "$out"
  return $status
}
