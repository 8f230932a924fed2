#!/bin/sh
echo ready
while read -r line; do echo "$line $PROBE"; done
