trap 'echo got it' TERM
kill -TERM 0
echo alive
