sh <<'OUTER'
cat <<'INNER'
inside
INNER
cat <<OTHER
$((1+1))
OTHER
OUTER
