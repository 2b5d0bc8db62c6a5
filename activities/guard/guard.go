// Package guard writes the shell texts by which a node runs a command at most once
// and stops it for good, and reads what they print. A submit has a token; the first
// text with that token to arrive on a node claims it there and runs, the others
// refuse. It knows shells and processes only: text in, text out, nothing is run here.
package guard

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// TokenLength is how many characters a token has.
	TokenLength = 13

	// RefusedCode is the exit code of a refusal. A command of a user may end with
	// it too: only Read tells the two apart.
	RefusedCode = 113
)

// NewToken derives a token from what names a submit: TokenLength characters of
// a to z and 2 to 7. The same parts give the same token; ("ab", "c") and ("a", "bc")
// are other parts.
func NewToken(parts ...string) string {
	var text []byte
	for _, part := range parts {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	sum := sha256.Sum256(text)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:TokenLength]
}

// wrapper runs a command once. It names no variable, for one of the environment
// would change with it: $1 is the token, $2 the folder of records, $3 the record of
// this token on this node.
//
// mkdir "$3" is the claim: whoever makes it may write into it. mkdir "$4" is the
// start, and comes when everything is recorded: a stop makes the same name as a file,
// so that either the stop comes first and nothing starts, or it finds the recorded
// shell and waits for what that starts.
//
// The command's file is written by head, to the byte; the one of busybox does not tell
// when the disk is full. The braces around the command keep what this shell has to say
// about its death out of the output; descriptor 9 hands it the real standard error and
// is closed. The parentheses are for dash, which redirects a simple command in this
// shell while it waits; there is more than them in the braces, for else busybox
// redirects only what is in the parentheses. The trap lets this shell outlive a signal
// to its whole group, without being inherited.
const wrapper = `trap : 1 2 3 15
set TOKEN "${HOME:-/root}/.ehpcflow"
set $1 "$2" "$2/$1.$(uname -n)"
mkdir -pm700 "$2"
(find "$2/." ! -name . -prune -mtime +60 -exec rm -rf {} +&)>/dev/null 2>&1
mkdir -m700 "$3"&&{
set $1 "$2" "$3" "$3/go"
cat /proc/$$/stat>"$3/pid" 2>&1
head -c LENGTH >"$3/run"<<\DELIMITER&&[ -s "$3/run" ]&&mkdir "$4"
COMMAND
DELIMITER
}||{
[ -e "${4-$3}" ]&&set $1 second||set $1 unrecorded
echo "ehpcflow $1 refuses: $2"
exit 113
}
echo "ehpcflow $1 begins"
{ (EHPCFLOW=$1 exec INTERPRETER "$3/run" 2>&9 9>&-)
set $1 "$3" $?
echo $3>"$2/exit";} 9>&2 2>/dev/null
printf '\nehpcflow %s ends\n' $1
exit $3
`

// Wrap is the text to submit so that the command runs at most once on a node under
// the token. It is a POSIX shell script, and runs the command as if it had been
// submitted itself: in a shell of its own, or in what its #! line names.
func Wrap(token, command string) string {
	return strings.NewReplacer(
		"TOKEN", token,
		"LENGTH", strconv.Itoa(len(command)),
		"DELIMITER", delimiter(command),
		"COMMAND", command,
		"INTERPRETER", interpreter(command),
	).Replace(wrapper)
}

// Cost is how many characters Wrap adds to this command.
func Cost(command string) int {
	wrapped := Wrap(strings.Repeat("a", TokenLength), command)
	return utf8.RuneCountInString(wrapped) - utf8.RuneCountInString(command)
}

// delimiter is a word that is no line of the command.
func delimiter(command string) string {
	word := "END"
	for strings.Contains("\n"+command+"\n", "\n"+word+"\n") {
		word += "."
	}
	return word
}

// interpreter is what the kernel would execute for the command's #! line, as words
// of a shell: a program, and all that follows it as one argument. sh without such a
// line.
func interpreter(command string) string {
	line, _, _ := strings.Cut(command, "\n")
	line, found := strings.CutPrefix(line, "#!")
	line = strings.Trim(line, " \t")
	if !found || line == "" {
		return "sh"
	}
	program, argument := line, ""
	if end := strings.IndexAny(line, " \t"); end >= 0 {
		program, argument = line[:end], strings.Trim(line[end:], " \t")
	}
	if !strings.Contains(program, "/") {
		program = "./" + program // the kernel searches no PATH
	}
	if argument == "" {
		return quote(program)
	}
	return quote(program) + " " + quote(argument)
}

// quote makes one word of a shell.
func quote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+,:@%"
	if strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
