package guard

import (
	"regexp"
	"strconv"
	"strings"
)

// Text is what is known of a text that this package wrote.
type Text struct {
	Token string

	// Stop says that Stop wrote it, to end what runs under the token.
	Stop bool

	// Command that Wrap was given; "" of a stop.
	Command string
}

var (
	wrapped = regexp.MustCompile(`^trap : 1 2 3 15\nset ([a-z2-7]{13}) `)
	written = regexp.MustCompile(`(?m)^head -c (\d+) >"\$3/run"<<.*\n`)
	stopped = regexp.MustCompile(`^export LC_ALL=C\nt=([a-z2-7]{13}) d=`)
)

// Recognise reads a text that Wrap or Stop wrote; others it does not recognise.
func Recognise(text string) (Text, bool) {
	if mark := stopped.FindStringSubmatch(text); mark != nil {
		return Text{Token: mark[1], Stop: true}, true
	}
	mark, head := wrapped.FindStringSubmatch(text), written.FindStringSubmatchIndex(text)
	if mark == nil || head == nil {
		return Text{}, false
	}
	rest := text[head[1]:]
	length, err := strconv.Atoi(text[head[2]:head[3]])
	if err != nil || length > len(rest) {
		return Text{}, false
	}
	return Text{Token: mark[1], Command: rest[:length]}, true
}

// Unwrap takes apart a text that this version's Wrap made, for whoever goes by what Wrap
// makes. It is not ok for any other text, one of another version's Wrap among them.
func Unwrap(text string) (token, command string, ok bool) {
	found, known := Recognise(text)
	if !known || found.Stop {
		return "", "", false
	}
	same := strings.TrimRight(Wrap(found.Token, found.Command), "\n") == strings.TrimRight(text, "\n")
	return found.Token, found.Command, same
}
