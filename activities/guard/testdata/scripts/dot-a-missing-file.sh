echo a
. ./nothing
echo never
