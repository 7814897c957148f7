#!/usr/bin/env bash
# Puts a pinned uv into .venv-tools: bootstrap_uv.sh PYTHON VERSION
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:?python}
version=${2:?version}
if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Antiphon needs Python 3.11 or newer; '$python' is not. Set PYTHON=/path/to/python3.11." >&2
  exit 1
fi
rm -rf .venv-tools
if ! "$python" -m venv .venv-tools >/dev/null 2>&1; then
  # Debian cuts ensurepip out of Python; pip alone can fill an environment made without it.
  rm -rf .venv-tools
  "$python" -m venv --without-pip .venv-tools
  if ! "$python" -m pip --version >/dev/null 2>&1; then
    rm -rf .venv-tools
    echo "Python has neither venv nor pip. On Debian: apt-get install python3-venv." >&2
    exit 1
  fi
  "$python" -m pip --python .venv-tools/bin/python install --quiet --disable-pip-version-check "uv==$version"
else
  .venv-tools/bin/python -m pip install --quiet --disable-pip-version-check "uv==$version"
fi
.venv-tools/bin/uv --version
