sed -n 's/^SigCgt/&/p' /proc/self/status
