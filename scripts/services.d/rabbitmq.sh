# RabbitMQ, as the system's package brings it, under this user and on loopback only. The package's own server, where
# one runs, is left alone. A bare `rabbitmqctl` would open a port to everywhere: users come from definitions instead.

service_install() {
  [ -x "$rabbitmq" ] || die "RabbitMQ is missing: scripts/setup tests installs it"
  install_python_packages
}

rabbitmq=/usr/lib/rabbitmq/bin/rabbitmq-server

service_start() {
  local data plain tls distribution epmd
  data=$(new_data_dir)
  make_certificates "$data"
  read -r plain tls distribution epmd <<<"$(free_ports 4)"
  echo "$epmd" >"$data/epmd"
  mkdir "$data/home"
  echo '[].' >"$data/plugins"
  rights_and_users >"$data/definitions.json"
  # 1 MB instead of 128, so that a message can be too large without being so.
  cat >"$data/rabbitmq.conf" <<CONF
listeners.tcp.local = 127.0.0.1:$plain
listeners.ssl.local = 127.0.0.1:$tls
ssl_options.cacertfile = $data/ca.pem
ssl_options.certfile = $data/server.pem
ssl_options.keyfile = $data/server.key
load_definitions = $data/definitions.json
max_message_size = 1000000
log.file.level = warning
CONF
  cat >"$env_file" <<ENV
VAULT_TEST_RABBITMQ_BROKER=127.0.0.1:$plain
VAULT_TEST_RABBITMQ_TLS_BROKER=127.0.0.1:$tls
VAULT_TEST_RABBITMQ_USERNAME=vault
VAULT_TEST_RABBITMQ_PASSWORD=vaultpass
VAULT_TEST_RABBITMQ_READER_USERNAME=reader
VAULT_TEST_RABBITMQ_READER_PASSWORD=readerpass
VAULT_TEST_RABBITMQ_CA=$data/ca.pem
VAULT_TEST_RABBITMQ_OTHER_CA=$data/other-ca.pem
VAULT_TEST_RABBITMQ_PYTHON=$programs_dir/rabbitmq/bin/python
ENV

  launch "all_listen $plain $tls" env HOME="$data/home" RABBITMQ_NODENAME="vault$plain@localhost" \
    RABBITMQ_MNESIA_BASE="$data/database" RABBITMQ_LOG_BASE="$data/log" RABBITMQ_PID_FILE="$data/pid" \
    RABBITMQ_CONFIG_FILE="$data/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$data/plugins" \
    RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_DIST_PORT="$distribution" \
    ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" ERL_EPMD_RELAXED_COMMAND_CHECK=1 \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +sbwt none" \
    "$rabbitmq"
}

# Erlang's name server stays behind when the broker ends.
service_stopped() {
  local epmd
  epmd=$(cat "$(cat "$data_file")/epmd" 2>/dev/null) || return 0
  env ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" epmd -port "$epmd" -kill >/dev/null 2>&1 || true
}

# `reader` may neither make queues nor write.
rights_and_users() {
  cat <<'JSON'
{"vhosts": [{"name": "/"}, {"name": "cameras"}],
 "users": [{"name": "vault", "password": "vaultpass", "tags": ""}, {"name": "reader", "password": "readerpass", "tags": ""}],
 "permissions": [
  {"user": "vault", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
  {"user": "vault", "vhost": "cameras", "configure": ".*", "write": ".*", "read": ".*"},
  {"user": "reader", "vhost": "/", "configure": "^$", "write": "^$", "read": ".*"}]}
JSON
}
