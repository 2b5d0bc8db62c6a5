package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"
)

func TestAnExpressionStandsWhereItsQuotesHold(t *testing.T) {
	t.Parallel()
	for text, want := range map[Text]string{
		`echo X`:                            "",
		`echo a-X-b`:                        "",
		`X --flag`:                          "",
		`a=X b=X cmd`:                       "",
		`export A=X`:                        "",
		`cat < X > X`:                       "",
		`echo "$(cmd X "$(cmd X)")"`:        "",
		`for x in X X; do :; done`:          "",
		`case X in X) ;; esac`:              "",
		`if [ X = X ]; then :; fi`:          "",
		`f() { X; }; f | X && ! X`:          "",
		"cat <<EOF\n$(echo hi)\nEOF\nls X":  "",
		`[[ X == X* ]]`:                     "",
		`diff <(ls X) X`:                    "",
		`a=(X X)`:                           "",
		`echo X # comment`:                  "",
		"#!/bin/bash\nls X":                 "",
		"#!/usr/bin/env -S bash -e\nls X":   "",
		`echo \\X`:                          "",
		`echo 'X'`:                          inQuotes,
		`echo "X"`:                          inQuotes,
		`echo "a 'X'"`:                      inQuotes,
		`echo $'X'`:                         inQuotes,
		`echo $"X"`:                         inQuotes,
		`sh -c 'echo X'`:                    inQuotes,
		"cat <<EOF\nX\nEOF":                 inDocument,
		"cat <<-'EOF'\n\tX\n\tEOF":          inDocument,
		`ls # X`:                            inComment,
		"# X\nls":                           inComment,
		`echo $((X))`:                       inNumbers,
		`((a = X))`:                         inNumbers,
		`let a=X`:                           inNumbers,
		`for ((i=0; i<X; i++)); do :; done`: inNumbers,
		`[[ X -gt 1 ]]`:                     inNumbers,
		`a[X]=1`:                            inNumbers,
		`a=([X]=1)`:                         inNumbers,
		`echo ${a[X]}`:                      inNumbers,
		`echo ${a:X}`:                       inNumbers,
		`echo ${a:1:X}`:                     inNumbers,
		`echo ${a:-X}`:                      inVariable,
		`echo "${a#X}"`:                     inVariable,
		"echo `X`":                          inBackquote,
		"echo `echo $(X)`":                  inBackquote,
		"echo \"`X`\"":                      inBackquote,
		`echo $(( $(X) ))`:                  "",
		`echo \X`:                           "the text is no shell script",
		`if X`:                              "the text is no shell script",
		`fi; X`:                             "the text is no shell script",
		"#!/usr/bin/env python3\nprint(X)":  "the text is for python3, not for a shell",
		"#! /usr/bin/perl -w\nprint X":      "the text is for perl, not for a shell",
	} {
		text = Text(strings.ReplaceAll(string(text), "X", "${{ inputs.mesh }}"))
		err := text.CheckRun(tried)
		_, failed := text.EvalRun(seen())
		if want == "" {
			require.NoError(t, err, text)
			require.NoError(t, failed, text)
			continue
		}
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, failed, want, "nor is it evaluated: %s", text)
	}
}

func TestRawStandsAnywhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[Text]string{
		`echo "${{ raw(inputs.mesh) }}" ${{ inputs.mesh }}`:              `echo "fine" 'fine'`,
		"cat <<EOF\n${{ raw(inputs.cores) }}\nEOF":                       "cat <<EOF\n8\nEOF",
		`echo $((1 + ${{ raw(int(inputs.cores)) }}))`:                    `echo $((1 + 8))`,
		`x${{ raw(inputs.cases) }}`:                                      `xa b c`,
		"#!/usr/bin/env python3\nprint(${{ raw(toJSON(inputs.mesh)) }})": "#!/usr/bin/env python3\nprint(\"fine\")",
		`${{ inputs.mesh | raw() }}`:                                     `fine`,
	} {
		require.NoError(t, text.CheckRun(tried), text)
		run, err := text.EvalRun(seen())
		require.NoError(t, err, text)
		require.Equal(t, want, run)
	}
	require.ErrorContains(t, Text(`${{ "a" + raw(inputs.mesh) }}`).CheckRun(tried), "raw(…) stands round a whole expression")
	require.ErrorContains(t, Text(`${{ raw(inputs.mesh) }}`).Check(tried), "raw(…) stands round a whole expression")
	_, err := Text(`x ${{ "a" + raw(inputs.mesh) }}`).EvalRun(seen())
	require.Error(t, err)
	_, err = Text(`x ${{ raw(inputs.mesh) }}`).Eval(seen())
	require.Error(t, err)
}

func TestWhatIsNoWordIsNotInserted(t *testing.T) {
	t.Parallel()
	scope := seen()
	for text, want := range map[Text]string{
		`rm -rf /data/${{ steps.stage.json.a }}`: "it comes to nothing (nil)",
		`echo ${{ steps.stage.json }}`:           "which is no word: write toJSON(…)",
		`echo x${{ inputs.cases }}`:              "it is a list, which stands for several words",
		`echo ${{ inputs.cases }}${{ run.id }}`:  "it is a list, which stands for several words",
		`echo ${{ [[1]] }}`:                      "item 0: it comes to [1], which is no word",
		`echo ${{ fromJSON("\"a\\u0000b\"") }}`:  "it holds a NUL character",
		`echo ${{ raw(steps.stage.json.a) }}`:    "it comes to nothing (nil)",
	} {
		_, err := text.EvalRun(scope)
		require.ErrorContains(t, err, want, text)
	}
}

