cat <<A; cat <<'B' - <<C
a
A
b
B
c
C
