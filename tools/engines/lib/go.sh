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

# What the module names as its tools, else its own program. In a subshell: the caches are for this build alone and end with it.
build_go() (
  local module=$1 out=$2 work patterns=(.) flags='-s -w'
  work=$(mktemp -d "$CACHE/building.XXXXXX")
  unset GOROOT
  export GOTOOLCHAIN=local GOWORK=off GOMODCACHE=$work/mod GOCACHE=$work/cache GOFLAGS='-modcacherw -buildvcs=false' CGO_ENABLED=0
  find_go "$(go_version "$module")" "$work"
  cd "$TOOL/go/$module"
  mkdir "$work/bin"
  if [[ $module == buildkit ]]; then
    patterns=(tool)
    flags+=" -X github.com/moby/buildkit/version.Version=$(go list -m -f '{{.Version}}' github.com/moby/buildkit)"
  fi
  go build -trimpath -tags osusergo,netgo,static_build -ldflags "$flags" -o "$work/bin/" "${patterns[@]}" \
    >>"$LOG/go.log" 2>&1 || go_failed "could not build $TOOL/go/$module"
  mv -T "$work/bin" "$out"
  rm -rf "$work"
)

# provide_go MODULE
provide_go() {
  local started text=cached path
  started=$(now_ms)
  path=$(go_path "$1")
  if [[ ! -e $path ]]; then
    lock_cache
    if [[ ! -e $path ]]; then
      build_go "$1" "$path"
      text=built
    fi
    unlock_cache
  fi
  report "$1-binaries" "$started" "$text $path"
}
