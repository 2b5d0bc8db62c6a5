echo 'echo from the file; y=3; return 4' >lib
. ./lib
echo $? $y
