# Registries on loopback ports: without auth, with basic auth, with TLS and basic auth, with token auth; and the servers of
# ours beside them (tokens, wheels).
# shellcheck shell=bash

SECRET=$DIR/secret
USERNAME=rebake

# port NAME: the port of the last run if nobody took it meanwhile, so that addresses stay; else a free one. Below the range
# that outgoing connections draw from (32768 and up), so that none of these can sit on it when a service comes back.
port() {
  local file=$DIR/port/$1 port
  mkdir -p "$DIR/port"
  if port=$(cat "$file" 2>/dev/null) && ! in_use "$port"; then
    printf '%s' "$port"
    return
  fi
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    in_use "$port" || grep -qsxF "$port" "$DIR"/port/* || break
  done
  printf '%s\n' "$port" >"$file"
  printf '%s' "$port"
}

in_use() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port_of NAME: the port it has, or will have.
port_of() { cat "$DIR/port/$1" 2>/dev/null || port "$1"; }

# new_ca PATH NAME: PATH.key and PATH.crt.
new_ca() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$2" -keyout "$1.key" -out "$1.crt" \
    -addext keyUsage=critical,keyCertSign,cRLSign 2>>"$LOG/openssl.log"
}

# signed FOLDER NAME DAYS EXTENSIONS: NAME.key and NAME.crt, signed by the CA that lies in the folder.
signed() {
  local at=$1/$2
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$at.key" -out "$at.csr" 2>>"$LOG/openssl.log"
  printf '%b\n' "$4" >"$at.ext"
  openssl x509 -req -in "$at.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days "$3" \
    -extfile "$at.ext" -out "$at.crt" 2>>"$LOG/openssl.log"
  rm "$at.csr" "$at.ext"
}

# Made once: a password, a private CA with a certificate for the loopback names, and the key that signs tokens. Built beside
# its place and renamed, so that it is whole or absent.
provide_secrets() {
  [[ -d $SECRET ]] && return
  local new=$DIR/secret.new log=$LOG/openssl.log
  rm -rf "$new"
  mkdir -m 700 "$new"
  openssl rand -hex 16 >"$new/password"
  # The registry knows bcrypt only.
  htpasswd -B -i -n "$USERNAME" <"$new/password" 2>>"$log" | sed '/^$/d' >"$new/htpasswd"
  new_ca "$new/ca" 'rebake engines CA'
  signed "$new" tls 3650 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth'
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=rebake engines tokens' -keyout "$new/token.key" \
    -out "$new/token.crt" 2>>"$log"
  mv "$new" "$SECRET"
}

registry_scheme() { if [[ $1 == tls* ]]; then printf https; else printf http; fi; }

# crane gives its login to no token server at a loopback address, unless it has a name.
realm_host() { if [[ $1 == token3 ]]; then printf localhost; else printf 127.0.0.1; fi; }

registry_config() {
  local name=$1
  cat <<YAML
version: 0.1
log: { level: info, accesslog: { disabled: false } }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: "$DIR/registry/$name" }
  delete: { enabled: true }
http:
  addr: 127.0.0.1:$2
  secret: $(<"$SECRET/password")
YAML
  if [[ $name == tls* ]]; then printf '  tls: { certificate: "%s", key: "%s" }\n' "$SECRET/tls.crt" "$SECRET/tls.key"; fi
  case $name in
    plain*) ;;
    auth | tls*) printf 'auth:\n  htpasswd: { realm: rebake-engines, path: "%s" }\n' "$SECRET/htpasswd" ;;
    token*)
      printf 'auth:\n  token: { realm: "%s", service: rebake-engines, issuer: rebake-engines, rootcertbundle: "%s" }\n' \
        "http://$(realm_host "$name"):$(port_of token)/token" "$SECRET/token.crt"
      ;;
  esac
}

registry_answers() {
  answers "$(registry_scheme "$1")://127.0.0.1:$(port_of "registry-$1")/v2/" '200 401' --cacert "$SECRET/ca.crt"
}

# start_registry NAME PROGRAM
start_registry() {
  local name=$1 program service=registry-$1 started port text=up
  started=$(now_ms)
  program=$(readlink -f "$(command -v "$2")")
  if ! { runs "$service" "$program" && registry_answers "$name"; }; then
    stop "$service"
    port=$(port "$service")
    mkdir -p "$DIR/registry"
    registry_config "$name" "$port" >"$DIR/registry/$name.yml"
    start "$service" "$program" serve "$DIR/registry/$name.yml"
    wait_for "$service" registry_answers "$name"
    text=started
  fi
  report "$service" "$started" "$text $(registry_scheme "$name")://127.0.0.1:$(port_of "$service")"
}

# start_server NAME PATH SCRIPT [ARGUMENT…]: a server of ours; it gets its port as its first argument.
server_answers() { answers "http://127.0.0.1:$(port_of "$1")$2" 200; }

start_server() {
  local name=$1 path=$2 script=$3 started port text=up
  shift 3
  started=$(now_ms)
  if ! { alive "$name" >/dev/null && server_answers "$name" "$path"; }; then
    stop "$name"
    port=$(port "$name")
    start "$name" "$NODE" "$TOOL/src/$script" "$port" "$@"
    wait_for "$name" server_answers "$name" "$path"
    text=started
  fi
  report "$name" "$started" "$text http://127.0.0.1:$(port_of "$name")$path"
}
