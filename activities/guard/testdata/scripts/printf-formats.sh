printf '%05d|%-5s|%x|%c|%b\n' 42 ab 255 z 'a\tb'
