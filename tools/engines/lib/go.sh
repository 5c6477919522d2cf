# Engines that Debian 12 lacks: the Go modules under go/, built once a machine from the module proxy that its Go knows.
# shellcheck shell=bash

# Raise it when the recipe below changes: the name of the cached folder follows.
GO_RECIPE=1

# go_path MODULE: the folder of its binaries; another one whenever the module or the recipe changes.
go_path() {
  local key
  key=$({ printf '%s ' "$GO_RECIPE" && cat "$TOOL/go/$1"/*; } | cksum | cut -d' ' -f1)
  printf '%s/%s-%s-%s' "$CACHE" "$1" "$(dpkg --print-architecture)" "$key"
}

go_version() { awk '$1 == "go" { print $2 }' "$TOOL/go/$1/go.mod"; }

# have_go VERSION: whether the go on the PATH is that one or newer.
have_go() {
  local found
  found=$(go env GOVERSION 2>/dev/null) && printf 'go%s\n%s\n' "$1" "${found%% *}" | sort -VC
}

# find_go VERSION FOLDER: a machine without a Go that is new enough gets one from the module proxy too, into FOLDER; any old
# Go can ask it for that. The zip of a module carries no exec bits.
find_go() {
  local version=$1 goroot
  ! have_go "$version" || return 0
  command -v go >/dev/null || install_packages go:golang-go
  goroot=golang.org/toolchain@v0.0.1-go$version.linux-$(go env GOARCH)
  (cd "$2" && GO111MODULE=on go mod download "$goroot") >>"$LOG/go.log" 2>&1 || go_failed "no Go $version"
  goroot=$GOMODCACHE/$goroot
  chmod -R u+x "$goroot/bin" "$goroot/pkg/tool"
  PATH=$goroot/bin:$PATH
  hash -r
  have_go "$version" || go_failed "$goroot does not run"
}

go_failed() {
  tail -n 15 "$LOG/go.log" >&2
  die "$1 (log: $LOG/go.log)"
}

# build_go FOLDER MODULE: what the module names as its tools, its own program, or both.
build_go() {
  local work=$1 module=$2 patterns=(.) flags='-s -w'
  find_go "$(go_version "$module")" "$work"
  cd "$TOOL/go/$module"
  if [[ $module == registry3 ]]; then patterns=(tool .); fi
  if [[ $module == buildkit ]]; then
    patterns=(tool)
    flags+=" -X github.com/moby/buildkit/version.Version=$(go list -m -f '{{.Version}}' github.com/moby/buildkit)"
  fi
  mkdir "$work/$module"
  go build -trimpath -tags osusergo,netgo,static_build -ldflags "$flags" -o "$work/$module/" "${patterns[@]}" \
    >>"$LOG/go.log" 2>&1 || go_failed "could not build $TOOL/go/$module"
  mv -T "$work/$module" "$(go_path "$module")"
}

# build_all_go MODULE…: one after the other with the same caches, which are for this alone and end with it.
build_all_go() (
  work=$(mktemp -d "$CACHE/building.XXXXXX")
  unset GOROOT
  export GOTOOLCHAIN=local GOWORK=off GOMODCACHE=$work/mod GOCACHE=$work/cache GOFLAGS='-modcacherw -buildvcs=false' CGO_ENABLED=0
  for module in "$@"; do build_go "$work" "$module"; done
  rm -rf "$work"
)

missing_go() {
  local module
  for module in "$@"; do [[ -e $(go_path "$module") ]] || printf '%s ' "$module"; done
}

# provide_go MODULE…
provide_go() {
  local started text=cached missing
  started=$(now_ms)
  if [[ $(missing_go "$@") ]]; then
    lock_cache
    missing=$(missing_go "$@")
    # shellcheck disable=SC2086
    if [[ $missing ]]; then
      build_all_go $missing
      text="built $missing"
    fi
    unlock_cache
  fi
  report go "$started" "$text"
}
