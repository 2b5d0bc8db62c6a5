printf 'a\0b\0'
head -c 20 /dev/zero
