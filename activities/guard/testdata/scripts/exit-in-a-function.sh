f() { echo in f; exit 7; }
f
echo never
