# What up found, written down for tests: engines.json (see src/state.ts), engines.env for shells, a Docker client's config.
# shellcheck shell=bash

# The machine's CA bundle, as its own clients are told, else Debian's.
find_ca() {
  local file
  for file in "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}" "${PIP_CERT:-}" "${NODE_EXTRA_CA_CERTS:-}" \
    /etc/ssl/certs/ca-certificates.crt; do
    [[ $file && -s $file ]] && break
    file=
  done
  [[ $file ]] || die 'no CA bundle: none named by SSL_CERT_FILE and its like, none in /etc/ssl/certs'
  CA=$file
}

# A Docker CLI that builds with BuildKit: Debian's does by itself; another one, found first on the PATH, may lack buildx.
# ENGINES_PATH finds it, and buildctl, for whoever comes in by ssh or kubectl.
find_clients() {
  DOCKER_CLI=/usr/bin/docker
  [[ -x $DOCKER_CLI ]] || DOCKER_CLI=$(command -v docker)
  ENGINES_PATH=$BUILDKIT_BIN:${DOCKER_CLI%/*}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

lines() { printf '%s\n' "$@"; }

write_state() {
  local name registries=()
  find_ca
  for name in $REGISTRIES; do registries+=("$name=127.0.0.1:$(port_of "registry-$name")"); done
  ENGINES_DIR=$DIR DOCKER_SOCKET=$DOCKER_SOCKET DOCKER_CLI=$DOCKER_CLI BASE_IMAGE=$BASE_IMAGE ROOTFS=$ROOTFS \
    ROOTFS_DIGEST=$ROOTFS_DIGEST CA=$CA SECRET=$SECRET USERNAME=$USERNAME TOKEN_PORT=$(port_of token) \
    WHEELS_PORT=$(port_of wheels) BUILDKIT_BIN=$BUILDKIT_BIN BUILDKIT_SOCKET=$BUILDKIT_SOCKET \
    BUILDKIT_PORT=$(port_of buildkit) PODMAN_SOCKET=$PODMAN_SOCKET ROOTLESS_SOCKET=$ROOTLESS_SOCKET \
    ROOTLESS_USER=$ROOTLESS_USER ROOTLESS_UID=$(id -u "$ROOTLESS_USER") PODMAN_IMAGE=$PODMAN_IMAGE \
    PODMAN_CLI=$(lines "${PODMAN_CLI[@]}") PODMAN_ENV=$(lines "${PODMAN_ENV[@]}") \
    ROOTLESS_CLI=$(lines "${ROOTLESS_CLI[@]}") ROOTLESS_ENV=$(lines "${ROOTLESS_ENV[@]}") \
    BUILDAH_CLI=$(lines "${BUILDAH_CLI[@]}") BUILDAH_ENV=$(lines "${BUILDAH_ENV[@]}") \
    BUILDAH_PATH=$(command -v buildah) BUILDAH_ROOT=$BUILDAH/root BUILDAH_RUNROOT=$RUN/buildah \
    SSH_PORT=$(port_of ssh) SSH_USER=$SSH_USER SSH_ALIAS=$SSH_ALIAS SSH_SECRET=$SSH_SECRET KUBECTL=$KUBECTL \
    KUBE_PORT=$(port_of kube) KUBE_NAMESPACE=$KUBE_NAMESPACE KUBE_POD=$KUBE_POD KUBE_CONTAINER=$KUBE_CONTAINER run_ts write-state.ts "${registries[@]}"
}
