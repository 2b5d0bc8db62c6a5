sh -c 'ls /proc/self/fd' | wc -l
ls /proc/self/fd
