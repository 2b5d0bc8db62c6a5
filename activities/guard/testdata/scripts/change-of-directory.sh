mkdir sub && cd sub && basename "$PWD"
cd - >/dev/null
basename "$PWD"