func TestABodyIsCheckedAndEvaluatedPathByPath(t *testing.T) {
	t.Parallel()
	step := Step{Kind: RunsJob, With: map[string]any{
		"run": "solve ${{ inputs.cases }} \"${{ inputs.mesh }}\"", "user": "${{ inputs.usr }}", "nodes": "${{ inputs.cores }}",
		"variables": map[string]any{"A": "${{ inputs.mesh", "run": "'${{ inputs.mesh }}'"},
	}}
	var found []string
	for _, fault := range step.CheckBody(tried) {
		found = append(found, fmt.Sprintf("%s %d: %s", strings.Join(fault.Path, "."), fault.Offset, fault.Message))
	}
	require.Equal(t, []string{
		"run 27: " + inQuotes,
		"user 11: inputs has no usr: it has cases, cores, dry, mesh, ratio",
		"variables.A 0: the expression that begins here is not closed: }} is missing, or a quote in it",
	}, found)

	step.With = map[string]any{
		"run": "solve ${{ inputs.cases }}", "user": "u-${{ inputs.mesh }}", "nodes": "${{ inputs.cores / 2 }}", "wallClock": "${{ inputs.cores }}h",
		"variables": map[string]any{"THREADS": "${{ inputs.cores }}", "run": "'${{ inputs.mesh }}'", "LIST": "${{ inputs.cases }}", "ON": true},
	}
	require.Empty(t, step.CheckBody(tried))
	action, err := step.Action(seen())
	require.NoError(t, err)
	require.Equal(t, "solve 'a' 'b c'", action.Job.Run)
	require.Equal(t, "u-fine", action.Job.User)
	require.Equal(t, 4, action.Job.Nodes)
	require.Equal(t, 8*3600, action.Job.WallClock.Seconds())
	require.Equal(t, map[string]string{"THREADS": "8", "run": "'fine'", "LIST": "a,b c", "ON": "true"}, action.Job.Variables)

	command := Step{Kind: RunsCommand, With: map[string]any{"run": "x", "nodes": "${{ map(steps.stage.nodes, .id) }}", "rollout": map[string]any{"waves": []any{1, "10%"}, "maxFailures": "${{ 5 }}"}}}
	action, err = command.Action(seen())
	require.NoError(t, err)
	require.Equal(t, []string{"i-2", "i-1", "i-3"}, action.Command.Nodes)
	require.Equal(t, map[string]string{"waves": "1,10%", "maxFailures": "5"}, action.Command.Rollout)

	step.With["nodes"] = "${{ inputs.mesh }}"
	_, err = step.Action(seen())
	require.EqualError(t, err, "nodes: it comes to a string where an integer is needed")
	step.With["nodes"] = "${{ steps.stage.json.a.b }}"
	_, err = step.Action(seen())
	require.EqualError(t, err, "nodes: steps.stage.json.a.b: there is no b in nothing (nil)")
}

// FuzzRunText holds that the text of a shell says the same whatever a value is: that it is
// parsed to the same nodes.
func FuzzRunText(f *testing.F) {
	for _, text := range []string{
		"echo X", `echo "$(ls X)"`, "cat <<A\n$(ls X)\nA", "a=X; case X in X) ;; esac", `echo "X"`, "`X`", `\X`, "$((X))", "${a:-X}", "[[ X =~ X ]]", "a=(X)", "X() { :; }", "coproc X", "time X", "$'X'", "@(X|a)", "{X,b}", "<<<X", "2>X", "&>X", "!X", "~X", "#X", "X#", "a#X",
		"<<'X'", "select x in X; do :; done", "until X; do X; done", "declare -a X=(X)", "echo $X", "${X}", "X\\\nX", "'X", "\"X", "test X -eq X",
	} {
		f.Add(text)
	}
	value := "$(id)`id`\"\\\n#;& |<>*?[a]{a,b}~!$x }"
	scope := seen()
	scope.Inputs["mesh"] = value
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "${{", ""), "X", "${{ inputs.mesh }}")
		if len(text) > 2_000 || !Text(text).HasExpressions() || Text(text).CheckRun(tried) != nil {
			t.Skip()
		}
		run, err := Text(text).EvalRun(scope)
		require.NoError(t, err)
		pieces, _ := Text(text).pieces()
		stood, _ := standing(pieces, quotedStand)
		for _, variant := range variants {
			if before, err := parsed(stood, variant); err == nil {
				after, err := parsed(run, variant)
				require.NoError(t, err, run)
				require.Equal(t, kinds(before), kinds(after), run)
			}
		}
	})
}

func kinds(file *syntax.File) (all []string) {
	syntax.Walk(file, func(node syntax.Node) bool {
		all = append(all, fmt.Sprintf("%T", node))
		return true
	})
	return all
}
