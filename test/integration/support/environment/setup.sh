#!/bin/sh
set -e
useradd --create-home --uid 1000 --shell /bin/bash user
useradd --create-home --uid 1001 --shell /bin/bash other
echo 'user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/user
chmod 440 /etc/sudoers.d/user
