#!/bin/sh
# Ends the service, unless this is an upgrade.
set -e
case "$1" in
upgrade | 1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
    systemctl disable --now scimgate.service
fi
