echo before
echo also
if true; then
