# What only the optimised build needs: wasm-opt, which makes what browsers load smaller. Versions before 116 spoil the
# tables that wasm-bindgen makes (the page then never comes to life), and distributions ship older ones.

wasm_opt_version=116
wasm_opt_dir=$cache_dir/wasm-opt

need_to_release() {
  new_wasm_opt wasm-opt && return
  need nodejs "runs wasm-opt, which makes what browsers load smaller" have node
  need npm "installs wasm-opt" have npm
}

prepare_release() {
  new_wasm_opt wasm-opt || new_wasm_opt "$wasm_opt_dir/node_modules/.bin/wasm-opt" && return
  say "installing wasm-opt into $wasm_opt_dir"
  mkdir -p "$wasm_opt_dir"
  cp scripts/wasm-opt/package.json scripts/wasm-opt/package-lock.json "$wasm_opt_dir"
  (cd "$wasm_opt_dir" && npm ci --no-audit --no-fund --loglevel=error)
}

# Whether this wasm-opt is there and new enough.
new_wasm_opt() {
  local version
  version=$("$1" --version 2>/dev/null | grep -o '[0-9][0-9]*' | head -n 1) && [ "${version:-0}" -ge $wasm_opt_version ]
}
