tty -s || echo none
[ -t 0 ] || [ -t 1 ] || [ -t 2 ] || echo none
