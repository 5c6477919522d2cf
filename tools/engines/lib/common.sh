# Where everything lives, and how a process is started, recognised and stopped. Sourced by up, down and status.
# shellcheck shell=bash

TOOL=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
REPO=$(cd "$TOOL/../.." && pwd -P)
DIR=${REBAKE_ENGINES_DIR:-$REPO/.engines}
CACHE=${REBAKE_ENGINES_CACHE:-/var/cache/rebake-engines}
# Sockets live under /run, since a unix socket's path ends at 107 bytes and a clone may lie deeper than that.
RUN=/run/rebake-engines/$(printf %s "$DIR" | cksum | cut -d' ' -f1)
LOG=$DIR/log
PIDS=$DIR/pid
BOOT=$(cat /proc/sys/kernel/random/boot_id)

DOCKER_SOCKET=$RUN/docker.sock
BUILDKIT_SOCKET=$RUN/buildkit.sock
BASE_IMAGE=rebake-engines/python:3.11
REGISTRIES='plain auth tls token'
# The same of distribution v3, where Debian has 2.8.
REGISTRIES3='plain3 tls3 token3'
SERVICES="docker registry-plain registry-auth registry-tls token registry-token wheels buildkit podman podman-rootless ssh kube registry-plain3 registry-tls3 registry-token3"

die() {
  printf 'engines: %s\n' "$*" >&2
  exit 1
}

now_ms() { printf '%s' "$((${EPOCHREALTIME/./} / 1000))"; }

# report NAME STARTED_MS TEXT: the one line a service gets.
report() { printf '%-22s %6d ms  %s\n' "$1" "$(($(now_ms) - $2))" "$3"; }

# Ours to call once, by up and down: only one of them works on a folder at a time. The lock is file descriptor 9.
take_lock() {
  [[ $EUID -eq 0 ]] || die 'needs root (packages, overlay mounts, dockerd)'
  mkdir -p "$DIR" "$LOG" "$PIDS" "$RUN"
  # The folder ignores itself, so no clone has to know its name.
  [[ -e $DIR/.gitignore ]] || printf '*\n' >"$DIR/.gitignore"
  exec 9>"$DIR/lock"
  flock -w "${REBAKE_ENGINES_LOCK_SECONDS:-600}" 9 || die "another up or down holds $DIR/lock"
}

# Two clones share the cache: the second waits for the first instead of building the same again. The lock is descriptor 8.
lock_cache() {
  local left
  mkdir -p "$CACHE"
  exec 8>"$CACHE/lock"
  flock 8
  # Whoever left these was killed: the lock is ours.
  for left in "$CACHE"/building.*; do [[ ! -e $left ]] || rm -rf --one-file-system "$left"; done
}

unlock_cache() { exec 8>&-; }

# The state letter and the start time (field 22, in ticks since boot) of a process: "S 12345". The command may hold spaces.
proc_stat() {
  local line
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  line=${line##*) }
  # shellcheck disable=SC2086
  set -- $line
  printf '%s %s' "$1" "${20}"
}

# alive NAME: prints the pid when the recorded process is still that very process. A pid alone may have been reused, so it
# counts only with its start time and the boot it was started in; a zombie that init has not reaped yet is dead.
alive() {
  local pid started boot stat
  read -r pid started boot 2>/dev/null <"$PIDS/$1" || return 1
  [[ $boot == "$BOOT" ]] && stat=$(proc_stat "$pid") || return 1
  [[ $stat != [ZX]* && ${stat#* } == "$started" ]] || return 1
  printf '%s' "$pid"
}

# runs NAME FILE: whether the recorded process is alive and runs that very program, and not the one of an earlier version.
runs() {
  local pid
  pid=$(alive "$1") && [[ $(readlink "/proc/$pid/exe") == "$2" ]]
}

# start NAME COMMAND…: in a session of its own, so that it outlives the caller; without the lock's descriptor, so that the
# lock ends with up. The process writes its own record before it becomes the command: no window in which it is unknown.
start() {
  local name=$1
  shift
  rm -f "$PIDS/$name"
  # shellcheck disable=SC2016
  setsid bash -c '
    boot=$1 record=$2
    shift 2
    stat=$(</proc/$$/stat) && stat=(${stat##*) })
    printf "%s %s %s\n" "$$" "${stat[19]}" "$boot" >"$record.tmp" && mv "$record.tmp" "$record" && exec "$@"
  ' start "$BOOT" "$PIDS/$name" "$@" </dev/null >>"$LOG/$name.log" 2>&1 9>&- &
}

# wait_for NAME CHECK…: until CHECK succeeds, the process has died or 30 seconds have passed.
wait_for() {
  local name=$1 deadline=$(($(now_ms) + 30000))
  shift
  until alive "$name" >/dev/null && "$@"; do
    if [[ -e $PIDS/$name ]] && ! alive "$name" >/dev/null; then break; fi
    (($(now_ms) < deadline)) || break
    sleep 0.03
  done
  alive "$name" >/dev/null && "$@" && return
  tail -n 15 "$LOG/$name.log" >&2
  die "$name did not come up (log: $LOG/$name.log)"
}

# stop NAME: ends what we started, by pid; its whole process group, since each service leads one.
stop() {
  local pid deadline=$(($(now_ms) + 20000))
  if pid=$(alive "$1"); then
    kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null || true
    while alive "$1" >/dev/null; do
      (($(now_ms) < deadline)) || { kill -KILL -- "-$pid" 2>/dev/null || true; }
      sleep 0.03
    done
  fi
  rm -f "$PIDS/$1"
}

# answers URL CODES [curl option…]: whether the URL gives one of the HTTP codes.
answers() {
  local url=$1 codes=$2 code
  shift 2
  code=$(curl --noproxy '*' -s -o /dev/null -m 2 -w '%{http_code}' "$@" "$url" 2>/dev/null) || return 1
  [[ " $codes " == *" $code "* ]]
}

# The Node that runs our TypeScript as it is: the workspace's own, else one on the PATH that is new enough.
find_node() {
  local node
  for node in "$REPO/node_modules/node/bin/node" "$(command -v node || true)"; do
    [[ -x $node ]] && "$node" -e 'process.exit(process.features.typescript ? 0 : 1)' 2>/dev/null && break
    node=
  done
  [[ $node ]] || die 'no Node.js that strips types: run npm ci first'
  NODE=$node
}

run_ts() { "$NODE" "$TOOL/src/$1" "${@:2}"; }
