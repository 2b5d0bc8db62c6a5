package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"
)

// command is one that a page shows.
type command struct {
	file   string // below the top of the project
	line   int
	text   string
	before string // exports of its block that come before it
	exit   int    // as it is to end
	notRun string // why it is not run; "" when it is
	until  string // it goes on when it has said this; "" when its end is waited for
	stays  bool   // it goes on until it is interrupted
	calls  [][]string
}

func (c command) String() string { return fmt.Sprintf("%s:%d", c.file, c.line) }

var (
	fence      = regexp.MustCompile("^```([a-z]*)\\s*$")
	annotation = regexp.MustCompile(`^<!-- (exits|not run|waits|stays up): (.+) -->$`)
)

// commandsOf finds the commands of a page. What is wrong with it is an error with its place.
func commandsOf(file, page string) ([]command, error) {
	var found []command
	var pending, tag string
	var block []string
	begun := 0
	inside := false
	for i, line := range strings.Split(page, "\n") {
		match := fence.FindStringSubmatch(line)
		switch {
		case inside && line == "```":
			inside = false
			commands, err := blockCommands(tag, block)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, begun+1, err)
			}
			for j := range commands {
				commands[j].file = file
				commands[j].line += begun + 1
			}
			if err := annotate(commands, pending); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, begun, err)
			}
			found, pending = append(found, commands...), ""
		case inside:
			block = append(block, line)
		case match != nil:
			inside, tag, block, begun = true, match[1], nil, i+1
		case annotation.MatchString(line):
			pending = line
		case strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "<!--"): // a comment of another test may stand between
			pending = ""
		}
	}
	return found, nil
}

// blockCommands are those of a block, with their lines from 0.
func blockCommands(tag string, block []string) ([]command, error) {
	switch tag {
	case "sh":
		return statements(strings.Join(block, "\n"), 0)
	case "console":
	default:
		return nil, nil
	}
	var all []command
	for i := 0; i < len(block); i++ {
		text, shown := strings.CutPrefix(block[i], "$ ")
		if !shown {
			continue
		}
		at := i
		for strings.HasSuffix(text, `\`) && i+1 < len(block) {
			i++
			text += "\n" + block[i]
		}
		commands, err := statements(text, at)
		if err != nil {
			return nil, err
		}
		all = append(all, commands...)
	}
	return all, nil
}

// statements takes a text apart as the shell does.
func statements(text string, at int) ([]command, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, err
	}
	var all []command
	exports := ""
	for _, stmt := range file.Stmts {
		c := command{line: at + int(stmt.Pos().Line()) - 1, text: text[stmt.Pos().Offset():stmt.End().Offset()], before: exports}
		c.calls = callsIn(text, stmt)
		if _, declares := stmt.Cmd.(*syntax.DeclClause); declares {
			exports += c.text + "\n"
		}
		all = append(all, c)
	}
	return all, nil
}

// callsIn are the words of each simple command in a statement, with quotes as written.
func callsIn(text string, stmt *syntax.Stmt) [][]string {
	var calls [][]string
	syntax.Walk(stmt, func(node syntax.Node) bool {
		if call, is := node.(*syntax.CallExpr); is && len(call.Args) > 0 {
			var words []string
			for _, arg := range call.Args {
				words = append(words, text[arg.Pos().Offset():arg.End().Offset()])
			}
			calls = append(calls, words)
		}
		return true
	})
	return calls
}

func annotate(commands []command, comment string) error {
	match := annotation.FindStringSubmatch(comment)
	if match == nil {
		return nil
	}
	if match[1] != "exits" {
		for i := range commands {
			switch match[1] {
			case "not run":
				commands[i].notRun = match[2]
			case "stays up", "waits":
				if len(commands[i].calls) > 0 { // an export ends at once
					commands[i].until, commands[i].stays = match[2], match[1] == "stays up"
				}
			}
		}
		return nil
	}
	codes := strings.Fields(match[2])
	if len(codes) != 1 && len(codes) != len(commands) {
		return fmt.Errorf("%q names %d exit codes for %d commands: name one for all, or one for each", comment, len(codes), len(commands))
	}
	for i := range commands {
		code, err := strconv.Atoi(codes[min(i, len(codes)-1)])
		if err != nil {
			return fmt.Errorf("%q: %q is no exit code", comment, codes[min(i, len(codes)-1)])
		}
		commands[i].exit = code
	}
	return nil
}

// top of the project, from this package.
const top = "../.."

// everyCommand reads all pages.
func everyCommand(t *testing.T) []command {
	t.Helper()
	pages, err := filepath.Glob(top + "/docs/*.md")
	require.NoError(t, err)
	var all []command
	for _, page := range append([]string{top + "/README.md"}, pages...) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		name, err := filepath.Rel(top, page)
		require.NoError(t, err)
		commands, err := commandsOf(name, string(text))
		require.NoError(t, err)
		all = append(all, commands...)
	}
	return all
}

func TestCommandsAreTakenFromBlocksOfShellAndConsole(t *testing.T) {
	t.Parallel()
	page := "text\n```sh\nexport A=1\nstarter run --all -- 'echo\nhi'   # why\n```\n" +
		"<!-- exits: 4 -->\n\n```console\n$ starter plan \\\n    --all -- x | cat\noutput\n$ true\n```\n" +
		"<!-- not run: why not -->\n```sh\nworker\n```\n```json\nstarter\n```\n" +
		"<!-- stays up: serving -->\n```sh\nexport A=1\nworker\n```\n<!-- waits: approve -->\n```sh\nstarter run\n```\n"
	got, err := commandsOf("a.md", page)
	require.NoError(t, err)
	require.Len(t, got, 8)
	require.Equal(t, "starter run --all -- 'echo\nhi'", got[1].text)
	require.Equal(t, "export A=1\n", got[1].before)
	require.Equal(t, "a.md:4", got[1].String())
	require.Equal(t, "a.md:10", got[2].String())
	require.Equal(t, "a.md:13", got[3].String())
	require.Equal(t, [][]string{{"starter", "plan", "--all", "--", "x"}, {"cat"}}, got[2].calls)
	require.Equal(t, []int{0, 0, 4, 4, 0}, []int{got[0].exit, got[1].exit, got[2].exit, got[3].exit, got[4].exit})
	require.Equal(t, "why not", got[4].notRun)
	require.Equal(t, command{file: "a.md", line: 25, text: "worker", before: "export A=1\n", until: "serving", stays: true, calls: [][]string{{"worker"}}}, got[6])
	require.Equal(t, command{file: "a.md", line: 29, text: "starter run", until: "approve", calls: [][]string{{"starter", "run"}}}, got[7])
	require.Empty(t, got[5].until, "an export ends at once")
	for _, wrong := range []string{"```sh\nstarter 'x\n```\n", "<!-- exits: 1 2 -->\n```sh\ntrue\n```\n", "<!-- exits: one -->\n```sh\ntrue\n```\n"} {
		_, err := commandsOf("a.md", wrong)
		require.ErrorContains(t, err, "a.md:")
	}
}
