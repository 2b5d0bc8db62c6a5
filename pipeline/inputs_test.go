package pipeline

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var solver = Pipeline{Inputs: []Input{
	{Name: "mesh", Type: String, Default: "coarse", Enum: []any{"coarse", "fine"}},
	{Name: "cores", Type: Integer},
	{Name: "factor", Type: Number, Default: 0.5},
	{Name: "dry", Type: Boolean, Default: false},
	{Name: "cases", Type: List, Default: []any{"a"}, Enum: []any{"a", "b", 1.0}},
}}

func TestInputsAreReadAsTheirTypes(t *testing.T) {
	t.Parallel()
	for name, each := range map[string]struct {
		given map[string]any
		want  map[string]any
	}{
		"defaults": {
			map[string]any{"cores": 8},
			map[string]any{"mesh": "coarse", "cores": 8, "factor": 0.5, "dry": false, "cases": []any{"a"}},
		},
		"texts": {
			map[string]any{"mesh": "fine", "cores": "8", "factor": "2", "dry": "true", "cases": "a, b"},
			map[string]any{"mesh": "fine", "cores": 8, "factor": 2, "dry": true, "cases": []any{"a", "b"}},
		},
		"a list as JSON": {
			map[string]any{"cores": "1", "cases": `["b", 1]`},
			map[string]any{"mesh": "coarse", "cores": 1, "factor": 0.5, "dry": false, "cases": []any{"b", 1}},
		},
		"an empty list": {
			map[string]any{"cores": 1, "cases": ""},
			map[string]any{"mesh": "coarse", "cores": 1, "factor": 0.5, "dry": false, "cases": []any{}},
		},
		"values as JSON has them": {
			map[string]any{"cores": 8.0, "factor": 1.25, "cases": []any{1.0}},
			map[string]any{"mesh": "coarse", "cores": 8, "factor": 1.25, "dry": false, "cases": []any{1}},
		},
	} {
		values, problems := Inputs(solver, each.given)
		require.Empty(t, problems, name)
		require.Equal(t, each.want, values, name)
	}
}

func TestDefaultsOutliveTheHistoryOfARun(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(solver)
	require.NoError(t, err)
	var again Pipeline
	require.NoError(t, json.Unmarshal(text, &again))
	before, problems := Inputs(solver, map[string]any{"cores": 8, "cases": "1"})
	require.NotEmpty(t, problems, "the text 1 is not the number 1")
	require.Nil(t, before)
	before, problems = Inputs(solver, map[string]any{"cores": 8, "cases": "[1]"})
	require.Empty(t, problems)
	after, problems := Inputs(again, map[string]any{"cores": 8.0, "cases": "[1]"})
	require.Empty(t, problems)
	require.Equal(t, before, after)
}

func TestEverythingThatIsWrongWithInputsIsToldAtOnce(t *testing.T) {
	t.Parallel()
	values, problems := Inputs(solver, map[string]any{
		"mesh": "fin", "factor": "1e", "dry": "yes", "cases": []any{"a", []any{}}, "corse": 1, "x": 1,
	})
	require.Nil(t, values)
	require.Equal(t, []string{
		`input mesh: "fin" is not accepted: did you mean fine?`,
		`input cores is not given, and has no default: give it a whole number`,
		`input factor: it is the text "1e": give it a number`,
		`input dry: it is the text "yes": give it true or false`,
		`input cases: an item of the list is a list: use texts, numbers, true and false`,
		`there is no input corse: did you mean cores?`,
		`there is no input x: use mesh, cores, factor, dry or cases`,
	}, problems)
	for name, given := range map[string]any{
		"it has 16385 bytes":                    strings.Repeat("x", MaxText+1),
		"access key":                            "LTAI5tFakeFakeFakeFake",
		"it is a mapping: give it a text":       map[string]any{},
		"it is the number 1: give it a text":    1,
		"it is the number 1.5: give it a text":  1.5,
		"it is a list: give it a text":          []any{"a"},
		"it is true: give it a text":            true,
		`it is empty: give it a text`:           nil,
		"is not accepted: use coarse or fine":   "unlike",
		`"coarse\nfine" is not accepted: use c`: "coarse\nfine",
	} {
		_, problems := Inputs(solver, map[string]any{"cores": 1, "mesh": given})
		require.Len(t, problems, 1, name)
		require.Contains(t, problems[0], name)
		require.NotContains(t, problems[0], "FakeFake")
	}
	_, problems = Inputs(solver, map[string]any{"cores": 1, "cases": strings.Repeat("a,", MaxItems)})
	require.Equal(t, []string{"input cases: the list has 2001 items: 2000 are the most"}, problems)
	_, problems = Inputs(solver, map[string]any{"cores": 1.5})
	require.Len(t, problems, 1)
	_, problems = Inputs(solver, map[string]any{"cores": "9007199254740993"})
	require.Equal(t, []string{"input cores: 9007199254740993 has more digits than can be kept: give a number of at most 15 digits, or a text, which stands in quotes in a list"}, problems)
}

func TestNoInputIsChangedForItsManyDigits(t *testing.T) {
	t.Parallel()
	p := Pipeline{Inputs: []Input{{Name: "n", Type: Number}, {Name: "l", Type: List}}}
	for _, given := range []string{"12345678901234567890", "-9007199254740993"} {
		_, problems := Inputs(p, map[string]any{"n": given, "l": `["a", ` + given + `]`})
		require.Len(t, problems, 2)
		require.Contains(t, problems[0], "input n: "+given+" has more digits than can be kept")
		require.Contains(t, problems[1], "input l: "+given+" has more digits than can be kept")
	}
	values, problems := Inputs(p, map[string]any{"n": "9007199254740991", "l": `["12345678901234567890", 1.2345678901234567890]`})
	require.Empty(t, problems)
	require.Equal(t, []any{"12345678901234567890", 1.2345678901234567}, values["l"])
	values, problems = Inputs(p, map[string]any{"n": "1e300", "l": "12345678901234567890,2"})
	require.Empty(t, problems)
	require.Equal(t, []any{"12345678901234567890", "2"}, values["l"])
}
