# Azurite, Microsoft's emulator of Azure Blob Storage: checks account keys and SAS tokens.
# Not faithful: some error codes; knows no CRC64. --skipApiVersionCheck: clients are newer than it is.

service_install() {
  local installed=$programs_dir/azure wanted=$services_dir/azure
  if ! cmp -s "$wanted/package-lock.json" "$installed/package-lock.json"; then
    say "installing azure from azure/package-lock.json"
    rm -rf "$installed"
    mkdir -p "$installed"
    cp "$wanted/package.json" "$wanted/.npmrc" "$installed/"
    cp "$wanted/package-lock.json" "$installed/wanted.json"
    (cd "$installed" && mv wanted.json package-lock.json && npm ci --omit=dev --no-audit --no-fund --loglevel=error) ||
      { rm -rf "$installed"; die "Azurite cannot be installed"; }
  fi
}

service_start() {
  local data port
  data=$(new_data_dir)
  port=$(free_ports 1)
  export AZURITE_ACCOUNTS="vaultacct:dmF1bHRhenVyZWtleTAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg=="
  launch "make_container $port" node "$programs_dir/azure/node_modules/azurite/dist/src/blob/main.js" \
    --blobHost 127.0.0.1 --blobPort "$port" --location "$data" --disableTelemetry --silent --skipApiVersionCheck
}

# Makes the container, and the tokens that tests use.
make_container() {
  python3 "$services_dir/azure/prepare.py" "http://127.0.0.1:$1/vaultacct" "${AZURITE_ACCOUNTS#*:}" >"$env_file.new" &&
    mv "$env_file.new" "$env_file"
}
