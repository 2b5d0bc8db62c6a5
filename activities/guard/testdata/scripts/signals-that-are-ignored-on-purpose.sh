trap '' HUP USR1
exec grep -E '^Sig(Blk|Ign)' /proc/self/status
