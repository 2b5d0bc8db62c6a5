#!/usr/bin/tail -n+2
only what follows
is printed