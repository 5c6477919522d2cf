# The base rootfs with python3.11, made once a machine, and its import into the engine.
# shellcheck shell=bash

ROOTFS_SUITE=bookworm
ROOTFS_PACKAGES=python3,python3-venv,ca-certificates,libgomp1
# Raise it when the recipe below changes other than in its packages: the name of the cached file follows.
ROOTFS_RECIPE=1

rootfs_path() {
  local key
  key=$(printf '%s' "$ROOTFS_RECIPE $ROOTFS_PACKAGES" | cksum | cut -d' ' -f1)
  printf '%s/%s-%s-%s.tar' "$CACHE" "$ROOTFS_SUITE" "$(dpkg --print-architecture)" "$key"
}

# The machine's own Debian archives as one-line sources: the mirror is never a constant of ours.
machine_sources() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    awk -v suite="$ROOTFS_SUITE" 'index($2, suite) == 1 { print "deb", $0 }' | sort -u
}

# A proxy or a laxer clock of the machine's apt holds for the bootstrap too.
machine_apt_options() {
  apt-config dump --format '%f "%v";%n' Acquire::http::Proxy Acquire::https::Proxy Acquire::Check-Valid-Until \
    Acquire::Check-Date | grep -v '""' || true
}

build_rootfs() {
  local tar=$1 work sources option options=()
  sources=$(machine_sources)
  if [[ -z $sources ]]; then
    apt-get -qq update </dev/null >>"$LOG/rootfs.log" 2>&1
    sources=$(machine_sources)
  fi
  [[ $sources ]] || die "this machine's apt knows no Debian $ROOTFS_SUITE archive"
  while IFS= read -r option; do [[ -z $option ]] || options+=("--aptopt=$option"); done < <(machine_apt_options)
  work=$(mktemp -d "$CACHE/building.XXXXXX")
  # mmdebstrap keeps our locks open: should this run be killed, the next one waits until it has ended.
  # The name server and the host name of this machine are no part of a base image.
  if ! printf '%s\n' "$sources" | TMPDIR=$work mmdebstrap --quiet --variant=minbase --include="$ROOTFS_PACKAGES" \
    "${options[@]}" --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
    "$ROOTFS_SUITE" "$work/rootfs.tar" - >"$LOG/rootfs.log" 2>&1; then
    tail -n 15 "$LOG/rootfs.log" >&2
    die "mmdebstrap failed (log: $LOG/rootfs.log)"
  fi
  # The digest goes first: a tar under its final name always has one.
  sha256sum "$work/rootfs.tar" | cut -d' ' -f1 >"$tar.sha256"
  mv "$work/rootfs.tar" "$tar"
  rm -rf "$work"
}

provide_rootfs() {
  local started text=cached
  started=$(now_ms)
  ROOTFS=$(rootfs_path)
  if [[ ! -e $ROOTFS ]]; then
    lock_cache
    if [[ ! -e $ROOTFS ]]; then
      build_rootfs "$ROOTFS"
      text=built
    fi
    unlock_cache
  fi
  ROOTFS_DIGEST=sha256:$(<"$ROOTFS.sha256")
  report rootfs "$started" "$text $ROOTFS"
}

docker_api() { curl --noproxy '*' -sS -m 300 --unix-socket "$DOCKER_SOCKET" "$@"; }

# Tests build FROM this name; it is remade when it is gone or comes from another rootfs.
provide_base_image() {
  local started text=present marker=$DIR/base-image.digest body
  started=$(now_ms)
  if [[ ! -e $marker || $(<"$marker") != "$ROOTFS_DIGEST" ]] ||
    ! answers "http://docker/images/$BASE_IMAGE/json" 200 --unix-socket "$DOCKER_SOCKET"; then
    # The stream is answered by 200 even when the import fails later on: its text tells.
    body=$(docker_api -X POST -H 'Content-Type: application/x-tar' -T "$ROOTFS" \
      "http://docker/images/create?fromSrc=-&repo=${BASE_IMAGE%:*}&tag=${BASE_IMAGE#*:}")
    [[ $body != *'"error"'* && $body == *sha256:* ]] || die "import of $ROOTFS: $body"
    printf '%s\n' "$ROOTFS_DIGEST" >"$marker"
    text=imported
  fi
  report base-image "$started" "$text $BASE_IMAGE"
}
