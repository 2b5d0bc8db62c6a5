trap 'echo no' TERM
trap - TERM
kill -TERM $$
echo never
