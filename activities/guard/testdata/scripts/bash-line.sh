#!/bin/bash
a=(1 2 3); echo ${a[1]} ${#a[@]}
[[ x == x ]] && echo yes
echo $BASH_SUBSHELL {1..3}
