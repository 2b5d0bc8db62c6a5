set -e
if false; then echo no; fi
false || echo b
! true
echo c
