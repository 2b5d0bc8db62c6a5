trap 'echo x' USR1
trap | sed 's/SIG//'
kill -USR1 $$
