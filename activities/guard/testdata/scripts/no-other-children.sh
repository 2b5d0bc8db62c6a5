wait
echo $?
jobs
