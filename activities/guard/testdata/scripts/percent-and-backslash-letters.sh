printf '%s\n' '%d \n \t %%' 'a\b'
echo '100%'
