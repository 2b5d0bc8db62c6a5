#!/usr/bin/env python3
def f():
    raise ValueError('ümlaut')
f()
