# !/bin/cat
echo ran
