package docs

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryCommandThatIsShownDoesWhatIsSaid(t *testing.T) {
	w := newWorld(t)
	h := &helps{dir: w.programs, known: make(map[string]string)}
	var left []string
	var on []*going
	ran := 0
	page := ""
	for _, c := range everyCommand(t) {
		if c.file != page {
			page = c.file
			on = endAll(t, on)
		}
		for _, call := range c.calls {
			if problem := h.problem(call); problem != "" {
				t.Errorf("%s: %s\n    %s", c, problem, c.text)
			}
		}
		if c.notRun != "" {
			left = append(left, c.String()+": "+c.notRun)
			continue
		}
		ran++
		if c.until != "" {
			on = append(on, w.begin(c))
			continue
		}
		if code, said := w.run(c); code != c.exit {
			t.Errorf("%s: exit code %d where %d is said\n    %s", c, code, c.exit, strings.ReplaceAll(said, "\n", "\n    "))
		}
	}
	endAll(t, on)
	t.Logf("%d commands were run, %d were checked only:\n%s", ran, len(left), strings.Join(left, "\n"))
	require.Positive(t, ran)
}

// endAll ends what goes on of a page, the last first, and leaves nothing.
func endAll(t *testing.T, on []*going) []*going {
	t.Helper()
	for _, g := range slices.Backward(on) {
		g.end(t)
	}
	return nil
}

// helps are the help texts of the programs, each asked for once.
type helps struct {
	dir   string
	mu    sync.Mutex
	known map[string]string // by program and subcommands
}

func (h *helps) of(path ...string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := strings.Join(path, " ")
	if _, asked := h.known[key]; !asked {
		out, _ := exec.Command(filepath.Join(h.dir, path[0]), append(slices.Clone(path[1:]), "--help")...).CombinedOutput()
		h.known[key] = string(out)
	}
	return h.known[key]
}

var (
	aFlag     = regexp.MustCompile(`^--[a-z][a-z-]*`)
	aCommand  = regexp.MustCompile(`(?m)^  ([a-z-]+) +\S`)
	ourTongue = []string{"starter", "worker", "ehpcsim", "quickstart"}
)

// problem says what a call of one of our programs has that the program does not know.
func (h *helps) problem(call []string) string {
	words := strings.Fields(inPlace.Replace(strings.Join(call, " ")))
	if !slices.Contains(ourTongue, words[0]) {
		return ""
	}
	path, rest := words[:1], words[1:]
	for len(rest) > 0 && slices.Contains(h.subcommands(path), rest[0]) {
		path, rest = append(slices.Clone(path), rest[0]), rest[1:]
	}
	if len(path) == 1 && words[0] == "starter" && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return "starter has no command " + rest[0]
	}
	for _, word := range rest {
		if word == "--" {
			break
		}
		if flag := aFlag.FindString(word); flag != "" && !regexp.MustCompile(`(?m)`+regexp.QuoteMeta(flag)+`([ \n=]|$)`).MatchString(h.of(path...)) {
			return strings.Join(path, " ") + " has no flag " + flag
		}
	}
	return ""
}

func (h *helps) subcommands(path []string) []string {
	_, list, found := strings.Cut(h.of(path...), "Available Commands:\n")
	if !found {
		return nil
	}
	list, _, _ = strings.Cut(list, "\n\n")
	var names []string
	for _, match := range aCommand.FindAllStringSubmatch(list, -1) {
		names = append(names, match[1])
	}
	return names
}

func TestACallThatAProgramDoesNotKnowIsFound(t *testing.T) {
	t.Parallel()
	h := &helps{known: map[string]string{
		"starter":     "Available Commands:\n  run         Run a command\n  schedule    By the clock\n\nFlags:\n  -h, --help",
		"starter run": "Flags:\n      --all           every node\n      --node string   one",
		"worker":      "Flags:\n      --region string",
	}}
	for call, says := range map[string]string{
		"starter run --all -- ls --colour":           "",
		"go run ./starter run --node=i-1":            "",
		"ls --all":                                   "",
		"starter walk":                               "starter has no command walk",
		"starter run --every-node":                   "starter run has no flag --every-node",
		"worker --regions":                           "worker has no flag --regions",
		"go run ./starter run --al -- echo":          "starter run has no flag --al",
		"starter run --cluster-id ehpc-hz-FYUr32 --": "starter run has no flag --cluster-id",
	} {
		require.Equal(t, says, h.problem(strings.Fields(call)), call)
	}
}
