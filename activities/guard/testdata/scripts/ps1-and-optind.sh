echo "$OPTIND"
while getopts ab: o -a -b c; do echo $o $OPTARG; done
