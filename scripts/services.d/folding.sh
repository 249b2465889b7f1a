# A folder that takes two names for one (A.mp4, a.mp4): exFAT through FUSE, in a file. Mounting takes root.

# Where programs for root are, also for those who are not.
PATH=$PATH:/usr/sbin:/sbin

service_install() {
  have mkfs.exfat || die "exfatprogs is missing: scripts/setup tests installs it"
  have mount.exfat-fuse || die "exfat-fuse is missing: scripts/setup tests installs it"
}

service_start() {
  local data device
  if ! [ "$(id -u)" = 0 ] && ! sudo -n -k true; then
    not_here "it takes root, or sudo without a password, to mount a file system"
    return
  fi
  if ! [ -c /dev/fuse ]; then
    not_here "there is no /dev/fuse (a container has to be given it)"
    return
  fi
  data=$(new_data_dir)
  mkdir "$data/folder"
  truncate -s 32M "$data/image"
  mkfs.exfat "$data/image" >"$log_file" 2>&1 || { cat "$log_file" >&2; die "mkfs.exfat could not make a file system"; }
  device=$(as_root losetup --find --show "$data/image") || {
    forget
    not_here "there is no loop device to be had, see above (a container has to be privileged)"
    return
  }
  echo "VAULT_TEST_FOLDING=$data/folder" >"$env_file"
  # -d: stays in the foreground.
  launch "mountpoint -q $data/folder" \
    "${root[@]}" mount.exfat-fuse -d -o "uid=$(id -u),gid=$(id -g)" "$device" "$data/folder"
}

# Its tests then try nothing, and `make test` says so.
not_here() {
  warn "folders that take two names for one are not tried: $1"
  echo "VAULT_TEST_FOLDING=" >"$env_file"
}

# The mount, if its server was killed, and the loop device in any case.
service_stopped() {
  local data device
  data=$(cat "$data_file")
  if grep -qF " $(realpath "$data")/folder " /proc/self/mounts; then
    as_root umount --lazy "$data/folder"
  fi
  for device in $(losetup --noheadings --output NAME --associated "$data/image"); do
    as_root losetup --detach "$device"
  done
}

root=()
[ "$(id -u)" = 0 ] || root=(sudo -n)
as_root() { "${root[@]}" "$@"; }
# sudo hands it on.
send_signal() { as_root kill -s "$@"; }
