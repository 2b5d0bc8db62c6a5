cat <<'X'
$x `y` \ $(z) "
X
