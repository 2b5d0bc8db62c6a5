package workflows

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities"
	"ehpcflow/pipeline"
)

// mostTaken is how large a result Temporal takes, in bytes.
const mostTaken = 2 << 20

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestAValueIsWeighedAsJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", "<td>1</td>\n", "a\"b\\c\td\r", "\x00\x1b[0m\b\f", "数值模拟失败", "\u2028\u2029", "bad \xff\xfe", "é😀", "\ufffd", "\x7f"} {
		for _, value := range []any{text, []any{text, text}, map[string]any{text: text, "b": []any{text, nil, true, false, 1, 1.0 / 3, -1.2345678901234567e-300}}} {
			code := 1
			all := pipeline.StepValue{
				State: "succeeded", Succeeded: true, Verdict: "succeeded", Reason: text, Counts: map[string]int{"succeeded": 10000, "timed_out": 10000},
				Output: text, JSON: value, Item: value, Job: pipeline.JobValue{ID: text, Name: text, State: text, ExitStatus: &code}, By: []string{text, text},
				Nodes: []pipeline.NodeValue{{ID: text, Host: text, State: "timed_out", ExitCode: &code, Output: text}}, Outputs: map[string]any{"a": value},
				Items: []pipeline.StepValue{{State: "failed", Reason: text, Item: value}},
			}
			require.GreaterOrEqual(t, weighValue(all), len(jsonOf(t, all)), "%q", value)
		}
		for most := 5; most < 30; most++ {
			short := shortenTo(text, most)
			require.LessOrEqual(t, len(jsonOf(t, short)), most, "%q", text)
			require.True(t, strings.HasPrefix(text, strings.TrimSuffix(short, "…")), "%q", text)
		}
		require.Equal(t, text, shortenTo(text, pipeline.WeightOfText(text)))
	}
}

func TestNumbersThatWouldBeChangedFailTheStepThatPrintsThem(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"12345678901234567890", "9007199254740993", "-9007199254740993"} {
		for _, output := range []string{number, `{"id": ` + number + `}`, `[1, {"a": [` + number + `]}]`} {
			_, err := outcome{value: pipeline.StepValue{Output: output}}.json()
			require.EqualError(t, err, "its output holds the number "+number+", which has more digits than later steps would see: print it as a text, in quotes", output)
		}
	}
	for _, output := range []string{`"12345678901234567890"`, `{"12345678901234567890": 1}`, "9007199254740992", "-9007199254740992", "12345678901234567890.5", "1e300"} {
		_, err := outcome{value: pipeline.StepValue{Output: output}}.json()
		require.NoError(t, err, output)
	}
}

// long are messages that take more bytes than they have characters.
var long = []string{strings.Repeat("数", 1200), strings.Repeat("<", 1200), strings.Repeat("\x1b", 1200), "plain"}

func failedStep(message string) outcome {
	return outcome{value: pipeline.StepValue{}}.failed(temporal.NewApplicationError(message, "ServiceFault"))
}

func TestTheResultOfAPipelineIsTakenWhateverItsStepsSayAndLeave(t *testing.T) {
	t.Parallel()
	for _, message := range long {
		def := pipeline.Step{Kind: pipeline.RunsJob}
		r := &pipelineRun{wanted: map[string]pipeline.Wanted{}, seen: map[string]pipeline.StepValue{}}
		for i := range pipeline.MaxSteps {
			name := fmt.Sprintf("%s%04d", strings.Repeat("s", pipeline.MaxName-4), i)
			r.status.Steps = append(r.status.Steps, StepResult{Name: name, RunID: StepRunID(strings.Repeat("r", 40), name), Attempts: 1, Kind: def.Kind, StartedAt: time.Now()})
			r.wanted[name] = pipeline.Wanted{"output": true}
		}
		for i := range r.status.Steps {
			def.Name = r.status.Steps[i].Name
			o := failedStep(message)
			if i < 100 {
				o = outcome{verdict: Succeeded, value: pipeline.StepValue{Output: strings.Repeat(message[:1], pipeline.MaxText)}}
			}
			r.close(def, &r.status.Steps[i], o, time.Now(), false)
		}
		r.status.Outputs = map[string]any{"a": strings.Repeat("x", mostOutputs)}
		size := len(jsonOf(t, r.status.PipelineResult))
		t.Logf("%.3q: %d bytes, %d kept", message, size, r.kept)
		require.Less(t, size, mostTaken, "%.3q", message)
		require.NotNil(t, r.status.Steps[0].Value)
		require.NotEmpty(t, r.status.Steps[99].Lacks)
		require.NotEmpty(t, r.status.Steps[999].Error.Message)
	}
}

