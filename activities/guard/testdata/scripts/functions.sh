f() { local x=2 2>/dev/null; echo $x $1; }
x=1
f y
echo $x
