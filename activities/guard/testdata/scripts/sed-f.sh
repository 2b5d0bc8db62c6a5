#!/bin/sed -f
s/line/LINE/
1d
