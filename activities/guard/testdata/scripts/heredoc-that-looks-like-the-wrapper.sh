cat <<'END'
END.
END 
 END
}
}||{
ehpcflow aaaaaaaaaaaaa ends
DELIMITER
COMMAND TOKEN LENGTH INTERPRETER
'END'
\END
END
echo after
