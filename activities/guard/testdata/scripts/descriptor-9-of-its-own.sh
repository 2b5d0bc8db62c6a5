exec 9>f
echo x >&9
exec 9>&-
cat f
