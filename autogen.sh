#!/bin/sh
# Makes configure from configure.ac; to be run once in a checkout.
set -e
cd "$(dirname "$0")"
exec autoreconf --force --install --warnings=all
