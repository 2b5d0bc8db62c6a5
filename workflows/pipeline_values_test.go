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
		require.GreaterOrEqual(t, weighText(text), len(jsonOf(t, text)), "%q", text)
		require.LessOrEqual(t, weighText(text), len(jsonOf(t, text))+4*strings.Count(text, "\b")+4*strings.Count(text, "\f")+3*strings.Count(text, "\ufffd"), "%q", text)
		for _, value := range []any{text, []any{text, text}, map[string]any{text: text, "b": []any{text, nil, true, false, 1, 1.0 / 3, -1.2345678901234567e-300}}} {
			require.GreaterOrEqual(t, weigh(value), len(jsonOf(t, value)), "%q", value)
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
		require.Equal(t, text, shortenTo(text, weighText(text)))
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

func TestTheResultOfItemsIsTakenWhateverTheySayAndLeave(t *testing.T) {
	t.Parallel()
	for _, message := range long {
		r := &itemsRun{in: ItemsInput{Step: pipeline.Step{Name: "solve", Kind: pipeline.RunsCommand}, Keep: pipeline.Wanted{"output": true, "item": true}}}
		for i := range 1_200 {
			name := fmt.Sprint(i + 1)
			r.in.Items = append(r.in.Items, i)
			r.items = append(r.items, StepResult{Name: name, Kind: pipeline.RunsCommand, RunID: StepRunID(strings.Repeat("r", 80), name), Attempts: 1, StartedAt: time.Now()})
		}
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
