#!/bin/sh
echo from sh
exit 5
