echo 'single "double" inside' "double 'single' inside" \"escaped\" \'escaped\' `echo back` "$(echo "nested $(echo "quotes")")"
