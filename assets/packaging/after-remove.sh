#!/bin/sh
# Run as root when the files are gone; an upgrade keeps what the new version has just made.
case "$1" in upgrade | failed-upgrade | 1) exit 0 ;; esac
profile='/etc/apparmor.d/${executable}'
if [ -f "$profile" ]; then
  if [ -d /sys/kernel/security/apparmor ] && command -v apparmor_parser >/dev/null && ! { command -v ischroot >/dev/null && ischroot; }; then
    apparmor_parser --remove "$profile" || true
  fi
  rm -f "$profile"
fi
rm -f '/usr/bin/${executable}'
if command -v update-desktop-database >/dev/null; then update-desktop-database /usr/share/applications || true; fi
exit 0
