# Apache Kafka: three nodes without any protection, for tests that kill one, which they do one test at a time. They close
# connections that are idle for five seconds, and make only topics that they are told to make.

source "$services_dir/kafka/setup.sh"

# Where it is missing, kafka.sh says so.
service_install() { install_kafka; }

service_start() {
  if [ -n "$missing" ]; then
    echo "VAULT_TEST_KAFKA_CLUSTER=" >"$env_file"
    return
  fi
  local data node ports brokers
  data=$(new_data_dir)
  read -ra ports <<<"$(free_ports 6)"
  brokers=("${ports[@]:3}")
  for node in 1 2 3; do
    # A broker that says nothing for 3 seconds is taken for dead.
    new_broker "$node" <<PROPERTIES
controller.quorum.voters=1@127.0.0.1:${ports[0]},2@127.0.0.1:${ports[1]},3@127.0.0.1:${ports[2]}
listeners=CONTROLLER://127.0.0.1:${ports[node - 1]},PLAINTEXT://127.0.0.1:${brokers[node - 1]}
auto.create.topics.enable=false
default.replication.factor=3
connections.max.idle.ms=5000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
PROPERTIES
  done
  cat >"$env_file" <<ENV
VAULT_TEST_KAFKA_CLUSTER=127.0.0.1:${brokers[0]},127.0.0.1:${brokers[1]},127.0.0.1:${brokers[2]}
VAULT_TEST_KAFKA_CLUSTER_FOLDER=$data
ENV
  launch_brokers "all_listen ${brokers[*]}" 3
}
