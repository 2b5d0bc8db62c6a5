echo '$HOME $(id) `id` $$ ${x}' \$HOME "\$x" $'x' $
