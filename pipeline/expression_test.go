package pipeline

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tried is what the expressions of these tests may refer to.
var tried = Visible{
	Inputs: []Input{
		{Name: "mesh", Type: String}, {Name: "cores", Type: Integer}, {Name: "ratio", Type: Number},
		{Name: "cases", Type: List}, {Name: "dry", Type: Boolean},
	},
	Clusters: []string{"main"},
	Steps: []VisibleStep{
		{Name: "stage", Kind: RunsCommand, Output: AsJSON},
		{Name: "solve", Kind: RunsJob, Foreach: true},
		{Name: "sub", Kind: SubPipeline, Outputs: []string{"url"}},
		{Name: "ask", Kind: Approves},
	},
	Hidden: []string{"later"},
	Run:    true,
}

// seen is a scope of tried, with numbers as they come out of a history.
func seen() Scope {
	one, zero := 1, 0
	return Scope{
		Inputs:   map[string]any{"mesh": "fine", "cores": 8.0, "ratio": 0.5, "cases": []any{"a", "b c"}, "dry": false},
		Clusters: map[string]string{"main": "ehpc-hz-1"},
		Run:      RunValue{ID: "run-1"},
		Steps: map[string]StepValue{
			"stage": {
				State: "succeeded", Succeeded: true, Output: `{"n":4}`, JSON: map[string]any{"n": 4.0, "b": []any{1.0}, "a": nil},
				Counts: map[string]int{"succeeded": 1, "nonzero": 1},
				Nodes:  []NodeValue{{ID: "i-2", State: "nonzero", ExitCode: &one}, {ID: "i-1", State: "succeeded", ExitCode: &zero}, {ID: "i-3", State: "lost"}},
			},
			"solve": {State: "failed", Failed: true, Items: []StepValue{{State: "succeeded", Item: "a", Output: "x"}, {State: "failed", Failed: true, Item: "b"}}},
			"sub":   {State: "succeeded", Outputs: map[string]any{"url": "http://x"}},
			"ask":   {State: "succeeded", By: []string{"alice"}},
		},
	}
}

func TestAnExpressionComesToAPlainValue(t *testing.T) {
	t.Parallel()
	for expression, want := range map[Expression]any{
		`inputs.mesh == "fine" || steps.stage.failed`:                   true,
		`inputs.cores % 3`:                                              2,
		`inputs.cores / 16`:                                             0.5,
		`1..inputs.cores / 4 | len()`:                                   nil, // a number with a fraction is no end of a range
		`inputs.ratio * 4`:                                              2,
		`steps.stage.counts.lost`:                                       0,
		`steps.stage.counts.nonzero > 0`:                                true,
		`steps.stage.json.n + 1`:                                        5,
		`steps.stage.nodes[0].exitCode`:                                 1,
		`steps.stage.nodes[2].exitCode == nil`:                          true,
		`filter(steps.stage.nodes, .state != "lost") | map(.id)`:        []any{"i-2", "i-1"},
		`sortBy(steps.stage.nodes, .id) | map(.id)`:                     []any{"i-1", "i-2", "i-3"},
		`map(sortBy(steps.stage.nodes, .id, "desc"), .id)`:              []any{"i-3", "i-2", "i-1"},
		`map(sortBy([{"k":1,"v":"a"},{"k":1,"v":"b"}], .k), .v)`:        []any{"a", "b"},
		`map(steps.solve.items, .output)`:                               []any{"x", ""},
		`steps.solve.items | filter(.failed) | map(.item)`:              []any{"b"},
		`steps.sub.outputs.url`:                                         "http://x",
		`steps.ask.by`:                                                  []any{"alice"},
		`clusters.main`:                                                 "ehpc-hz-1",
		`run.id`:                                                        "run-1",
		`toJSON(steps.stage.json)`:                                      `{"a":null,"b":[1],"n":4}`,
		`fromJSON("[1, 2.5, {\"b\": 12345678901234}]")`:                 []any{1, 2.5, map[string]any{"b": 12345678901234}},
		`join([1, "b", true], "-")`:                                     "1-b-true",
		`split("a,b", ",")`:                                             []any{"a", "b"},
		`uniq([1, 1.0, "1", "a", "a"])`:                                 []any{1, "1", "a"},
		`string(0.1) + "|" + string(1) + "|" + string([1, "<&>"])`:      `0.1|1|[1,"<&>"]`,
		`steps.stage.json?.no?.such ?? "none"`:                          "none",
		`if inputs.cores > 4 { "many" } else { "few" }`:                 "many",
		`let x = steps.stage; x.counts.succeeded + x.json.n`:            5,
		`inputs.mesh matches "^f.n"`:                                    true,
		`replace(inputs.mesh, "f", "w")`:                                "wine",
		`{"a": inputs.cores}`:                                           map[string]any{"a": 8},
		`1..3`:                                                          []any{1, 2, 3},
		`sum(map(steps.stage.nodes, .exitCode ?? 0))`:                   1,
		`min(3, 1, 2)`:                                                  1,
		`reduce(1..5, #acc + #, 0)`:                                     15,
		`[1, 2] | map({# * 10}) | last()`:                               20,
		`inputs.cases[1]`:                                               "b c",
		`inputs.dry ? 1 : 2`:                                            2,
		`fromBase64(toBase64("a b"))`:                                   "a b",
		`9007199254740993.0 == 9007199254740992.0`:                      true,
		`all(steps.solve.items, .succeeded) or run.verdict != "failed"`: true,
	} {
		if want == nil {
			_, err := expression.Eval(seen())
			require.Error(t, err, expression)
			continue
		}
		require.NoError(t, expression.Check(tried), expression)
		value, err := expression.Eval(seen())
		require.NoError(t, err, expression)
		require.Equal(t, want, value, expression)
	}
}

