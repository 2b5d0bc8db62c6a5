set -u
echo a
echo "$nothing" # of that name
echo never
