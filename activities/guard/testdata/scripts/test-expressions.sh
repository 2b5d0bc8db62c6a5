[ 1 -lt 2 ] && [ a != b ] && test -d / && echo yes
[ x ; echo $?
