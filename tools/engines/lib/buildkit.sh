# A BuildKit daemon of its own: a plain unix socket, and mTLS on a loopback port. Build steps run in the host's network.
# shellcheck shell=bash

BUILDKIT_CGROUP=rebake-engines-${RUN##*/}-buildkit
BUILDKIT_CONFIG=$DIR/buildkit.toml

buildkit_answers() { timeout 5 "$BUILDKIT_BIN/buildctl" --addr "unix://$BUILDKIT_SOCKET" debug workers >/dev/null 2>&1; }

# Made once, beside its place and renamed: a CA with the server's certificate, a client's and one that has expired, and
# another CA that signed none of them.
provide_buildkit_secrets() {
  local to=$SECRET/buildkit
  [[ ! -d $to ]] || return 0
  rm -rf "$to.new"
  mkdir "$to.new"
  new_ca "$to.new/ca" 'rebake engines BuildKit CA'
  new_ca "$to.new/other-ca" 'rebake engines other CA'
  signed "$to.new" server 3650 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth'
  signed "$to.new" client 3650 'extendedKeyUsage=clientAuth'
  signed "$to.new" expired -1 'extendedKeyUsage=clientAuth'
  mv "$to.new" "$to"
}

# TOML strings and JSON's are the same for paths like these.
buildkit_config() {
  local secret=$SECRET/buildkit
  cat <<TOML
root = "$DIR/buildkit"
insecure-entitlements = ["network.host"]

[grpc]
address = ["unix://$BUILDKIT_SOCKET", "tcp://127.0.0.1:$1"]

[grpc.tls]
cert = "$secret/server.crt"
key = "$secret/server.key"
ca = "$secret/ca.crt"

[otel]
socketPath = "$RUN/buildkit-otel.sock"

[cdi]
disabled = true

[worker.oci]
enabled = true
networkMode = "host"
defaultCgroupParent = "/$BUILDKIT_CGROUP"

[worker.containerd]
enabled = false

# Unsaid, loopback is taken for plain HTTP.
[registry."127.0.0.1:$(port_of registry-tls)"]
http = false
ca = ["$SECRET/ca.crt"]
TOML
}

# The config names ports of others: when one of them has moved, the daemon has to start anew.
start_buildkit() {
  local started port text=up
  started=$(now_ms)
  provide_buildkit_secrets
  if ! { runs buildkit "$BUILDKIT_BIN/buildkitd" && [[ $(buildkit_config "$(port_of buildkit)") == "$(<"$BUILDKIT_CONFIG")" ]] &&
    buildkit_answers; }; then
    stop_buildkit
    port=$(port buildkit)
    buildkit_config "$port" >"$BUILDKIT_CONFIG"
    mkdir -p "$DIR/buildkit/tmp"
    start buildkit env TMPDIR="$DIR/buildkit/tmp" "$BUILDKIT_BIN/buildkitd" --config "$BUILDKIT_CONFIG"
    wait_for buildkit buildkit_answers
    text=started
  fi
  report buildkit "$started" "$text unix://$BUILDKIT_SOCKET tcp://127.0.0.1:$(port_of buildkit)"
}

stop_buildkit() {
  stop buildkit
  "$TOOL/lib/clean" --cgroup "$BUILDKIT_CGROUP" "$DIR/buildkit"
}
