# A broker that answers like Kafka (noida-db), and gates before it for SASL and TLS, which it lacks:
# crates/backends/tests/emulators/kafka_gate.py.
# Not faithful: no access rights per topic, one broker only.

service_install() { install_python_packages; }

service_start() {
  local data plain sasl ssl sasl_ssl
  data=$(new_data_dir)
  make_certificates "$data"
  read -r plain sasl ssl sasl_ssl <<<"$(free_ports 4)"

  cat >"$env_file" <<ENV
VAULT_TEST_KAFKA_PLAINTEXT=127.0.0.1:$plain
VAULT_TEST_KAFKA_SASL_PLAINTEXT=127.0.0.1:$sasl
VAULT_TEST_KAFKA_SSL=127.0.0.1:$ssl
VAULT_TEST_KAFKA_SASL_SSL=127.0.0.1:$sasl_ssl
VAULT_TEST_KAFKA_USERNAME=vault
VAULT_TEST_KAFKA_PASSWORD=vaultpass
VAULT_TEST_KAFKA_CA=$data/ca.pem
VAULT_TEST_KAFKA_OTHER_CA=$data/other-ca.pem
VAULT_TEST_KAFKA_PYTHON=$programs_dir/kafka/bin/python
ENV

  launch "all_listen $plain $sasl $ssl $sasl_ssl" "$programs_dir/kafka/bin/python" "$repository/crates/backends/tests/emulators/kafka_gate.py" \
    --data "$data/broker" --plaintext "$plain" --sasl-plaintext "$sasl" --ssl "$ssl" --sasl-ssl "$sasl_ssl" \
    --certificate "$data/server.pem" --key "$data/server.key" --user vault=vaultpass
}
