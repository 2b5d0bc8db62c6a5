package pipeline

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestAWeightIsThatOfTheJSONAndLittleMore(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", "<td>1</td>\n", "a\"b\\c\td\r", "\x00\x1b[0m\b\f", "数值模拟失败", "\u2028\u2029", "bad \xff\xfe", "é😀", "\ufffd", "\x7f"} {
		require.GreaterOrEqual(t, WeightOfText(text), len(jsonOf(t, text)), "%q", text)
		require.LessOrEqual(t, WeightOfText(text), len(jsonOf(t, text))+4*strings.Count(text, "\b")+4*strings.Count(text, "\f")+3*strings.Count(text, "\ufffd"), "%q", text)
		for _, value := range []any{text, []any{text, text}, map[string]any{text: text, "b": []any{text, nil, true, false, 1, -9007199254740991, 1.0 / 3, -1.2345678901234567e-300}}} {
			require.GreaterOrEqual(t, Weight(value), len(jsonOf(t, value)), "%q", value)
		}
	}
	for _, folder := range []string{"testdata/accepted", "../examples"} {
		files, err := filepath.Glob(folder + "/*.yaml")
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, name := range files {
			if filepath.Base(name) == "faults.yaml" { // of the simulator
				continue
			}
			file, err := Read(os.DirFS(folder), filepath.Base(name))
			require.NoError(t, err)
			is := len(jsonOf(t, file.Pipeline))
			require.GreaterOrEqual(t, file.Pipeline.Weight(), is, name)
			require.LessOrEqual(t, file.Pipeline.Weight(), is*3/2+200, name)
		}
	}
}

func TestAFileThatIsTooLongAsJSONIsRefused(t *testing.T) {
	t.Parallel()
	read := func(comparisons int) error {
		_, err := Read(fstest.MapFS{
			"a.yaml": {Data: []byte("name: a\nsteps: {a: {pipeline: {file: b.yaml}}}\n")},
			"b.yaml": {Data: []byte("name: b\nclusters: {main: ehpc-x}\nsteps: {a: {command: {all: true, run: \"test a " + strings.Repeat("<", comparisons) + "\"}}}\n")},
		}, "a.yaml")
		return err
	}
	require.NoError(t, read(MaxWeight/6-200))
	require.ErrorContains(t, read(MaxWeight/6), "a.yaml:1:1: a run is started with the pipeline as JSON, where <, >, & and control characters take six bytes each: with the files that it refers to it comes to 39")
}

func TestInputsThatAreTooLongTogetherAreRefused(t *testing.T) {
	t.Parallel()
	var p Pipeline
	given := make(map[string]any)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		p.Inputs = append(p.Inputs, Input{Name: name, Type: String})
		given[name] = strings.Repeat("x", MaxText)
	}
	_, problems := Inputs(p, given)
	require.Empty(t, problems)
	given["a"], given["b"] = strings.Repeat(">", MaxText/2), strings.Repeat("x", 1)
	_, problems = Inputs(p, given)
	require.Len(t, problems, 1)
	require.Regexp(t, `^the inputs take 131\d{3} bytes as JSON`, problems[0])
}
