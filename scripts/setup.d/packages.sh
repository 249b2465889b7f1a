# Packages of the operating system: finds out what is missing, then installs all of it at once.

missing_packages=()
wanted_packages=()

# need <package> <why> <check…>: the package is missing when the check fails.
need() {
  local package=$1 why=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then
    missing_packages+=("$package")
    say "missing: $package ($why)"
  fi
}

# want <package> <why> <check…>: as `need`, but nothing fails where it cannot be had; what would use it says what is left out.
want() {
  local package=$1 why=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then
    wanted_packages+=("$package")
    say "missing: $package ($why)"
  fi
}

# Headers of a C library: asking the compiler works without pkg-config too.
has_header() { printf '#include <%s>\n' "$1" | cc -E -x c - -o /dev/null; }

need_to_build() {
  need build-essential "C compiler: cryptography and SQLite are partly C" have cc
  need cmake "builds the C parts" have cmake
  need pkg-config "finds C libraries" have pkg-config
  need libssl-dev "TLS of the Kafka client" has_header openssl/ssl.h
  need zlib1g-dev "compression of the Kafka client" has_header zlib.h
  need python3 "checks links in the documentation, installs checkers and test servers" have python3
  need python3-venv "installs checkers and test servers" python3 -c "import ensurepip, venv"
  if [ "$(uname -sm)" = "Linux x86_64" ]; then
    need lld "links in a third of the time, see .cargo/config.toml" have ld.lld
  fi
}

# Fails with instructions where nothing can be installed that is needed.
install_missing() {
  if [ ${#missing_packages[@]} -gt 0 ]; then
    have apt-get || die "please install, by your system's names for them: ${missing_packages[*]}; then run this again"
    apt_install "${missing_packages[@]}"
  fi
  if [ ${#wanted_packages[@]} -gt 0 ] && have apt-get && can_be_root; then
    apt_get "${wanted_packages[@]}" || warn "apt-get could not install: ${wanted_packages[*]}"
  fi
}

apt_install() {
  can_be_root || die "please have an administrator run: apt-get install ${*}; then run this again"
  apt_get "$@" || die "apt-get could not install: $*"
}

apt_get() {
  say "installing with apt-get: $*"
  as_root apt-get update -qq || warn "the package lists could not be updated, trying with the old ones"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

can_be_root() { [ "$(id -u)" = 0 ] || have sudo; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Whether apt knows a package at all.
apt_offers() { have apt-cache && [ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]; }
