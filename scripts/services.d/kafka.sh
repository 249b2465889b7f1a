# Apache Kafka: one node that speaks each security protocol, and has rights. Who does not log in may do everything, and so
# may `vault`; `guest` may do what a test allows, and so may `reader`, whom none allows to write. It makes topics that are only asked for, as Kafka does by default.

source "$services_dir/kafka/setup.sh"

service_install() {
  install_kafka
  [ -z "$missing" ] || warn "Apache Kafka is not tried, but librdkafka's mock of it: $missing"
}

service_start() {
  if [ -n "$missing" ]; then
    cat >"$env_file" <<ENV
VAULT_TEST_KAFKA_PLAINTEXT=
VAULT_TEST_KAFKA_PYTHON=$client/bin/python
ENV
    return
  fi
  local data controller plain sasl ssl sasl_ssl scram lost forbidden
  data=$(new_data_dir)
  make_certificates "$data"
  cat "$data/server.pem" "$data/server.key" >"$data/keystore.pem"
  read -r controller plain sasl ssl sasl_ssl scram lost forbidden <<<"$(free_ports 8)"

  # LOST and FORBIDDEN are listeners that say they are elsewhere.
  new_broker 1 <<PROPERTIES
controller.quorum.voters=1@127.0.0.1:$controller
listeners=CONTROLLER://127.0.0.1:$controller,PLAINTEXT://127.0.0.1:$plain,SASL_PLAINTEXT://127.0.0.1:$sasl,\
SSL://127.0.0.1:$ssl,SASL_SSL://127.0.0.1:$sasl_ssl,SCRAM_ONLY://127.0.0.1:$scram,LOST://127.0.0.1:$lost,\
FORBIDDEN://127.0.0.1:$forbidden
advertised.listeners=PLAINTEXT://127.0.0.1:$plain,SASL_PLAINTEXT://127.0.0.1:$sasl,SSL://127.0.0.1:$ssl,\
SASL_SSL://127.0.0.1:$sasl_ssl,SCRAM_ONLY://127.0.0.1:$scram,LOST://broker.invalid:$lost,\
FORBIDDEN://[fe80::1]:80
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,\
SASL_SSL:SASL_SSL,SCRAM_ONLY:SASL_PLAINTEXT,LOST:PLAINTEXT,FORBIDDEN:PLAINTEXT
$(logins sasl_plaintext)
$(logins sasl_ssl)
$(logins scram_only)
listener.name.scram_only.sasl.enabled.mechanisms=SCRAM-SHA-512
ssl.keystore.type=PEM
ssl.keystore.location=$data/keystore.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:vault
offsets.topic.replication.factor=1
PROPERTIES

  cat >"$env_file" <<ENV
VAULT_TEST_KAFKA_PLAINTEXT=127.0.0.1:$plain
VAULT_TEST_KAFKA_SASL_PLAINTEXT=127.0.0.1:$sasl
VAULT_TEST_KAFKA_SSL=127.0.0.1:$ssl
VAULT_TEST_KAFKA_SASL_SSL=127.0.0.1:$sasl_ssl
VAULT_TEST_KAFKA_SCRAM_ONLY=127.0.0.1:$scram
VAULT_TEST_KAFKA_LOST=127.0.0.1:$lost
VAULT_TEST_KAFKA_FORBIDDEN=127.0.0.1:$forbidden
VAULT_TEST_KAFKA_USERNAME=vault
VAULT_TEST_KAFKA_PASSWORD=vaultpass
VAULT_TEST_KAFKA_GUEST=guest
VAULT_TEST_KAFKA_GUEST_PASSWORD=guestpass
VAULT_TEST_KAFKA_READER=reader
VAULT_TEST_KAFKA_READER_PASSWORD=readerpass
VAULT_TEST_KAFKA_CA=$data/ca.pem
VAULT_TEST_KAFKA_OTHER_CA=$data/other-ca.pem
VAULT_TEST_KAFKA_PYTHON=$client/bin/python
ENV
  launch_brokers "all_listen $plain $sasl $ssl $sasl_ssl $scram $lost $forbidden" 1 --scram vault=vaultpass
}

# logins <listener>
logins() {
  local security=org.apache.kafka.common.security
  cat <<PROPERTIES
listener.name.$1.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.$1.plain.sasl.jaas.config=$security.plain.PlainLoginModule required user_vault="vaultpass" user_guest="guestpass" user_reader="readerpass";
listener.name.$1.scram-sha-256.sasl.jaas.config=$security.scram.ScramLoginModule required;
listener.name.$1.scram-sha-512.sasl.jaas.config=$security.scram.ScramLoginModule required;
PROPERTIES
}
