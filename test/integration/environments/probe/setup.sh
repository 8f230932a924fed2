#!/bin/sh
# Files of the environment that the probes change, delete, rename and replace.
set -e
lower=/usr/lib/probe/lower
mkdir -p "$lower/replaced"
for kind in change delete lengthen; do
  for number in 1 2 3 4 5; do
    seq -f "$kind $number line %g of the environment" 2000 >"$lower/$kind-$number"
  done
done
echo gone >"$lower/gone"
echo 'under another name' >"$lower/renamed"
echo old >"$lower/replaced/old"
