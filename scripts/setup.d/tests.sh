# What only the tests need.

need_to_test() {
  need curl "talks to test servers" have curl
  need openssl "makes keys and certificates for test servers" have openssl
  need ffmpeg "makes recordings for the demo and the tests" have ffmpeg
  need postgresql "the second database; Debian also starts a server of its own, which we leave alone" has_postgres
  need openssl "makes certificates for test servers" have openssl
  need rabbitmq-server "a broker; Debian also starts a server of its own, which we leave alone" has_rabbitmq
  want default-jre-headless "runs Apache Kafka" have java
  want maven "brings Apache Kafka" have mvn
  need exfatprogs "makes a file system that takes two names for one" has_sbin mkfs.exfat
  need exfat-fuse "mounts it" has_sbin mount.exfat-fuse
  need nodejs "runs the browser tests and clients that upload" have node
  need npm "installs them" have npm
  # Ubuntu has Chromium as a snap only, which cannot be driven from here: Playwright brings its own then.
  if ! has_chromium && apt_offers chromium; then
    need chromium "the browser of the tests" false
  fi
}

# Debian does not put PostgreSQL's server on the PATH.
has_postgres() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

# Debian puts only wrappers on the PATH, which want to be root or its own user.
has_rabbitmq() { [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; }

# Programs for root are on root's PATH only.
has_sbin() { PATH=$PATH:/usr/sbin:/sbin have "$1"; }

has_chromium() { [ -n "${CHROMIUM:-}" ] || have chromium || have google-chrome; }

prepare_tests() {
  local installed=end2end/node_modules/.package-lock.json
  if [ ! -f $installed ] || [ end2end/package-lock.json -nt $installed ]; then
    say "installing the browser tests: npm ci in end2end"
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error)
  fi
  if ! has_chromium && ! compgen -G "$HOME/.cache/ms-playwright/chromium*" >/dev/null; then
    say "installing Playwright's Chromium"
    (cd end2end && npx playwright install chromium)
  fi
  python_environment "$cache_dir/try-api" "$repository/scripts/try-api.txt"
  python_environment "$cache_dir/tuspy" "$repository/end2end/clients/tuspy.txt"
  "$repository/scripts/try-deploy" install
  "$repository/scripts/services" install
}
