touch f
./f
echo $?
/
echo $?
./f
