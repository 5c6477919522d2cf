# Podman as root and as an ordinary user, and Buildah: each with a storage, a home and a runtime folder of its own.
# shellcheck shell=bash

PODMAN_SOCKET=$RUN/podman.sock
PODMAN_IMAGE=localhost/$BASE_IMAGE
PODMAN=$DIR/podman
BUILDAH=$DIR/buildah
# The user has to reach its own files, and a clone may lie where only root can go.
ROOTLESS=/var/lib/rebake-engines/${RUN##*/}
ROOTLESS_RUN=$RUN/rootless
ROOTLESS_SOCKET=$ROOTLESS_RUN/podman.sock
ROOTLESS_USER=rebake-engines

# containers_conf FOLDER: crun refuses hybrid cgroups; limits above these need a capability that some machines withhold; the
# locks of the default lie in shared memory under one name, which two storages would fight for.
containers_conf() {
  cat <<TOML
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "$1/libpod"

[containers]
netns = "host"
default_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]
TOML
}

# A prefix covers names and ports, but none covers 127.0.0.1:*.
registries_conf() {
  local name
  for name in $REGISTRIES; do
    printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = %s\n' "$(port_of "registry-$name")" \
      "$(if [[ $name == tls ]]; then printf false; else printf true; fi)"
  done
}

# replace FILE: with what comes by stdin; fails if it was the same before.
replace() {
  local text
  text=$(cat)
  [[ ! -e $1 || $(<"$1") != "$text" ]] || return 1
  printf '%s\n' "$text" >"$1"
}

# container_home HOME RUN: what the tools read from it. Succeeds where something has changed, which a service has to start
# anew to see.
container_home() {
  local at=$1/.config/containers changed=1 certs
  certs=$at/certs.d/127.0.0.1:$(port_of registry-tls)
  mkdir -p "$certs" "$1/tmp"
  containers_conf "$2" | replace "$at/containers.conf" && changed=0
  registries_conf | replace "$at/registries.conf" && changed=0
  printf '{"default":[{"type":"insecureAcceptAnything"}]}' | replace "$at/policy.json" && changed=0
  replace "$certs/ca.crt" <"$SECRET/ca.crt" && changed=0
  return $changed
}

# container_env HOME: for every command and service that works on a storage of ours.
container_env() {
  printf '%s\n' "HOME=$1" "TMPDIR=$1/tmp" "CONTAINERS_CONF=$1/.config/containers/containers.conf" \
    "CONTAINERS_REGISTRIES_CONF=$1/.config/containers/registries.conf"
}

# The three command lines, as arrays. Credentials and services of whoever runs them are none of theirs.
plain=(-u REGISTRY_AUTH_FILE -u DOCKER_CONFIG -u XDG_RUNTIME_DIR -u CONTAINER_HOST -u CONTAINER_CONNECTION)
mapfile -t podman_env < <(container_env "$PODMAN/home")
podman_cli=(env "${plain[@]}" "${podman_env[@]}" podman --root "$PODMAN/root" --runroot "$RUN/podman" --storage-driver overlay)
mapfile -t rootless_env < <(container_env "$ROOTLESS/home" && printf 'XDG_RUNTIME_DIR=%s\n' "$ROOTLESS_RUN")
rootless_cli=(setpriv --reuid "$ROOTLESS_USER" --regid "$ROOTLESS_USER" --clear-groups env -C "$ROOTLESS" "${plain[@]}"
  "${rootless_env[@]}" podman --root "$ROOTLESS/root" --runroot "$ROOTLESS_RUN/run" --storage-driver overlay)
mapfile -t buildah_env < <(container_env "$BUILDAH/home")
buildah_cli=(env "${plain[@]}" "${buildah_env[@]}" buildah --root "$BUILDAH/root" --runroot "$RUN/buildah" --storage-driver overlay)

# Nothing in this machine's login files is for it: no password, no shell, no home.
provide_rootless_user() {
  id "$ROOTLESS_USER" >/dev/null 2>&1 ||
    useradd --system --add-subids-for-system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$ROOTLESS_USER"
}

