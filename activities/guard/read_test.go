package guard_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

const (
	begins = "ehpcflow " + anyToken + " begins\n"
	ends   = "\nehpcflow " + anyToken + " ends\n"
)

func TestOutputIsReadWithoutTheLinesOfTheWrapper(t *testing.T) {
	t.Parallel()
	whole := func(output string) guard.Outcome {
		return guard.Outcome{Output: output, Began: true, Ended: true, Whole: true}
	}
	for printed, outcome := range map[string]guard.Outcome{
		"":                                              {},
		"sh: out of memory\n":                           {Output: "sh: out of memory\n"},
		begins + "hi\n" + ends:                          whole("hi\n"),
		begins + "hi" + ends:                            whole("hi"),
		begins + ends:                                   whole(""),
		begins + "\n\n" + ends:                          whole("\n\n"),
		begins + "hi\n" + ends + "late\n":               whole("hi\nlate\n"),
		begins + "half " + ends + "half":                whole("half half"),
		"warning\n" + begins + "hi" + ends:              whole("warning\nhi"),
		begins + begins + "hi" + ends + ends:            whole(begins + "hi" + ends),
		begins + "ehpcflow zzzzzzzzzzzzz ends\n" + ends: whole("ehpcflow zzzzzzzzzzzzz ends\n"),
		begins + "ehpcflow " + anyToken + " refuses: second\n" + ends: whole("ehpcflow " + anyToken + " refuses: second\n"),
		begins + "hi\n": {Output: "hi\n", Began: true},
		begins:          {Began: true},
		"hi\n" + ends:   {Output: "hi\n", Began: true, Ended: true},
		"mkdir: x: exists\nehpcflow " + anyToken + " refuses: second\n":           {Output: "mkdir: x: exists\n", Refusal: guard.Second},
		"mkdir: x: read-only\nehpcflow " + anyToken + " refuses: unrecorded":      {Output: "mkdir: x: read-only\n", Refusal: guard.Unrecorded},
		"an ehpcflow " + anyToken + " refuses: second\n":                          {Output: "an ehpcflow " + anyToken + " refuses: second\n"},
		strings.ReplaceAll(begins+"of another\n"+ends, anyToken, "zzzzzzzzzzzzz"): {Output: strings.ReplaceAll(begins+"of another\n"+ends, anyToken, "zzzzzzzzzzzzz")},
	} {
		require.Equal(t, outcome, guard.Read(anyToken, printed), printed)
	}
}

func TestOutputThatWasCutAnywhereIsToldFromWholeOutput(t *testing.T) {
	t.Parallel()
	const output = "first line\nlast line\n"
	const printed = begins + output + ends
	for at := range len(begins + output) {
		front, back := guard.Read(anyToken, printed[at:]), guard.Read(anyToken, printed[:len(printed)-at])
		require.True(t, front.Ended)
		require.True(t, back.Began)
		if at > len(begins) {
			require.False(t, front.Whole, printed[at:])
		}
		if at > len(ends) {
			require.False(t, back.Whole, printed[:len(printed)-at])
		}
		for _, cut := range []guard.Outcome{front, back} {
			require.NotContains(t, cut.Output, anyToken)
			if cut.Whole {
				require.Equal(t, output, cut.Output)
			}
		}
	}
}

func TestOutputThatWasTrimmedIsWhole(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"hi\n", "", "hi  \n\n", "\n", "  hi"} {
		got := guard.Read(anyToken, strings.TrimSpace(begins+output+ends))
		require.Equal(t, guard.Outcome{Output: output, Began: true, Ended: true, Whole: true}, got)
	}
}

func TestAnyPrintableTextComesThroughAShellUnchanged(t *testing.T) {
	t.Parallel()
	const seed = 7
	dice := rand.New(rand.NewPCG(seed, seed))
	alphabet := []rune("aZ09 \n\n\t'\"`$\\(){}[]<>|&;*?~#!%^=+-_.,:/@ENDé\u0081\u0088世🚀")
	for i := range 100 {
		text := make([]rune, dice.IntN(60))
		for j := range text {
			text[j] = alphabet[dice.IntN(len(alphabet))]
		}
		known := shells(t)
		n := newNode(t, known[i%len(known)])
		script := "#!/bin/cat\n" + string(text)
		left, outcome := n.wrapped(script)
		require.Equal(t, ran{script, 0}, left, n.shell.name)
		require.True(t, outcome.Whole)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("", "", "")
	f.Add("warning\n", "hi\n", "late\n")
	f.Add("", begins, ends)
	f.Add("", strings.TrimSpace(ends), "\n"+begins)
	f.Fuzz(func(t *testing.T, before, output, late string) {
		_ = guard.Read(anyToken, output)
		if strings.Contains(before+late, anyToken) {
			return
		}
		if before != "" {
			before += "\n"
		}
		got := guard.Read(anyToken, before+begins+output+ends+late)
		require.Equal(t, before+output+late, got.Output, fmt.Sprintf("%q %q %q", before, output, late))
		require.True(t, got.Whole)
	})
}
