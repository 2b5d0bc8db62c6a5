// Package model checks once.pml, the model of how a run submits, follows and stops
// (docs/once.md), with spin: every order of events of a small world is looked at.
package model

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const source = "once.pml"

// world is what a check looks at. Its defines are those that once.pml names.
type world struct {
	nodes, faults int
	defines       []string
}

func (w world) String() string {
	return strings.Join(append([]string{fmt.Sprintf("%d nodes, %d faults", w.nodes, w.faults)}, w.defines...), " ")
}

// without leaves something out of the protocol.
func (w world) without(define string) world {
	w.defines = append(slices.Clone(w.defines), define)
	return w
}

// Either each step of a node is looked at, or each way in which two nodes can differ.
var (
	oneNode  = world{nodes: 1, faults: 2}
	twoNodes = world{nodes: 2, faults: 1, defines: []string{"COARSE"}}
	patient1 = world{nodes: 1, faults: 3, defines: []string{"NO_CANCEL"}}
	patient2 = world{nodes: 2, faults: 2, defines: []string{"NO_CANCEL", "COARSE"}}
	coarse1  = world{nodes: 1, faults: 2, defines: []string{"COARSE"}}
	small    = world{nodes: 1, faults: 1}
)

func TestANodeNeverRunsACommandTwiceAndARunTellsTheTruth(t *testing.T) {
	t.Parallel()
	needSpin(t)
	worlds := []world{oneNode, twoNodes, patient1, patient2}
	var mu sync.Mutex
	unreached := map[string]int{} // by how many worlds

	t.Run("in", func(t *testing.T) {
		for _, w := range worlds {
			t.Run(w.String(), func(t *testing.T) {
				t.Parallel()
				output := build(t, w, forSafety).run(t)
				requireComplete(t, output)
				mu.Lock()
				defer mu.Unlock()
				for line := range unreachedLines(output) {
					unreached[line]++
				}
			})
		}
	})
	maps.DeleteFunc(unreached, func(_ string, by int) bool { return by < len(worlds) })
	require.Empty(t, unreached, "statements of the model that no world reaches")
}

func TestEveryRunEnds(t *testing.T) {
	t.Parallel()
	needSpin(t)
	for _, w := range []world{small, twoNodes, coarse1, patient2} {
		t.Run(w.String(), func(t *testing.T) {
			t.Parallel()
			requireComplete(t, build(t, w, forClaims).run(t, "-a", "-f", "-N", "ends"))
		})
	}
}

func TestNothingOfTheProtocolCanBeLeftOut(t *testing.T) {
	t.Parallel()
	needSpin(t)
	for _, missing := range []struct {
		define string
		world  world
		broken string // what the assertion that fails is about
	}{
		{"NO_GUARD", small, "(executions[n]==1)"},
		{"NO_LOOKUP", small, "(executions[n]==0)"},
		{"NO_MERGE", small, "reported[n]!="},
		{"NO_REMEMBER", oneNode, "(executions[n]==0)"},
		{"NO_GO", small, "!(confirmed[n])"},
		{"LATE_PID", small, "truth[n]=="},
		{"NO_STOP_CLAIM", small, "!(confirmed[n])"},
		{"LATE_MARK", small, "truth[n]=="},
		{"EARLY_READ", small, "truth[n]=="},
	} {
		t.Run(missing.define, func(t *testing.T) {
			t.Parallel()
			output := build(t, missing.world.without(missing.define), forSafety).run(t)
			require.Regexp(t, `assertion violated .*`+regexp.QuoteMeta(missing.broken), output)
		})
	}
	t.Run("NEVER_LISTED", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, build(t, small.without("NEVER_LISTED"), forClaims).run(t, "-a", "-f", "-N", "ends"), "acceptance cycle")
	})
}

// The look spares the second command. That it runs once is the claim's doing.
func TestResubmittingWithoutALookIsSafe(t *testing.T) {
	t.Parallel()
	needSpin(t)
	requireComplete(t, build(t, oneNode.without("BLIND"), forSafety).run(t))
}

func TestWhatTheProtocolIsForDoesHappen(t *testing.T) {
	t.Parallel()
	needSpin(t)
	text, err := os.ReadFile(source)
	require.NoError(t, err)
	claims := regexp.MustCompile(`(?m)^ltl (never\w+)`).FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, claims)
	pans := map[bool]pan{false: build(t, coarse1, forClaims), true: build(t, twoNodes, forClaims)}
	for _, claim := range claims {
		t.Run(claim[1], func(t *testing.T) {
			t.Parallel()
			pan := pans[strings.Contains(claim[1], "Nodes")]
			require.Contains(t, pan.run(t, "-a", "-N", claim[1]), "assertion violated", "the model cannot show it")
		})
	}
}

// pan is the program that spin makes of a model: its path.
type pan string

// What a pan is compiled for: the assertions, and that nothing waits for ever; or the
// formulas. NFAIR has to grow with the number of processes.
var (
	forSafety = []string{"-DSAFETY", "-DNOCLAIM"}
	forClaims = []string{"-DNFAIR=5"}
)

func build(t *testing.T, w world, purpose []string) pan {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(source)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, source), text, 0o600))

	defines := []string{fmt.Sprintf("-DNODES=%d", w.nodes), fmt.Sprintf("-DFAULTS=%d", w.faults)}
	for _, define := range w.defines {
		require.Contains(t, string(text), "def "+define+"\n", "once.pml does not know it")
		defines = append(defines, "-D"+define)
	}
	command(t, dir, "spin", append(defines, "-a", source)...)
	command(t, dir, "cc", append(purpose, "-w", "-O2", "-DMEMLIM=1024", "-o", "pan", "pan.c")...)
	return pan(filepath.Join(dir, "pan"))
}

// run searches; it is not an error to find one.
func (p pan) run(t *testing.T, args ...string) string {
	t.Helper()
	output := command(t, t.TempDir(), string(p), append(args, "-m1000000", "-w20")...)
	t.Log(regexp.MustCompile(`\d+ states, stored|errors: \d+|pan: elapsed.*`).FindAllString(output, -1))
	return output
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %q: %s", name, args, output)
	return string(output)
}

// requireComplete demands that everything was searched and nothing found.
func requireComplete(t *testing.T, output string) {
	t.Helper()
	require.Contains(t, output, "errors: 0", output)
	require.NotContains(t, output, "max search depth too small")
	require.NotContains(t, output, "Search not completed")
	require.NotContains(t, output, "MEMLIM")
}

// unreachedLines are the model's lines with a statement that was never executed.
func unreachedLines(output string) map[string]bool {
	lines := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^\t`+source+`:\d+`).FindAllString(output, -1) {
		lines[strings.TrimSpace(line)] = true
	}
	return lines
}

// needSpin skips the test where spin is missing, and fails it in CI.
func needSpin(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("spin"); err == nil {
		return
	}
	const remedy = "spin is missing, which checks the model: apt-get install spin, or see https://spinroot.com"
	if os.Getenv("CI") != "" {
		t.Fatal(remedy)
	}
	t.Skip(remedy)
}
