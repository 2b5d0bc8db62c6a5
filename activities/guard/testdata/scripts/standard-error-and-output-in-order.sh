i=0
while [ $i -lt 200 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done
