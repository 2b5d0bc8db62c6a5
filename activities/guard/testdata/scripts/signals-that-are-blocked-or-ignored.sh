grep -E '^Sig(Blk|Ign)' /proc/self/status
sh -c 'grep -E "^Sig(Blk|Ign)" /proc/$$/status'
