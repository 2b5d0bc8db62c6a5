package pipeline

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"ehpcflow/docs/kept"
)

// The corpus: accepted files; refused ones, whose shape is wrong; meaningless ones, whose
// shape is right; and those that are no tree of values at all. Beside each that is not
// accepted there are its problems.

func corpus(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func TestAFileIsReadOrItsProblemsAreTold(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"accepted", "refused", "meaningless", "unreadable"} {
		for _, file := range corpus(t, folder) {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				_, err := Read(os.DirFS(filepath.Dir(file)), filepath.Base(file))
				if folder == "accepted" {
					require.NoError(t, err)
					return
				}
				var invalid *Error
				require.ErrorAs(t, err, &invalid)
				requirePlaces(t, os.DirFS(filepath.Dir(file)).(fs.ReadFileFS), invalid)
				kept.Whole(t, strings.TrimSuffix(file, ".yaml")+".problems", invalid.Error()+"\n")
			})
		}
	}
}

// TestTheSchemaAndTheReaderAgree runs the schema by itself, as an editor does: it refuses
// what the reader refuses for its shape, and nothing else.
func TestTheSchemaAndTheReaderAgree(t *testing.T) {
	t.Parallel()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("any", document))
	schema, err := compiler.Compile("any")
	require.NoError(t, err)
	accepts := func(file string) bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var value any
		require.NoError(t, yaml.Unmarshal(text, &value), file)
		return schema.Validate(asEditorsSee(value)) == nil
	}
	for _, folder := range []string{"accepted", "meaningless", "meaningless/sub"} {
		for _, file := range corpus(t, folder) {
			require.Equal(t, filepath.Base(file) != "misshapen.yaml", accepts(file), file)
		}
	}
	for _, file := range corpus(t, "refused") {
		require.False(t, accepts(file), file)
	}
	examples, err := filepath.Glob("../examples/*.yaml")
	require.NoError(t, err)
	for _, file := range examples {
		if filepath.Base(file) == "faults.yaml" { // of the simulator
			continue
		}
		require.True(t, accepts(file), file)
		_, err := Read(os.DirFS("../examples"), filepath.Base(file))
		require.NoError(t, err)
	}
}

// asEditorsSee is a value without what YAML has and JSON has not.
func asEditorsSee(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = asEditorsSee(value[key])
		}
	case map[any]any:
		all := map[string]any{}
		for key, each := range value {
			text, _ := yaml.Marshal(key)
			all[strings.TrimSpace(string(text))] = asEditorsSee(each)
		}
		return all
	case []any:
		for i := range value {
			value[i] = asEditorsSee(value[i])
		}
	case time.Time:
		if value.Equal(value.Truncate(24*time.Hour)) && value.Location() == time.UTC {
			return value.Format(time.DateOnly)
		}
		return value.Format(time.RFC3339)
	}
	return value
}

func TestEveryKeyOfASchemaIsDescribedToEditors(t *testing.T) {
	t.Parallel()
	var look func(part schemaPart, path string)
	look = func(part schemaPart, path string) {
		for _, name := range part.properties() {
			properties := part["properties"].(map[string]any)
			within := schemaPart(properties[name].(map[string]any))
			if target, is := strings.CutPrefix(within.text("$ref"), "#"); is && within.text("description") == "" {
				within = theGrammar().at("#" + target)
			}
			require.NotEmpty(t, within.text("description"), "%s.%s", path, name)
			look(within, path+"."+name)
		}
	}
	look(theGrammar().words, "")
	for name, part := range theGrammar().words["$defs"].(map[string]any) {
		look(part.(map[string]any), "$defs."+name)
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("large.yaml", "name: x\nsteps: {a: {wait: 1s}}\n#"+strings.Repeat("x", MaxFile))
	_, err := Read(os.DirFS(dir), "large.yaml")
	require.ErrorContains(t, err, "it has more than 256 KiB")
	write("sub.yaml", "name: x\nsteps: {a: {wait: 1s}}\n#"+strings.Repeat("x", MaxFile/4))
	var steps strings.Builder
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		steps.WriteString("  " + name + ": {pipeline: {file: sub.yaml}}\n")
	}
	write("many.yaml", "name: x\nsteps:\n"+steps.String())
	_, err = Read(os.DirFS(dir), "many.yaml")
	require.ErrorContains(t, err, "is one too many")
	var invalid *Error
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid.Problems, 1, "it is said once")
}

func TestStepsAreCountedTogether(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("name: x\nfinally: {last: {wait: 1s}}\nsteps:\n")
	for i := range MaxSteps {
		text.WriteString("  s" + strconv.Itoa(i) + ": {wait: 1s}\n")
	}
	_, err := Read(fstest.MapFS{"a.yaml": {Data: []byte(text.String())}}, "a.yaml")
	require.ErrorContains(t, err, "a.yaml:2:11: finally.last: there are 1001 steps: 1000 are the most")
}

func TestAStepsKeyIsLocated(t *testing.T) {
	t.Parallel()
	file, err := Read(os.DirFS("testdata/accepted"), "every_word.yaml")
	require.NoError(t, err)
	at := func(step string, path ...string) string {
		problem := file.problem(step, "wrong", path...)
		text, err := os.ReadFile(filepath.Join("testdata/accepted", problem.File))
		require.NoError(t, err)
		line := []rune(strings.Split(string(text), "\n")[problem.Line-1])
		return string(line[problem.Column-1:])
	}
	require.Equal(t, "stage:", at("stage"))
	require.Equal(t, "timeout: 10m", at("stage", "command", "timeout"))
	require.Equal(t, "soak: 10m", at("stage", "command", "rollout", "soak"))
	require.Equal(t, "i-bp1aaaa]", at("stage", "command", "nodes", "0"))
	require.Equal(t, "command:", at("stage", "command", "nope"), "the nearest above")
	require.Contains(t, at("look", "command", "run"), `run: "tail`)
	require.Equal(t, "name: every-word", at("nope"))
	require.Equal(t, "steps.stage", file.problem("stage", "wrong", "").Path)
}

func requirePlaces(t *testing.T, files fs.ReadFileFS, invalid *Error) {
	t.Helper()
	require.NotEmpty(t, invalid.Problems)
	for _, problem := range invalid.Problems {
		text, err := files.ReadFile(problem.File)
		if errors.Is(err, os.ErrNotExist) {
			require.Zero(t, problem.Line)
			continue
		}
		lines := strings.Split(string(text), "\n")
		require.Positive(t, problem.Line, problem)
		require.LessOrEqual(t, problem.Line, len(lines), problem)
		require.Positive(t, problem.Column, problem)
		require.LessOrEqual(t, problem.Column, len([]rune(lines[problem.Line-1]))+1, problem)
		require.NotEmpty(t, problem.Message)
	}
}