func TestWhatIsWrongWithAnExpressionIsSaidBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	for expression, want := range map[Expression]string{
		`inputs.mseh`:                                "1:8 inputs has no mseh: did you mean mesh?",
		`inputs.nothing`:                             "1:8 inputs has no nothing: it has cases, cores, dry, mesh, ratio",
		`input.mesh`:                                 "1:1 there is no input here: did you mean inputs?",
		`inputs.mesh == fine`:                        `1:16 there is no fine here: there are clusters, inputs, run, steps; a text is written "fine"`,
		`"ä" == steps.later.output`:                  "1:14 step later may not have ended by then: add it to needs",
		"true &&\n  steps.later.succeeded":           "2:9 step later may not have ended by then: add it to needs",
		`steps.stag.output`:                          "1:7 there is no step stag: did you mean stage?",
		`steps["stag"].output`:                       "1:7 there is no step stag: did you mean stage?",
		`steps.stage.outpt`:                          "1:13 steps.stage has no outpt: did you mean output?",
		`steps?.stage?.outpt`:                        "1:15 steps?.stage has no outpt: did you mean output?",
		`let s = steps.stage; s.outpt`:               "1:24 s has no outpt: did you mean output?",
		`steps.stage.counts.faild`:                   "1:20 steps.stage.counts has no faild: did you mean failed?",
		`steps.solve.output`:                         "1:13 steps.solve has no output: it has counts, failed, items, reason, skipped, state, succeeded",
		`steps.solve.items[0].json`:                  "1:22 steps.solve.items[0] has no json: say output: json in the step",
		`steps.ask.output`:                           "1:11 steps.ask has no output: it has by, failed, reason, skipped, state, succeeded",
		`steps.sub.outputs.ulr`:                      "1:19 steps.sub.outputs has no ulr: it has url",
		`filter(steps.stage.nodes, .stat == "lost")`: "1:28 the item has no stat: did you mean state?",
		`steps`:                               "1:1 steps stands before a step's name, as in steps.NAME.output",
		`toJSON(steps)`:                       "1:8 steps stands before a step's name, as in steps.NAME.output",
		`steps[inputs.mesh].output`:           "1:14 a name stands here itself, so that it can be checked before anything runs",
		`inputs[inputs.mesh]`:                 "1:15 a name stands here itself, so that it can be checked before anything runs",
		`item`:                                "1:1 item is known only in a step with foreach",
		`$env`:                                `1:1 there is no $env here: there are clusters, inputs, run, steps; a text is written "$env"`,
		`now()`:                               "1:1 now is not accepted: it would be another time at each look; a step of kind wait waits until a time",
		`keys(inputs)`:                        "1:1 keys is not accepted: a map has no order",
		`groupBy(inputs.cases, #)`:            "1:1 groupBy is not accepted: a map has no order; use filter",
		`repalce("a", "b", "c")`:              "1:1 there is no function repalce: did you mean replace?",
		`len`:                                 "1:1 len is a function: write len(…)",
		`inputs.mesh.upper()`:                 "1:13 a value has no functions of its own: write f(value), or value | f()",
		`raw(inputs.mesh)`:                    "1:1 raw(…) stands round a whole expression, in the text that a command or a job runs",
		`b"x"`:                                `1:1 b"…" is not accepted: write a text without b`,
		`inputs.cores + "a"`:                  "1:14 invalid operation: + (mismatched types integer and string)",
		`inputs.ratio % 2`:                    "1:14 invalid operation: % (mismatched types number and integer)",
		`not inputs.mesh`:                     "1:1 invalid operation: not (mismatched type string)",
		`upper(inputs.cores)`:                 "1:14 cannot use integer as argument (type string) to call upper",
		`1 +`:                                 "1:3 the expression ends too early",
		`(1 + 2`:                              "",
		`"a`:                                  "1:3 literal not terminated",
		` `:                                   "1:1 the expression is empty",
		Expression(strings.Repeat("1", 1001)): "1:1 the expression has 1001 characters; 1000 are the most",
	} {
		var faults Faults
		require.ErrorAs(t, expression.Check(tried), &faults, expression)
		require.Len(t, faults, 1, expression)
		if want != "" {
			require.Equal(t, want, fmt.Sprintf("%d:%d %s", faults[0].Line, faults[0].Column, faults[0].Message), expression)
		}
	}
}

