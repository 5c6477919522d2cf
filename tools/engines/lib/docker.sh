# The Docker engine: its own root, socket and pid, and no touch on the machine's network.
# shellcheck shell=bash

# All containers of this engine sit in one cgroup of ours, so that what a killed dockerd leaves behind can be told.
CGROUP=rebake-engines-${RUN##*/}

docker_answers() { answers http://docker/_ping 200 --unix-socket "$DOCKER_SOCKET"; }

# After a dockerd that was killed: a containerd that still runs would be taken over, and a stale containerd.pid whose number
# belongs to someone else by now makes dockerd wait for it in vain.
clean_docker() {
  rm -f "$RUN/docker.pid" "$DOCKER_SOCKET"
  "$TOOL/lib/clean" --cgroup "$CGROUP" "$DIR/docker" "$RUN/exec"
  rm -rf "$RUN/exec"
}

start_docker() {
  local started
  started=$(now_ms)
  if alive docker >/dev/null && docker_answers; then
    report docker "$started" "up unix://$DOCKER_SOCKET"
    return
  fi
  stop docker
  clean_docker
  mkdir -p "$RUN" "$DIR/docker"
  # No bridge and no iptables: the machine's firewall, forwarding and addresses stay as they are. Builds and containers say
  # `host` for their network. 127.0.0.0/8 is Docker's own default, written down since the registries here rely on it.
  start docker dockerd --data-root "$DIR/docker" --exec-root "$RUN/exec" --pidfile "$RUN/docker.pid" \
    --host "unix://$DOCKER_SOCKET" --storage-driver overlay2 --insecure-registry 127.0.0.0/8 \
    --cgroup-parent "/$CGROUP" --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false
  wait_for docker docker_answers
  report docker "$started" "started unix://$DOCKER_SOCKET"
}

stop_docker() {
  stop docker
  clean_docker
}
