#!/bin/bash
# layers.sh BIN LAYERS: lays out the files of each layer that images.json names.
set -o errexit -o nounset -o pipefail
bin=$1 layers=$2

for name in etcd coredns pause local-path-provisioner; do
  install -D "$bin/$name" "$layers/$name/usr/local/bin/$name"
done
install -D "$bin/flanneld" "$layers/flannel/usr/local/bin/flanneld"
install -d "$layers/kubernetes/usr/local/bin"
install -d -m 1777 "$layers/kubernetes/tmp"
install "$bin/kubernetes" "$layers/kubernetes/usr/local/bin/"
for name in apiserver controller-manager scheduler proxy; do
  ln -s kubernetes "$layers/kubernetes/usr/local/bin/kube-$name"
done
install -D /bin/busybox "$layers/busybox/bin/busybox"
for name in sh cp mkdir rm sed sleep; do
  ln -s busybox "$layers/busybox/bin/$name"
done

# nft and iptables with the libraries and extensions that they load.
tables=$layers/netfilter
extensions=$(dirname "$(find /usr/lib -name libxt_comment.so)")
install -d "$tables"
find "$extensions" -name '*.so' -print0 |
  xargs --null ldd /usr/sbin/nft /usr/sbin/xtables-nft-multi |
  grep --only-matching --perl-regexp '(?<![\w:.])/\S+(?= \(0x)' | sort --unique |
  xargs cp --dereference --parents --target-directory="$tables"
cp --parents --recursive /usr/sbin/nft /usr/sbin/xtables-nft-multi "$extensions" "$tables"
for name in iptables ip6tables; do
  for suffix in '' -save -restore; do
    ln -s xtables-nft-multi "$tables/usr/sbin/$name$suffix"
  done
done
