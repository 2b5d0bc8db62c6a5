package pipeline

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Some commands of a shell evaluate a word after its quotes are gone: as code, as
// arithmetic, or as the name of a variable, whose index is arithmetic. Quotes do not hold
// in arithmetic either: it runs the command in a[$(command)].

const (
	inCode     = "the shell runs this word as code, in which quotes do not hold: hand the value over as a word, as in sh -c '… \"$1\" …' sh " + opening + " … " + closing + ", or write raw(…) where the value can do no harm"
	inName     = "it stands for the name of a variable, in which a shell would run what a value says: write the name itself, or raw(…) where the value can do no harm"
	inDeclared = "it stands in a declaration of an array, which would run what a value says: assign it in a command of its own, as in value=" + opening + " … " + closing
)

// builtins say of a word of a command of the shell, by its place, why quotes do not hold
// there, "" where they do.
var builtins = map[string]func(words []string, at int) string{
	"eval": all(inCode), "alias": all(inCode), "compgen": all(inCode), "complete": all(inCode),
	"trap": operand(1, inCode), "source": operand(1, inCode), ".": operand(1, inCode),
	"let":  all(inNumbers),
	"test": behind("vR"), "[": behind("vR"), "printf": behind("v"), "wait": behind("p"),
	"getopts": operand(2, inName), "unset": all(inName),
	"read": names("dinNptu"), "mapfile": names("cdnOsu"), "readarray": names("cdnOsu"),
	"declare": declared, "local": declared, "typeset": declared, "export": declared, "readonly": declared,
}

// variables of the shell itself that evaluate what they are set to.
var variables = map[string]string{
	"RANDOM": inNumbers, "SRANDOM": inNumbers, "SECONDS": inNumbers, "OPTIND": inNumbers, "HISTCMD": inNumbers, "PS4": inCode,
}

func all(why string) func([]string, int) string {
	return func([]string, int) string { return why }
}

// operand is the nth word after the command, and after a --.
func operand(n int, why string) func([]string, int) string {
	return func(words []string, at int) string {
		if words[1] == "--" {
			at--
		}
		if at == n {
			return why
		}
		return ""
	}
}

// behind is what one of some options has behind it.
func behind(options string) func([]string, int) string {
	return func(words []string, at int) string {
		before, word := words[at-1], words[at]
		apart := len(before) > 1 && before[0] == '-' && strings.Contains(options, before[len(before)-1:])
		if apart || len(word) > 1 && word[0] == '-' && strings.Contains(options, word[1:2]) {
			return inName
		}
		return ""
	}
}

// names are all words but those behind some options.
func names(options string) func([]string, int) string {
	return func(words []string, at int) string {
		if before := words[at-1]; at > 1 && len(before) > 1 && before[0] == '-' && strings.Contains(options, before[len(before)-1:]) {
			return ""
		}
		return inName
	}
}

// declared is a declaration that another command stands before, as in command declare.
func declared(words []string, at int) string {
	name, _, is := strings.Cut(words[at], "=")
	if !is || strings.ContainsAny(name, " [") {
		return inName
	}
	flags := ""
	for _, word := range words[1:] {
		flags += flagsOf(word)
	}
	return undeclarable(flags)
}

func flagsOf(word string) string {
	if strings.HasPrefix(word, "-") {
		return word
	}
	return ""
}

// undeclarable says why what a variable with some flags is set to is evaluated, "" where
// it is not.
func undeclarable(flags string) string {
	switch {
	case strings.Contains(flags, "i"):
		return inNumbers
	case strings.Contains(flags, "n"):
		return inName
	case strings.ContainsAny(flags, "aA"):
		return inDeclared
	}
	return ""
}

// declares says it of what stands in a declaration.
func declares(clause *syntax.DeclClause, offset int) string {
	flags := ""
	for _, arg := range clause.Args {
		if arg.Naked && arg.Value != nil {
			flags += flagsOf(literal(arg.Value))
		}
	}
	for _, arg := range clause.Args {
		if !covers(arg, offset) {
			continue
		}
		why := undeclarable(flags)
		switch {
		case arg.Naked:
			return inName
		case why == inDeclared && arg.Array != nil:
			return ""
		}
		return why
	}
	return ""
}

// evaluates says of what stands in a command why its quotes do not hold, "" where they do.
func evaluates(call *syntax.CallExpr, offset int) string {
	words, at := make([]string, len(call.Args)), -1
	for i, arg := range call.Args {
		if words[i] = literal(arg); covers(arg, offset) {
			at = i
		}
	}
	for len(words) > 1 && before[words[0]] {
		words, at = words[1:], at-1
		for len(words) > 1 && strings.HasPrefix(words[0], "-") {
			words, at = words[1:], at-1
		}
	}
	if at < 1 {
		return ""
	}
	if codeOfShell(words, at) {
		return inCode
	}
	if builtin, is := builtins[words[0]]; is {
		return builtin(words, at)
	}
	return ""
}

// before are what may stand before a command of the shell.
var before = map[string]bool{"command": true, "builtin": true, "exec": true, "time": true}

// codeOfShell says whether a word is what a shell is told to run by its option -c, also
// where another command starts the shell.
func codeOfShell(words []string, at int) bool {
	for i, word := range words[:at] {
		if shells[path.Base(word)] && codeAt(words, i+1) == at {
			return true
		}
	}
	return false
}

// codeAt is where the code is in what follows the name of a shell, or -1.
func codeAt(words []string, at int) int {
	code := false
	for ; at < len(words); at++ {
		word := words[at]
		switch {
		case word == "" && !code: // a variable, perhaps with options
		case word == "" || word[0] != '-' && word[0] != '+':
			if code {
				return at
			}
			return -1
		case !strings.HasPrefix(word, "--"):
			code = code || strings.Contains(word, "c")
			if last := word[len(word)-1]; last == 'o' || last == 'O' {
				at++
			}
		}
	}
	return -1
}

// literal is what a word says in itself, without what is expanded in it.
func literal(word *syntax.Word) string {
	var text strings.Builder
	for _, part := range word.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			text.WriteString(strings.ReplaceAll(part.Value, `\`, ""))
		case *syntax.SglQuoted:
			text.WriteString(part.Value)
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				if lit, is := inner.(*syntax.Lit); is {
					text.WriteString(lit.Value)
				}
			}
		}
	}
	return text.String()
}
