# PostgreSQL, as the system's packages bring it. Does not wait for the disk: its data lives as long as the tests.

stop_signal=INT # "fast": does not wait for clients to leave

service_install() {
  [ -n "$(postgres_bin)" ] || die "PostgreSQL is missing: scripts/setup tests installs it"
}

service_start() {
  local bin data port
  bin=$(postgres_bin)
  data=$(new_data_dir)
  port=$(free_ports 1)

  echo vaultpass >"$data/password"
  own "$data" "$data/password"
  (cd / && "${as_server[@]}" "$bin/initdb" -D "$data/cluster" -U vault --pwfile="$data/password" \
    --auth=scram-sha-256 -E UTF8 --no-locale --no-sync >"$log_file" 2>&1) ||
    { cat "$log_file" >&2; die "PostgreSQL could not create a database"; }
  echo "VAULT_TEST_POSTGRES_URL=postgres://vault:vaultpass@127.0.0.1:$port/postgres" >"$env_file"

  cd /
  # max_connections: test binaries run at once, each test with a pool of its own.
  launch "$bin/pg_isready -q -h 127.0.0.1 -p $port" "${as_server[@]}" "$bin/postgres" -D "$data/cluster" \
    -h 127.0.0.1 -p "$port" -k "" -c max_connections=300 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off
}

# The newest that is installed. Debian does not put it on the PATH.
postgres_bin() {
  local initdb
  initdb=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
  [ -n "$initdb" ] || initdb=$(command -v initdb) || return 0
  dirname "$(readlink -f "$initdb")"
}

# PostgreSQL refuses to run as root.
as_server=()
own() { :; }
if [ "$(id -u)" = 0 ]; then
  as_server=(setpriv --reuid=postgres --regid=postgres --init-groups)
  own() { chown postgres: "$@"; }
fi
