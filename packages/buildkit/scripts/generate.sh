#!/usr/bin/env bash
# Makes src/generated again: the protobuf messages that a BuildKit client needs, as TypeScript.
# Sources are the Go modules of buildkit, fsutil, vtprotobuf and containerd's API (through the Go module proxy), and two standard protos
# beside this script.
# Needs go and npm; what it makes is committed, so nobody else needs them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
out=$here/../src/generated
buildkit_version=${1:-v0.34.2}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

printf 'module protos\n\ngo 1.24\n' >go.mod
module() { go mod download -json "$1" | sed -n 's/.*"Dir": "\(.*\)",/\1/p'; }
# Versions of its dependencies as buildkit itself requires them.
required() { awk -v module="$1" '$1 == module && $2 ~ /^v[0-9]/ { print $1 "@" $2; exit }' "$buildkit/go.mod"; }
buildkit=$(module "github.com/moby/buildkit@$buildkit_version")
fsutil=$(module "$(required github.com/tonistiigi/fsutil)")
vtprotobuf=$(module "$(required github.com/planetscale/vtprotobuf)")
containerd=$(module "$(required github.com/containerd/containerd/api)")

mkdir -p protos/github.com/moby/buildkit protos/github.com/tonistiigi/fsutil
for folder in api/services/control api/types solver/pb solver/errdefs sourcepolicy/pb util/apicaps/pb frontend/gateway/pb session/secrets session/auth session/filesync; do
  mkdir -p "protos/github.com/moby/buildkit/$folder"
  cp "$buildkit/$folder"/*.proto "protos/github.com/moby/buildkit/$folder/"
done
mkdir -p protos/github.com/tonistiigi/fsutil/types
cp "$fsutil"/types/*.proto protos/github.com/tonistiigi/fsutil/types/
cp -R "$vtprotobuf"/include/github.com/. protos/github.com/
mkdir -p protos/github.com/containerd/containerd/api/services/content/v1
cp "$containerd"/services/content/v1/content.proto protos/github.com/containerd/containerd/api/services/content/v1/
cp -R "$here"/protos/. protos/
chmod -R u+w protos
# A client that names a frontend sends no build graph of its own. (buf's exclude_types would leave half a map entry behind.)
sed -i '/pb\.Definition/d' protos/github.com/moby/buildkit/api/services/control/control.proto

printf 'version: v2\nmodules:\n  - path: protos\n' >buf.yaml
cat >buf.gen.yaml <<'YAML'
version: v2
inputs:
  - directory: .
    types:
      - moby.buildkit.v1.SolveRequest
      - moby.buildkit.v1.SolveResponse
      - moby.buildkit.v1.StatusRequest
      - moby.buildkit.v1.StatusResponse
      - moby.buildkit.v1.BytesMessage
      - moby.buildkit.v1.ListWorkersRequest
      - moby.buildkit.v1.ListWorkersResponse
      - moby.buildkit.v1.InfoRequest
      - moby.buildkit.v1.InfoResponse
      - moby.buildkit.v1.BuildHistoryRequest
      - moby.buildkit.v1.BuildHistoryEvent
      - moby.buildkit.v1.PruneRequest
      - moby.buildkit.v1.UsageRecord
      - moby.buildkit.v1.frontend.ExitMessage
      - moby.buildkit.secrets.v1.GetSecretRequest
      - moby.buildkit.secrets.v1.GetSecretResponse
      - moby.filesync.v1.CredentialsRequest
      - moby.filesync.v1.CredentialsResponse
      - moby.filesync.v1.FetchTokenRequest
      - moby.filesync.v1.FetchTokenResponse
      - moby.filesync.v1.GetTokenAuthorityRequest
      - moby.filesync.v1.GetTokenAuthorityResponse
      - moby.filesync.v1.VerifyTokenAuthorityRequest
      - moby.filesync.v1.VerifyTokenAuthorityResponse
      - containerd.services.content.v1.InfoRequest
      - containerd.services.content.v1.InfoResponse
      - containerd.services.content.v1.ReadContentRequest
      - containerd.services.content.v1.ReadContentResponse
      - containerd.services.content.v1.StatusRequest
      - containerd.services.content.v1.StatusResponse
      - containerd.services.content.v1.ListStatusesRequest
      - containerd.services.content.v1.ListStatusesResponse
      - containerd.services.content.v1.WriteContentRequest
      - containerd.services.content.v1.WriteContentResponse
      - containerd.services.content.v1.AbortRequest
      - errdefs.Vertex
      - fsutil.types.Packet
      - google.rpc.Status
      - grpc.health.v1.HealthCheckResponse
    exclude_types:
      - pb.ProgressGroup
      - pb.SourceInfo
      - pb.Range
      - moby.buildkit.v1.sourcepolicy.Policy
      - moby.buildkit.v1.types.GCPolicy
      - moby.buildkit.v1.types.CDIDevice
      - vtproto.mempool
plugins:
  - local: protoc-gen-es
    out: out
    opt: [target=ts, import_extension=ts]
YAML
npm install --silent --no-save --no-fund --no-audit @bufbuild/buf@1 @bufbuild/protoc-gen-es@2 @bufbuild/protobuf@2
PATH=$PWD/node_modules/.bin:$PATH buf generate

# Enums become constant objects, since Node strips types but does not translate them.
find out -name '*.ts' -exec sed -i -E '
  /^export enum [A-Za-z_]+ \{$/,/^\}$/ {
    s/^export enum ([A-Za-z_]+) \{$/export type \1 = (typeof \1)[keyof typeof \1];\nexport const \1 = {/
    s/^( +[A-Z_0-9]+) = ([0-9]+),$/\1: \2,/
    s/^\}$/} as const;/
  }' {} +

# One flat folder: the packages' paths say nothing here.
rm -rf "$out"
mkdir -p "$out"
find out -name '*_pb.ts' -print0 | while IFS= read -r -d '' file; do
  sed -E "s#from \"(\./|(\.\./)+)[^\"]*/([a-z_]+_pb\.ts)\"#from \"./\3\"#" "$file" >"$out/$(basename "$file")"
done
ls -l "$out"
