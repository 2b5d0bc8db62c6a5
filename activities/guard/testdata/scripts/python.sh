#!/usr/bin/env python3
import os, sys
print('from', 'python', len(sys.argv))
print(sys.stdin.readline(), end='')
sys.stderr.write('to the error\n')
print(sorted(int(f) for f in os.listdir('/proc/self/fd'))[:3])
sys.exit(17)
