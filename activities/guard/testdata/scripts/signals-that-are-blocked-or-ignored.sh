grep -E '^Sig(Blk|Ign)' /proc/self/status
exec grep -E '^Sig(Blk|Ign)' /proc/self/status
