f=$(mktemp) && echo x >$f && cat $f && rm $f && echo gone