func TestAComparisonThatCanNeverBeTrueIsRefused(t *testing.T) {
	t.Parallel()
	for expression, want := range map[Expression]string{
		`run.verdict == "cancelled"`:                           `1:16 run.verdict is never "cancelled": there are succeeded, partial, failed, canceled and ""`,
		`"success" != steps.stage.state`:                       `1:1 steps.stage.state is never "success": there are succeeded, failed, skipped and canceled`,
		`steps.stage.verdict not in ["gone", "lost"]`:          `1:37 steps.stage.verdict is never "lost": there are succeeded, partial, failed, gone, aborted, canceled, parked and ""`,
		`steps.sub.verdict == "gone"`:                          `1:22 steps.sub.verdict is never "gone": there are succeeded, partial, failed, canceled and ""`,
		`any(steps.stage.nodes, .state == "canceled")`:         `1:34 .state is never "canceled": there are pending, running, unknown, finished, failed, stopped, timed_out, succeeded, nonzero, lost and skipped`,
		`filter(steps.solve.items, .verdict == "partial")`:     `1:39 .verdict is never "partial": there are succeeded, failed, canceled and ""`,
		`"ok" in map(steps.solve.items, .state)`:               `1:1 map(steps.solve.items, .state) never holds "ok": there are succeeded, failed, skipped and canceled`,
		`let s = steps.stage.nodes[0].state; s == "ok"`:        `1:42 s is never "ok": there are pending, running, unknown, finished, failed, stopped, timed_out, succeeded, nonzero, lost and skipped`,
		`steps.stage.verdict == "ok" && run.verdict == "done"`: "",
	} {
		var faults Faults
		require.ErrorAs(t, expression.Check(tried), &faults, expression)
		if want == "" {
			require.Len(t, faults, 2)
			continue
		}
		require.Len(t, faults, 1, expression)
		require.Equal(t, want, fmt.Sprintf("%d:%d %s", faults[0].Line, faults[0].Column, faults[0].Message), expression)
	}
	for _, expression := range []Expression{
		`run.verdict == "" || run.verdict == "canceled"`,
		`steps.stage.state in ["failed", inputs.mesh]`,
		`steps.stage.state == inputs.mesh`,
		`steps.stage.output == "cancelled"`,
		`steps.solve.items[0].job.state == "held by the scheduler"`,
		`any(steps.stage.nodes, .state == "timed_out")`,
		`"failed" in map(steps.solve.items, .state)`,
		`steps.stage.state + "!" == "failed!"`,
		`(steps.stage?.verdict ?? "none") == "none"`,
	} {
		require.NoError(t, expression.Check(tried), expression)
	}
}

