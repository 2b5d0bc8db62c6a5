echo "$-"
set -o | sort
