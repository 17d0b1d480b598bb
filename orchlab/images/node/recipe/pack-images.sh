#!/bin/bash
# pack-images.sh IMAGES.json LAYERS LAYOUT: writes the images as an OCI image layout.
# A layer that several images share is stored once.
set -o errexit -o nounset -o pipefail
images=$1 layers=$2 layout=$3
blobs=$layout/blobs/sha256
search_path=PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
work=$(mktemp --directory)
mkdir -p "$blobs" "$work/layers"

# Move FILE into the layout and print its descriptor, with further FIELDS.
store() { # FILE MEDIA-TYPE FIELDS
  local digest size
  digest=$(sha256sum <"$1" | cut --delimiter=' ' --fields=1)
  size=$(stat --format=%s "$1")
  mv "$1" "$blobs/$digest"
  jq --null-input --compact-output --arg type "$2" --arg digest "sha256:$digest" \
    --argjson size "$size" --argjson fields "$3" \
    '{mediaType: $type, digest: $digest, size: $size} + $fields'
}

for directory in "$layers"/*; do
  name=$(basename "$directory")
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --create --file="$work/layer.tar" --directory="$directory" .
  sha256sum <"$work/layer.tar" | sed 's/\(\S*\).*/"sha256:\1"/' >"$work/layers/$name.diff"
  zstd --quiet --rm -T0 -9 "$work/layer.tar"
  store "$work/layer.tar.zst" application/vnd.oci.image.layer.v1.tar+zstd '{}' >"$work/layers/$name.blob"
done

jq --compact-output '.[]' "$images" | while read -r image; do
  mapfile -t parts < <(jq --raw-output --arg dir "$work/layers" '.layers[] | "\($dir)/\(.)"' <<<"$image")
  jq --arg path "$search_path" --arg arch "$(dpkg --print-architecture)" \
    --slurpfile diffs <(cat "${parts[@]/%/.diff}") '{architecture: $arch, os: "linux",
      config: {Env: [$path], Entrypoint: (.entrypoint | if . then [.] else null end), User: (.user // "")},
      rootfs: {type: "layers", diff_ids: $diffs}}' <<<"$image" >"$work/config"
  config=$(store "$work/config" application/vnd.oci.image.config.v1+json '{}')
  jq --null-input --argjson config "$config" --slurpfile layers <(cat "${parts[@]/%/.blob}") \
    '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: $config, layers: $layers}' >"$work/manifest"
  store "$work/manifest" application/vnd.oci.image.manifest.v1+json \
    "$(jq '{annotations: {"io.containerd.image.name": .name}}' <<<"$image")"
done | jq --slurp '{schemaVersion: 2, manifests: .}' >"$layout/index.json"
echo '{"imageLayoutVersion": "1.0.0"}' >"$layout/oci-layout"
rm -r "$work"
