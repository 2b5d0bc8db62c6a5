set -x
echo a
x=1
