ulimit -n; ulimit -u; ulimit -f; ulimit -c
ulimit -n 50 && ulimit -n
