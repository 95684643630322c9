#!/bin/sh
# Stands in for terminal64.exe: writes down how it was started.
here=$(dirname "$0")
printf '%s\n' "$@" >"$here/started.part"
mv "$here/started.part" "$here/started"