func TestSeveralNamesThatThereAreNotAreAllReported(t *testing.T) {
	t.Parallel()
	var faults Faults
	require.ErrorAs(t, Text("a ${{ inputs.x1 }} b ${{ steps.x2.output + run.x3 }}").Check(tried), &faults)
	require.Len(t, faults, 3)
	require.Equal(t, []int{13, 31, 47}, []int{faults[0].Offset, faults[1].Offset, faults[2].Offset})
}

func TestAConditionIsTrueOrFalseAndAForeachAList(t *testing.T) {
	t.Parallel()
	require.NoError(t, Expression("").CheckCondition(tried))
	require.NoError(t, Expression("steps.stage.json.ready").CheckCondition(tried), "json may be anything")
	require.ErrorContains(t, Expression("inputs.cores").CheckCondition(tried), "a condition comes to true or false, not to an integer")
	require.NoError(t, Expression("inputs.cases").CheckList(tried))
	require.NoError(t, Expression("1..inputs.cores").CheckList(tried))
	require.NoError(t, Expression("filter(steps.stage.nodes, .state == 'lost')").CheckList(tried))
	require.ErrorContains(t, Expression("inputs.mesh").CheckList(tried), "a foreach runs over a list, not over a text")

	yes, err := Expression("").True(seen())
	require.NoError(t, err)
	require.True(t, yes)
	_, err = Expression("steps.stage.json.n").True(seen())
	require.EqualError(t, err, "steps.stage.json.n comes to 4, which is neither true nor false")
	_, err = Foreach{In: "steps.stage.json.n"}.List(seen())
	require.EqualError(t, err, "steps.stage.json.n comes to 4, which is no list")
	_, err = Foreach{In: "1..2001"}.List(seen())
	require.EqualError(t, err, "the foreach has 2001 items; 2000 are the most")
	list, err := Foreach{In: "1..2000"}.List(seen())
	require.NoError(t, err)
	require.Len(t, list, 2000)
}

func TestAnEvaluationThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	for expression, want := range map[Expression]string{
		`steps.stage.json.a.b`:              "steps.stage.json.a.b: there is no b in nothing (nil)",
		`steps.solve.items[5].output`:       "steps.solve.items[5].output: there is no item 5: the list has 2",
		`1 / 0`:                             "1 / 0: it comes to no number: is something divided by 0?",
		`fromJSON(inputs.mesh)`:             "fromJSON(inputs.mesh): the text is no JSON",
		`upper(steps.stage.json.n)`:         "upper(steps.stage.json.n): a value of type integer stands where one of type string is needed",
		`sortBy(steps.stage.nodes, .id, 1)`: "sortBy(steps.stage.nodes, .id, 1): the order is asc or desc, not 1",
		`raw(1)`:                            "raw(1): raw(…) stands in the text that a command or a job runs",
		`$env`:                              "$env: there is no $env in expressions",
		`foo(reduce(0, [#00]))`:             "foo(reduce(0, [#00])): unknown pointer 00",
		`groupBy([1], #)`:                   "groupBy([1], #): there is no groupBy in expressions",
	} {
		_, err := expression.Eval(seen())
		require.EqualError(t, err, want)
	}
}

