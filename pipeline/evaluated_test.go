package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are values that run a command where a shell evaluates them.
var hostile = []string{"a[$(touch hit)]", "a[$(touch hit)]=1", "($(touch hit))", "$(touch hit)", "touch hit", "a=$(touch hit)"}

// hits says whether a text has bash run the command in one of the hostile values, quoted as
// they are inserted.
func hits(t *testing.T, text string) bool {
	t.Helper()
	hit := false
	for _, value := range hostile {
		word, err := quoted(value)
		require.NoError(t, err)
		run := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(text, "X", word))
		run.Dir = t.TempDir()
		_ = run.Run() // most of these are errors to bash
		_, err = os.Stat(filepath.Join(run.Dir, "hit"))
		hit = hit || err == nil
	}
	return hit
}

func needsBash(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash here")
	}
}

func overMesh(text string) Text {
	return Text(strings.ReplaceAll(text, "X", "${{ inputs.mesh }}"))
}

func TestAWordThatTheShellEvaluatesIsRefused(t *testing.T) {
	t.Parallel()
	needsBash(t)
	for text, want := range map[string]string{
		`[[ -v X ]]`:                        inName,
		`test -v X`:                         inName,
		`[ -v X ]`:                          inName,
		`[ x -a -v X ]`:                     inName,
		`printf -v X x`:                     inName,
		`printf -vX x`:                      inName,
		`read X`:                            inName,
		`read -r X < /dev/null`:             inName,
		`read x"y"X`:                        inName,
		`command read X`:                    inName,
		`\read X`:                           inName,
		`'read' X`:                          inName,
		`sleep 0 & wait -n -p X`:            inName,
		`typeset X`:                         inName,
		`declare X`:                         inName,
		`declare -n r=X; echo $r`:           inName,
		`f() { local -n r=X; echo $r; }; f`: inName,
		`declare -i n=X`:                    inNumbers,
		`declare -ir n=X`:                   inNumbers,
		`declare -r -i n+=X`:                inNumbers,
		`declare -i n=(X)`:                  inNumbers,
		`f() { local -i n=X; }; f`:          inNumbers,
		`typeset -i n=X`:                    inNumbers,
		`builtin declare -i n=X`:            inNumbers,
		`builtin typeset X`:                 inName,
		`declare -a a=X`:                    inDeclared,
		`declare -a b=(c) a=X`:              inDeclared,
		`readonly -a a=X`:                   inDeclared,
		`builtin declare -A a=X`:            inDeclared,
		`let X`:                             inNumbers,
		`let n=X`:                           inNumbers,
		`command let n=X`:                   inNumbers,
		`[[ 1 -lt X ]]`:                     inNumbers,
		`RANDOM=X`:                          inNumbers,
		`for RANDOM in X; do :; done`:       inNumbers,
		`export OPTIND=X`:                   inNumbers,
		`PS4=X; set -x; :`:                  inCode,
		`eval X`:                            inCode,
		`eval echo X`:                       inCode,
		`eval a=X`:                          inCode,
		`builtin eval -- X`:                 inCode,
		`trap X 0`:                          inCode,
		`trap -- X 0`:                       inCode,
		`compgen -W X`:                      inCode,
		`sh -c X`:                           inCode,
		`sh -c 'echo a; 'X`:                 inCode,
		`/bin/bash -euo pipefail -c X`:      inCode,
		`bash -o errexit -ec -- X a`:        inCode,
		`s=sh; env A=1 "/bin/"sh -c X`:      inCode,
		`o=-e; exec sh $o -c X`:             inCode,
		`shopt -s expand_aliases` + "\nalias x=X\nx": inCode,
	} {
		require.True(t, hits(t, text), "it is allowed without need: %s", text)
		require.ErrorContains(t, overMesh(text).CheckRun(tried), want, text)
		_, err := overMesh(text).EvalRun(seen())
		require.ErrorContains(t, err, want, "nor is it evaluated: %s", text)
	}
	// Shells differ by their versions; these do no harm in every one.
	for text, want := range map[string]string{
		`[[ -R X ]]`: inName, `unset X`: inName, `getopts a X`: inName, `mapfile X`: inName, `readarray -t X`: inName, `wait -p X 1`: inName,
		`export X`: inName, `readonly X=1`: inName, `declare -X a`: inName, `. X`: inCode, `source -- X`: inCode, `SECONDS=X`: inNumbers,
	} {
		require.ErrorContains(t, overMesh(text).CheckRun(tried), want, text)
	}
}

func TestAWordThatTheShellTakesAsTextDoesNoHarm(t *testing.T) {
	t.Parallel()
	needsBash(t)
	for _, text := range []string{
		`sh -c 'test "$1" -lt 3000' sweep X`,
		`sh -c ': "$1"' -c X`,
		`c=:; sh -c "$c" "$0" X`,
		`env A=X sh -c :`,
		`sh /dev/null -c X`,
		`echo sh -e X`,
		`[ "$(hostname)" != X ]`,
		`test "$(cat f)" = X`,
		`[ 1 -lt X ]`,
		`test X -eq 1`,
		`[ -n X ]`,
		`[ -d /nowhere/X ]`,
		`[[ -n X && a == X && a =~ X && a < X ]]`,
		`printf X; printf '%s %d' X X`,
		`printf -v n %s X`,
		`read -t X n`,
		`read n <<< X`,
		`wait X`,
		`getopts X n`,
		`trap : X`,
		`export A=X; readonly B=X; f() { local a=X; echo "$a"; }; f`,
		`declare -x a=X; declare -u b=X; declare c=X`,
		`declare -a a=(X X); b=(X)`,
		`declare -a a; a=X`,
		`command -v X; command ls X; exec ls X`,
		`eval "$(echo : "$(printf %s X | wc -c)")"`,
		`source <(printf '# %s' "$(printf %s X | wc -c)")`,
		`source <(ls X)`,
		`for x in X; do :; done; case X in X) ;; esac`,
		`cat <<< X > /dev/null`,
		`a=X; b="$a"; [ "$b" = X ]; [ "$b" -gt 1 ]`,
	} {
		require.NoError(t, overMesh(text).CheckRun(tried), text)
		require.False(t, hits(t, text), text)
	}
	for _, text := range []Text{`eval ${{ raw(inputs.mesh) }}`, `declare -i n=${{ raw(int(inputs.cores)) }}`, `n=${{ int(inputs.cores) }}; echo $((n))`} {
		require.NoError(t, text.CheckRun(tried), text)
	}
}
