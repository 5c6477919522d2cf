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
  BUILDKIT_BIN=$(go_path buildkit)
  REGISTRY3_BIN=$(go_path registry3)
  DOCKER_CLI=/usr/bin/docker
  [[ -x $DOCKER_CLI ]] || DOCKER_CLI=$(command -v docker)
  ENGINES_PATH=$BUILDKIT_BIN:${DOCKER_CLI%/*}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
}

lines() { printf '%s\n' "$@"; }

# Of engines that up was not asked for it says where they would be. In a subshell, for what it exports.
# shellcheck disable=SC2030
write_state() (
  find_ca
  export CA DOCKER_SOCKET DOCKER_CLI BASE_IMAGE ROOTFS ROOTFS_DIGEST SECRET USERNAME BUILDKIT_BIN BUILDKIT_SOCKET REGISTRY3_BIN
  export PODMAN_SOCKET PODMAN_IMAGE ROOTLESS_SOCKET ROOTLESS_USER SSH_USER SSH_ALIAS SSH_SECRET
  export KUBE_NAMESPACE KUBE_POD KUBE_CONTAINER
  export ENGINES_DIR=$DIR BUILDAH_ROOT=$BUILDAH/root BUILDAH_RUNROOT=$RUN/buildah
  BUILDAH_PATH=$(command -v buildah || printf buildah)
  KUBECTL=$(command -v kubectl || printf kubectl)
  ROOTLESS_UID=$(id -u "$ROOTLESS_USER" 2>/dev/null || printf 0)
  PODMAN_CLI=$(lines "${podman_cli[@]}") PODMAN_ENV=$(lines "${podman_env[@]}")
  ROOTLESS_CLI=$(lines "${rootless_cli[@]}") ROOTLESS_ENV=$(lines "${rootless_env[@]}")
  BUILDAH_CLI=$(lines "${buildah_cli[@]}") BUILDAH_ENV=$(lines "${buildah_env[@]}")
  export BUILDAH_PATH KUBECTL ROOTLESS_UID PODMAN_CLI PODMAN_ENV ROOTLESS_CLI ROOTLESS_ENV BUILDAH_CLI BUILDAH_ENV
  for name in token wheels buildkit ssh kube; do export "${name^^}_PORT=$(port_of $name)"; done
  registries=()
  for name in $REGISTRIES $REGISTRIES3; do registries+=("$name=127.0.0.1:$(port_of "registry-$name")"); done
  run_ts write-state.ts "${registries[@]}"
)
