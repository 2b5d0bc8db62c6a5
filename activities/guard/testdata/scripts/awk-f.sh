#!/usr/bin/awk -f
BEGIN { print "from awk"; exit 3 }
