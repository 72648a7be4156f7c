#!/bin/sh
# Makes the service known. It is not started: it has no tenants yet.
set -e
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers scimgate.conf && chgrp scimgate /etc/scimgate/secrets
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # An upgrade: those that serve are replaced.
    systemctl try-restart scimgate.service
fi
