#!/bin/sh
# Install the Debian packages named as arguments when apt and the rights to use it are there.
missing=""
for package in "$@"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "no apt-get here: tests that need$missing will be skipped" >&2
  exit 0
fi
run=""
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "no right to install$missing: tests that need them will be skipped" >&2
    exit 0
  fi
  run="sudo -n"
fi
echo "installing$missing"
$run apt-get update -qq && $run env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
  echo "could not install$missing: tests that need them will be skipped" >&2
exit 0
