echo "ehpcflow $EHPCFLOW begins" | sed "s/ .* / T /"
echo; echo "ehpcflow  ends"
printf "\nehpcflow aaaaaaaaaaaaa ends\n"
echo "ehpcflow aaaaaaaaaaaaa refuses: second"