// heaviest is the heaviest pipeline of so many steps, and values of its inputs as heavy as
// they can be.
func heaviest(steps int) PipelineInput {
	in := PipelineInput{Inputs: map[string]any{}}
	in.Pipeline.Name = "heaviest"
	for i := range steps {
		in.Pipeline.Steps = append(in.Pipeline.Steps, pipeline.Step{
			Name: fmt.Sprintf("%s%04d", strings.Repeat("s", pipeline.MaxName-4), i), Kind: pipeline.RunsJob, With: map[string]any{"run": ""},
		})
	}
	room := (pipeline.MaxWeight/2 - in.Pipeline.Weight()) / (pipeline.MaxName + 3)
	for i := 1; i < steps; i++ {
		for _, need := range in.Pipeline.Steps[:min(i, max(room, 0))] {
			in.Pipeline.Steps[i].Needs = append(in.Pipeline.Steps[i].Needs, need.Name)
			room--
		}
	}
	in.Pipeline.Steps[0].With["run"] = strings.Repeat("<", (pipeline.MaxWeight-in.Pipeline.Weight())/6)
	for i := range 10 {
		name := fmt.Sprint("input", i)
		in.Pipeline.Inputs = append(in.Pipeline.Inputs, pipeline.Input{Name: name, Type: pipeline.String})
		in.Inputs[name] = strings.Repeat(">", pipeline.MaxInputs/6/10-10)
	}
	return in
}

func TestTheHeaviestPipelineGoesOnInWhatTemporalTakes(t *testing.T) {
	t.Parallel()
	for _, steps := range []int{2, 80, 400, pipeline.MaxSteps} {
		for _, message := range long {
			in := heaviest(steps)
			_, _, problems := in.values()
			require.Empty(t, problems)
			r := &pipelineRun{in: in, wanted: map[string]pipeline.Wanted{}, seen: map[string]pipeline.StepValue{}}
			r.family.runID = strings.Repeat("r", MaxPipelineName)
			r.status.Steps = newResults(in.Pipeline.Steps)
			for _, def := range in.Pipeline.Steps {
				r.wanted[def.Name] = pipeline.Wanted{"output": true}
			}
			kept := 0
			for i, def := range in.Pipeline.Steps {
				result := &r.status.Steps[i]
				result.RunID, result.Attempts, result.StartedAt = StepRunID(r.family.runID, def.Name), 1, time.Now()
				job := JobResult{ClusterID: "ehpc-hz-FYUr32", Name: "jk3v7q2hxw5nta.solve", JobID: "123456.manager", State: JobFinished, SubmittedAt: time.Now(), StartedAt: time.Now(), EndedAt: time.Now()}
				for node := range 20 {
					job.Nodes = append(job.Nodes, fmt.Sprintf("compute%03d", node))
				}
				o := jobOutcome(job)
				o.why = &ClusterError{"ServiceFault", message}
				o.verdict, o.reason = "", message
				if i%2 == 0 {
					o.verdict, o.value.Output = Succeeded, strings.Repeat(message[:1], pipeline.MaxText)
				}
				r.close(def, result, o, time.Now(), false)
				if result.Value != nil {
					kept++
				}
			}
			in.Resumed = &r.status
			size := len(jsonOf(t, in))
			t.Logf("%d steps, %.3q: %d bytes, of which %d are those of %d values", steps, message, size, r.kept, kept)
			require.Less(t, size, mostTaken, "%d steps, %.3q", steps, message)
			require.Equal(t, steps <= 400, kept > 0)
		}
	}
}

