package guard

import (
	"regexp"
	"strconv"
	"strings"
)

// wrapped finds the token, and where the command begins, in a text that Wrap made.
var wrapped = regexp.MustCompile(`(?s)\A.{0,40}?\nset ([a-z2-7]{13}) .*?\nhead -c (\d+) [^\n]*\n`)

// Unwrap takes apart a text that Wrap made, for whoever meets it among the commands of a
// cluster. It is not ok for any other text, one of another version's Wrap among them.
func Unwrap(text string) (token, command string, ok bool) {
	found := wrapped.FindStringSubmatch(text)
	if found == nil {
		return "", "", false
	}
	begins := len(found[0])
	length, err := strconv.Atoi(found[2])
	if err != nil || length > len(text)-begins {
		return "", "", false
	}
	token, command = found[1], text[begins:begins+length]
	same := strings.TrimRight(Wrap(token, command), "\n") == strings.TrimRight(text, "\n")
	return token, command, same
}
