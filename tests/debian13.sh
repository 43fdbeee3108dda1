#!/usr/bin/env bash
# `make test` on a fresh Debian 13, by a user who is not root, on the Python 3.13 that Debian brings.
# build/debian13 is made once and kept until `make clean`.
# All is mounted in a namespace of this run alone: whatever way it ends, nothing stays mounted and no process is left.
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=build/debian13
HOME_THERE=/home/quorate

if [ "$(id -u)" != 0 ]; then echo "make test-debian13 takes root: it makes a Debian and changes its root there" >&2; exit 2; fi
if ! command -v debootstrap >/dev/null; then echo "debootstrap is missing: apt install debootstrap" >&2; exit 2; fi

if [ ! -d $ROOT ]; then
  rm -rf $ROOT.new
  mkdir -p $ROOT.new
  # From where this machine's apt has its Debian, and through its proxy; from debootstrap's own mirror where it has none.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
  eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
  export http_proxy https_proxy
  unshare --mount debootstrap --variant=minbase --include=ca-certificates,make,python3,python3-venv trixie $ROOT.new $mirror
  chroot $ROOT.new useradd --create-home --home-dir $HOME_THERE --shell /bin/bash quorate
  mv $ROOT.new $ROOT
fi

# How this machine reaches package indexes: names, certificates, pip's settings. Taken at each run, never kept here.
for file in /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
  [ ! -e $file ] || cp --dereference $file $ROOT$file
done
names='PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|CERT|DEFAULT_TIMEOUT)|SSL_CERT_FILE|(http|https|no)_proxy|(HTTP|HTTPS|NO)_PROXY'
mapfile -d '' -t settings < <(env --null | grep --null-data -E "^($names)=")

# The checkout as it stands, without what git ignores. pip's cache beside it stays for the next run.
rm -rf $ROOT$HOME_THERE/checkout
mkdir $ROOT$HOME_THERE/checkout
git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- --ignore-failed-read |
  tar --extract --directory=$ROOT$HOME_THERE/checkout
chroot $ROOT chown -R quorate: $HOME_THERE

exec env --ignore-environment "${settings[@]}" LANG=C.UTF-8 HOME=$HOME_THERE PATH=/usr/local/bin:/usr/bin:/bin \
  unshare --mount --pid --fork --kill-child --root=$ROOT --mount-proc bash -euc '
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
    cd ~/checkout
    /sbin/runuser --user quorate -- make test
  '