// Each of these would take minutes, or all of the memory.
var runaways = []Expression{
	`count(1..1000, count(1..1000, count(1..1000, true) > 0) > 0)`,
	`reduce(1..60, #acc + #acc, "xxxxxxxx")`,
	`reduce(1..60, concat(#acc, #acc), [1, 2])`,
	`reduce(1..60, [#acc, #acc], 1) | toJSON()`,
	`reduce(1..60, [#acc, #acc], 1)`,
	`reduce(1..60, [#acc, #acc], 1) == reduce(1..60, [#acc, #acc], 1)`,
	`reduce(1..40, replace(#acc, "a", "aa"), "a")`,
	`reduce(1..40, join([#acc, #acc, #acc]), "a")`,
	`reduce(1..60, string([#acc, #acc]), "a")`,
	`let a = 1..50000; filter(a, # in a)`,
	`1..1000000000`,
	`1..9223372036854775807`,
	`let a = map(1..50000, {"k": #}); filter(a, # in a)`,
	`map(1..1000, 1..1000)`,
	`"a" matches "(((a{100}){100}){100}){100}"`,
	`reduce(1..12, #acc + #acc, "aaaaaaaaaaaaaaaa") matches "(.{1,30}){1,30}$"`,
	`all(1..100000, inputs.mesh matches "(a|b|c|d)+$" or true)`,
	`let s = reduce(1..14, #acc + #acc, "aaaaaaaaaaaaaaaa"); count(1..10000, s contains "b")`,
	`let s = reduce(1..14, #acc + #acc, "aaaaaaaaaaaaaaaa"); count(1..10000, s[1:] == s[:1])`,
	`uniq(map(1..100000, 1..10))`,
	`sortBy(1..100000, reduce(1..14, #acc + #acc, "aaaaaaaaaaaaaaaa"))`,
	`split(reduce(1..30, #acc + #acc, "a"), "")`,
	`flatten(map(1..1000, map(1..1000, 1)))`,
}

func TestNoEvaluationRunsAway(t *testing.T) {
	t.Parallel()
	for _, expression := range runaways {
		start := time.Now()
		_, err := expression.Eval(seen())
		require.Error(t, err, expression)
		require.Less(t, time.Since(start), time.Minute, expression)
	}
}

func TestValuesThatAreTooLargeAreRefused(t *testing.T) {
	t.Parallel()
	long := seen()
	long.Inputs["mesh"] = strings.Repeat("x", MaxText)
	_, err := Expression("inputs.mesh + 'x'").Eval(long)
	require.ErrorContains(t, err, "it comes to a text of 16385 bytes; 16384 are the most")
	_, err = Text("x${{ inputs.mesh }}").Eval(long)
	require.EqualError(t, err, "the text has more than 16384 bytes with its expressions evaluated")
	_, err = Expression("map(1..40, inputs.mesh)").Eval(long)
	require.ErrorContains(t, err, "it comes to a value of")
}

func TestAnEvaluationIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	large := map[string]any{}
	for i := range 12 {
		large[fmt.Sprintf("k%02d", i)] = map[string]any{"n": float64(i % 7), "t": fmt.Sprint(i)}
	}
	expression := Expression(`let j = steps.stage.json; toJSON(j) + string(j) + join(map(sortBy(j.list, .n), .t), ",") + toJSON(uniq(map(j.list, .n))) + toJSON({"z": 1, "a": j.k03})`)
	text := Text("${{ steps.stage.json }} ${{ steps.stage.nodes }}")
	body := Step{Kind: RunsJob, With: map[string]any{"run": "x ${{ steps.stage.json.no.x }}", "name": "${{ nil }}", "user": "${{ 1 / 0 }}", "variables": map[string]any{"a": "${{ nil }}", "b": "${{ [nil] }}"}}}
	var first string
	for i := range 1_000 {
		scope := seen()
		list := []any{}
		for _, key := range keys(large) {
			list = append(list, large[key])
		}
		json := map[string]any{"list": list}
		for key, value := range large { // filled in another order each time
			json[key] = value
		}
		stage := scope.Steps["stage"]
		stage.JSON = json
		scope.Steps["stage"] = stage
		value, err := expression.Eval(scope)
		require.NoError(t, err)
		if i%100 == 0 {
			written, err := text.Eval(scope)
			require.NoError(t, err)
			_, failed := body.Action(scope)
			require.Error(t, failed)
			value = fmt.Sprint(value, written, failed)
		}
		if i == 0 {
			first = value.(string)
		}
		require.True(t, strings.HasPrefix(first, value.(string)), "evaluation %d differs", i)
	}
}

