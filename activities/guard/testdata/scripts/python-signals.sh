#!/usr/bin/env python3
import signal
for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
    print(s.name, signal.getsignal(s))
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