podman_answers() { answers http://podman/libpod/_ping 200 --unix-socket "$1"; }

# start_podman_service NAME SOCKET CHANGED COMMAND…
start_podman_service() {
  local name=$1 socket=$2 changed=$3 started text=up
  shift 3
  started=$(now_ms)
  if [[ $changed == yes ]] || ! { alive "$name" >/dev/null && podman_answers "$socket"; }; then
    "stop_${name//-/_}"
    "make_${name//-/_}_folders"
    start "$name" "$@" system service --time 0 "unix://$socket"
    wait_for "$name" podman_answers "$socket"
    text=started
  fi
  report "$name" "$started" "$text unix://$socket"
}

make_podman_folders() { mkdir -p "$PODMAN" "$RUN/podman"; }

make_podman_rootless_folders() {
  mkdir -p "$ROOTLESS" "$ROOTLESS_RUN"
  chmod 700 "$ROOTLESS" "$ROOTLESS_RUN"
  # Not what is in the storage: that belongs to the user's subordinate ids.
  chown "$ROOTLESS_USER:" "$ROOTLESS" "$ROOTLESS_RUN"
  chown -R "$ROOTLESS_USER:" "$ROOTLESS/home"
}

start_podman() {
  local changed=no
  if container_home "$PODMAN/home" "$RUN/podman"; then changed=yes; fi
  start_podman_service podman "$PODMAN_SOCKET" $changed "${podman_cli[@]}"
  provide_podman_image podman "$PODMAN" "${podman_cli[@]}"
}

start_podman_rootless() {
  local changed=no
  provide_rootless_user
  if container_home "$ROOTLESS/home" "$ROOTLESS_RUN"; then changed=yes; fi
  start_podman_service podman-rootless "$ROOTLESS_SOCKET" $changed "${rootless_cli[@]}"
  provide_podman_image podman-rootless "$ROOTLESS" "${rootless_cli[@]}"
}

# provide_podman_image NAME FOLDER COMMAND…
provide_podman_image() {
  local name=$1 folder=$2 started text=present
  shift 2
  started=$(now_ms)
  if ! "$@" image exists "$PODMAN_IMAGE" || [[ $(cat "$folder/base-image.digest" 2>/dev/null) != "$ROOTFS_DIGEST" ]]; then
    "$@" import --quiet "$ROOTFS" "$PODMAN_IMAGE" >>"$LOG/$name.log" 2>&1 || die "import of $ROOTFS (log: $LOG/$name.log)"
    printf '%s\n' "$ROOTFS_DIGEST" >"$folder/base-image.digest"
    text=imported
  fi
  report "$name-image" "$started" "$text $PODMAN_IMAGE"
}

provide_buildah() {
  local started text=present container
  started=$(now_ms)
  mkdir -p "$BUILDAH" "$RUN/buildah"
  container_home "$BUILDAH/home" "$RUN/buildah" || true
  if [[ $(cat "$BUILDAH/base-image.digest" 2>/dev/null) != "$ROOTFS_DIGEST" ]] ||
    ! "${buildah_cli[@]}" images "$PODMAN_IMAGE" >/dev/null 2>&1; then
    {
      container=$("${buildah_cli[@]}" from scratch) &&
        "${buildah_cli[@]}" add "$container" "$ROOTFS" / &&
        "${buildah_cli[@]}" commit --quiet --rm "$container" "$PODMAN_IMAGE"
    } >>"$LOG/buildah.log" 2>&1 || die "import of $ROOTFS (log: $LOG/buildah.log)"
    printf '%s\n' "$ROOTFS_DIGEST" >"$BUILDAH/base-image.digest"
    text=imported
  fi
  report buildah-image "$started" "$text $PODMAN_IMAGE"
}

stop_podman() {
  stop podman
  "$TOOL/lib/clean" "$RUN/podman" "$PODMAN"
}

# Its pause process holds the user namespace, and is nobody's child.
stop_podman_rootless() {
  stop podman-rootless
  "$TOOL/lib/clean" "$ROOTLESS_RUN" "$ROOTLESS"
}
