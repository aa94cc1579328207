#!/bin/sh
# Installs pypaimon into a folder of its own on first use, then reads tables with it as its standard input asks.
set -e
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/.venv"
if [ ! -e "$venv/.installed" ] || [ "$here/requirements.txt" -nt "$venv/.installed" ]; then
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" >&2
    touch "$venv/.installed"
fi
exec "$venv/bin/python" "$here/pypaimon_reader.py"
