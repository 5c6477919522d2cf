# Debian packages: installed only if a command is missing, and without starting any system service.
# shellcheck shell=bash

# command:package. Commands are asked for, not packages: a machine with another vendor's engine keeps it.
NEEDED='dockerd:docker.io runc:runc docker-registry:docker-registry mmdebstrap:mmdebstrap htpasswd:apache2-utils
  openssl:openssl curl:curl update-ca-certificates:ca-certificates flock:util-linux ip:iproute2'

# needed_by podman|ssh|kube: besides.
needed_by() {
  case $1 in
    podman) printf 'podman:podman buildah:buildah skopeo:skopeo newuidmap:uidmap fuse-overlayfs:fuse-overlayfs useradd:passwd' ;;
    ssh) printf 'sshd:openssh-server ssh:openssh-client' ;;
    kube) printf 'kubectl:kubernetes-client' ;;
  esac
}

POLICY=/usr/sbin/policy-rc.d
POLICY_KEPT=$POLICY.before-rebake-engines

missing_packages() {
  local pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || printf '%s ' "${pair#*:}"
  done
}

# Puts the machine's own policy back, also after a run that was killed while ours was in place.
restore_policy() {
  if [[ -e $POLICY_KEPT ]]; then
    mv -f "$POLICY_KEPT" "$POLICY"
  elif grep -qs '^# rebake-engines$' "$POLICY"; then
    rm -f "$POLICY"
  fi
}

# Exit code 101 forbids every service start while packages are set up.
forbid_services() {
  if [[ -e $POLICY ]] && ! grep -qs '^# rebake-engines$' "$POLICY"; then mv "$POLICY" "$POLICY_KEPT"; fi
  printf '#!/bin/sh\n# rebake-engines\nexit 101\n' >"$POLICY.tmp"
  chmod 755 "$POLICY.tmp"
  mv "$POLICY.tmp" "$POLICY"
}

# install_packages COMMAND:PACKAGE…
install_packages() {
  local started missing log=$LOG/apt.log
  started=$(now_ms)
  restore_policy
  missing=$(missing_packages "$@")
  if [[ -z $missing ]]; then
    report packages "$started" 'present'
    return
  fi
  trap restore_policy EXIT
  forbid_services
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
  # apt keeps our lock open, so that after a kill nobody restores the policy while it still sets packages up. A dpkg that was
  # killed half-way has its unpacked packages configured first, else apt refuses.
  # shellcheck disable=SC2086
  if ! {
    dpkg --configure -a &&
      apt-get -o DPkg::Lock::Timeout=300 -qq update &&
      apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends $missing
  } </dev/null >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    die "could not install $missing(log: $log)"
  fi
  restore_policy
  trap - EXIT
  hash -r
  report packages "$started" "installed $missing"
}
