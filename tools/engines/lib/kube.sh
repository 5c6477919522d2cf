# A stand-in for a Kubernetes cluster (go/kube): a pod in which kubectl exec reaches the BuildKit daemon.
# shellcheck shell=bash

KUBE_NAMESPACE=builders
KUBE_POD=buildkitd-0
KUBE_CONTAINER=buildkitd

kube_config() {
  cat <<YAML
apiVersion: v1
kind: Config
current-context: rebake-engines
clusters:
  - name: rebake-engines
    cluster: { server: "https://127.0.0.1:$1", certificate-authority: "$SECRET/ca.crt" }
users:
  - name: rebake-engines
    user: { token: $(<"$SECRET/password") }
contexts:
  - name: rebake-engines
    context: { cluster: rebake-engines, user: rebake-engines, namespace: $KUBE_NAMESPACE }
YAML
}

kube_answers() {
  answers "https://127.0.0.1:$(port_of kube)/healthz" 200 --cacert "$SECRET/ca.crt" \
    --header "Authorization: Bearer $(<"$SECRET/password")"
}

# What it executes has its environment, and no more of this machine's.
start_kube() {
  local started port text=up program
  started=$(now_ms)
  program=$(go_path kube)/kube
  if ! { runs kube "$program" && kube_answers; }; then
    stop kube
    port=$(port kube)
    mkdir -p "$DIR/kube"
    (umask 077 && kube_config "$port" >"$DIR/kube/config")
    start kube env -i PATH="$ENGINES_PATH" HOME=/nonexistent BUILDKIT_HOST="unix://$BUILDKIT_SOCKET" \
      "$program" "127.0.0.1:$port" "$SECRET/tls.crt" "$SECRET/tls.key" "$SECRET/password" \
      "$KUBE_NAMESPACE" "$KUBE_POD" "$KUBE_CONTAINER"
    wait_for kube kube_answers
    text=started
  fi
  report kube "$started" "$text https://127.0.0.1:$(port_of kube)"
}
