# Shared by the scripts in this folder; sourced, not run.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What setup finds out about this clone, and what test servers leave while they run. Not committed.
build_dir=$repository/.build
# Tools and servers, shared by all clones of one user.
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/kerberos-vault

say() { printf '▸ %s\n' "$*"; }
warn() { printf '! %s\n' "$*" >&2; }
die() { printf '✗ %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Uses the tool chain that scripts/setup recorded, if it has run.
use_recorded_toolchain() {
  local key value
  [ -f "$build_dir/toolchain" ] || return 0
  while IFS='=' read -r key value; do
    case $key in
      RUSTUP_TOOLCHAIN) export RUSTUP_TOOLCHAIN=$value ;;
      TOOLCHAIN_BIN) export PATH=$value:$PATH ;;
    esac
  done <"$build_dir/toolchain"
}

# python_environment <folder> <requirements>: one with exactly these packages, checked by hash.
python_environment() {
  local environment=$1 wanted=$2
  if ! cmp -s "$wanted" "$environment/installed.txt"; then
    say "installing $(basename "$environment") from $(basename "$wanted")"
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$wanted"
    cp "$wanted" "$environment/installed.txt"
  fi
}
