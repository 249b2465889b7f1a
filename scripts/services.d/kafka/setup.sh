# What the services `kafka` and `kafka-cluster` share: Apache Kafka, in KRaft mode, on loopback only.

# Kafka's brokers want this Java at least.
least_java=17
jars=$programs_dir/kafka-jars
client=$programs_dir/kafka-client

# Leaves in `missing` why there is no Kafka here, or nothing.
install_kafka() {
  missing=
  # reads back what the vault sent
  python_environment "$client" "$services_dir/kafka/client.txt"
  if [ "$(java_version)" -lt "$least_java" ]; then
    missing="there is no Java $least_java or newer"
  elif ! cmp -s "$services_dir/kafka/jars.sha256" "$jars/installed.sha256"; then
    install_jars
  fi
}

java_version() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
  echo "${version:-0}"
}

# After a change of pom.xml, write jars.sha256 anew: run mvn as here, and sha256sum *.jar in the folder.
install_jars() {
  local wanted=$services_dir/kafka
  if ! have mvn; then
    missing="there is no Maven"
    return
  fi
  say "installing Apache Kafka from kafka/pom.xml"
  rm -rf "$jars"
  mkdir -p "$jars"
  if ! timeout 600 mvn --batch-mode --quiet --strict-checksums --file "$wanted/pom.xml" \
    dependency:copy-dependencies -DoutputDirectory="$jars" >"$jars/log" 2>&1; then
    missing="its jars cannot be had from Maven Central, see $jars/log"
    return
  fi
  (cd "$jars" && LC_ALL=C && sha256sum -- *.jar) | diff - "$wanted/jars.sha256" >&2 ||
    die "Maven brought other jars than those of kafka/jars.sha256, see above"
  cp "$wanted/jars.sha256" "$jars/installed.sha256"
}

# new_broker <node>: its folder, with what the settings of all brokers have in common.
new_broker() {
  mkdir "$data/node-$1"
  cat >"$data/node-$1/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$1
log.dirs=$data/node-$1/data
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
offsets.topic.num.partitions=1
PROPERTIES
  cat >>"$data/node-$1/server.properties"
}

# launch_brokers <ready-check> <nodes> [option…]
launch_brokers() {
  local ready=$1 nodes=$2
  shift 2
  launch "$ready" python3 "$services_dir/kafka/brokers.py" "$jars" $(seq -f "$data/node-%g" "$nodes") "$@"
}
