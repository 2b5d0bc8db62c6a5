trap 'echo got term; exit 3' TERM
kill -TERM $$
echo never