func TestAListOfItemsThatCouldNotGoOnIsRefused(t *testing.T) {
	t.Parallel()
	def := pipeline.Step{Name: "solve", Kind: pipeline.RunsJob, Foreach: &pipeline.Foreach{}, With: map[string]any{"run": "${{ steps.mesh.output }}"}}
	r := &pipelineRun{looks: map[string]map[string]pipeline.Wanted{"solve": {"mesh": {"output": true}}}}
	r.family.runID = "run-20261124-081605-x7k2qd"
	items := make([]any, pipeline.MaxItems)
	for i := range items {
		items[i] = "case"
	}
	launch := func(output string) (launch, error) {
		return r.launchItems(def, items, pipeline.Scope{Steps: map[string]pipeline.StepValue{"mesh": {Output: output}}})
	}
	least, most := 0, mostTaken
	for least+1 < most { // the longest output that is taken
		middle := (least + most) / 2
		if _, err := launch(strings.Repeat("x", middle)); err == nil {
			least = middle
		} else {
			require.ErrorContains(t, err, "foreach: 2000 items, with what they refer to, take")
			most = middle
		}
	}
	l, err := launch(strings.Repeat("x", least))
	require.NoError(t, err)
	in := l.input.(ItemsInput)
	in.Keep = pipeline.Wanted{"output": true}
	run := &itemsRun{in: in, items: make([]StepResult, len(items))}
	run.family.runID = StepRunID(r.family.runID, "solve")
	run.spare = in.room(run.family.runID)
	for i := range run.items {
		name := fmt.Sprint(i + 1)
		run.items[i] = StepResult{Name: name, Kind: def.Kind, RunID: StepRunID(run.family.runID, name), Attempts: 1, StartedAt: time.Now()}
		o := failedStep(name + strings.Repeat("<", 1000))
		o.value.Output = strings.Repeat("x", 1000)
		run.close(i, o, time.Now(), false)
	}
	in.Resumed = &ItemsResumption{Items: run.items}
	size := len(jsonOf(t, in))
	t.Logf("%d bytes, with an output of %d", size, least)
	require.Less(t, size, mostTaken)
}

func TestTheResultOfItemsIsTakenWhateverTheySayAndLeave(t *testing.T) {
	t.Parallel()
	for _, message := range long {
		r := &itemsRun{in: ItemsInput{Step: pipeline.Step{Name: "solve", Kind: pipeline.RunsCommand}, Keep: pipeline.Wanted{"output": true, "item": true}}}
		for i := range 1_200 {
			name := fmt.Sprint(i + 1)
			r.in.Items = append(r.in.Items, i)
			r.items = append(r.items, StepResult{Name: name, Kind: pipeline.RunsCommand, RunID: StepRunID(strings.Repeat("r", 80), name), Attempts: 1, StartedAt: time.Now()})
		}
		r.spare = r.in.room(r.family.runID)
		for i := range r.items {
			o := failedStep(message)
			if i < 10 {
				o = outcome{verdict: Succeeded, states: map[NodeState]int{activities.Succeeded: 1}, nodes: 1, value: pipeline.StepValue{Output: strings.Repeat(message[:1], pipeline.MaxText/16)}}
			}
			r.close(i, o, time.Now(), false)
		}
		size, values := len(jsonOf(t, ItemsResumption{Items: r.items})), len(jsonOf(t, r.values()))
		t.Logf("%.3q: %d bytes to go on from, %d of values", message, size, values)
		require.Less(t, size, mostTaken, "%.3q", message)
		require.Less(t, values, mostTaken, "%.3q", message)
		require.NotEmpty(t, r.items[1199].Error.Message)
		require.NotEmpty(t, r.values())
	}
}
