exec 2>log
ls /nothing
wc -l <log
