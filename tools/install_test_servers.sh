#!/usr/bin/env bash
# Installs what the tests talk to and do not bring along: PostgreSQL, Chromium with a font, postfix's smtp-sink, promtool,
# and Java, on which PySpark runs.
# With the word `peers`, also what bench/peers.py compares with: Prometheus and Alertmanager.
# Does nothing, quickly, when all of it is there; nothing is started.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
  || missing+=(chromium)
[ -x /usr/sbin/smtp-sink ] || command -v smtp-sink >/dev/null || missing+=(postfix)
command -v promtool >/dev/null || missing+=(prometheus)
command -v java >/dev/null || missing+=(default-jre-headless)
compgen -G '/usr/share/fonts/*/*' >/dev/null || missing+=(fonts-dejavu-core)
if [ "${1:-}" = peers ]; then
  command -v prometheus >/dev/null || missing+=(prometheus)
  command -v prometheus-alertmanager >/dev/null || missing+=(prometheus-alertmanager)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "The tests need these, and only Debian's packages are installed for you: ${missing[*]}" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "Run as root once: apt-get install ${missing[*]}" >&2; exit 1; }
  sudo=(sudo -n)
fi

# Packages would start what they install; the tests start their own servers, on free ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
  "${sudo[@]}" chmod 755 "$policy"
  trap '"${sudo[@]}" rm -f "$policy"' EXIT
fi

echo "Installing for the tests: ${missing[*]}"
log=$(mktemp)
apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
{
  echo 'postfix postfix/main_mailer_type select No configuration' | "${sudo[@]}" debconf-set-selections
  apt update
  apt install --yes --no-install-recommends "${missing[@]}"
} >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
rm -f "$log"