func FuzzExpression(f *testing.F) {
	for _, expression := range runaways {
		f.Add(string(expression))
	}
	for _, expression := range []string{
		`sum(sum(sum(sum([1]))))`, `a ?? b ?? c ?? d`, `((((((1))))))`, `filter(map(filter([1], #), #), #)`, `let a = 1; let b = a; b`, `inputs["mesh"]?.x`,
		`steps.stage.nodes | filter(.state == "x") | map({let a = .id; a + "x"})`, `not not not true`, `-+-1 ** 2 ^ 3`, `"\u1234" + 'a' + ` + "`b`", `[[[[1]]]]`, `{a: {b: {c: 1}}}`, `1..2..3`, `#`, `raw(raw(1))`, `if true {1} else if false {2} else {3}`,
	} {
		f.Add(expression)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > MaxExpression {
			t.Skip()
		}
		start := time.Now()
		checked := Expression(text).Check(tried)
		if took := time.Since(start); took > 2*time.Second {
			t.Fatalf("the check took %s", took)
		}
		var faults Faults
		if errors.As(checked, &faults) {
			for _, fault := range faults {
				require.NotEmpty(t, fault.Message)
				require.LessOrEqual(t, fault.Offset, len(text))
				require.Positive(t, fault.Line)
				require.Positive(t, fault.Column)
			}
		}
		start = time.Now()
		value, err := Expression(text).Eval(seen())
		if took := time.Since(start); took > 2*time.Second {
			t.Fatalf("the evaluation took %s", took)
		}
		again, failed := Expression(text).Eval(seen())
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(failed))
		require.Equal(t, value, again)
		if err == nil {
			same, err := plain(value)
			require.NoError(t, err)
			require.Equal(t, same, value)
			_, err = marshal(value)
			require.NoError(t, err)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	scope := seen()
	for b.Loop() {
		if _, err := Expression(`inputs.mesh == "fine" || steps.stage.succeeded`).Eval(scope); err != nil {
			b.Fatal(err)
		}
	}
}

// sh runs a text as a node would.
func sh(t *testing.T, shell, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	out, err := exec.CommandContext(t.Context(), shell, file).CombinedOutput()
	require.NoError(t, err, "%s: %s", text, out)
	return string(out)
}

var nasty = []string{"'", `"`, "$", "`", "\\", "\n", " ", "-", "*", "?", "[", "]", "{", "}", "(", ")", ";", "&", "|", "<", ">", "#", "~", "!", "%", "=", "a", "é", "$(id)", "${x}", "\t", "\r", "''", `\'`, "--", "EOF"}

func TestAShellReceivesValuesUnchanged(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, shell := range []string{"sh", "bash", "dash"} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		for range 30 {
			var values []any
			want := ""
			for range 8 {
				var value strings.Builder
				for range random.IntN(12) {
					value.WriteString(nasty[random.IntN(len(nasty))])
				}
				values = append(values, value.String())
				want += "<" + value.String() + ">"
			}
			text := Text(`f() { printf '<%s>' "$@"; }
f ${{ inputs.cases }}
echo; f ${{ inputs.cases[0] }}a${{ inputs.cases[1] }}
v=${{ inputs.cases[2] }}; echo; f "$v"
echo; f "$(f ${{ inputs.cases[3] }}; echo .)"
case ${{ inputs.cases[4] }} in ${{ inputs.cases[4] }}) echo; echo same;; *) echo; echo other;; esac
for x in ${{ inputs.cases }}; do f "$x"; done`)
			require.NoError(t, text.CheckRun(tried))
			scope := seen()
			scope.Inputs["cases"] = values
			run, err := text.EvalRun(scope)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("%s\n<%sa%s>\n<%s>\n<<%s>.>\nsame\n%s", want, values[0], values[1], values[2], values[3], want), sh(t, shell, run))
		}
	}
}
