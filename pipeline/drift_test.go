package pipeline

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSchemaHasTheFieldsOfEachBody(t *testing.T) {
	t.Parallel()
	for definition, body := range map[string]any{
		"command": Command{}, "job": Job{}, "approval": Approval{}, "wait": Wait{}, "sub": Sub{},
	} {
		require.Equal(t, fieldsOf(body), theGrammar().at("#/$defs/"+definition).properties(), definition)
	}
	require.Equal(t, fieldsOf(Secret{}), theGrammar().at("#/$defs/job/properties/password").properties())
	kinds := make([]string, len(Kinds))
	for i, kind := range Kinds {
		kinds[i] = string(kind)
	}
	require.Equal(t, fieldsOf(Action{}), slices.Sorted(slices.Values(kinds)))
	for _, kind := range kinds {
		require.Contains(t, theGrammar().at("#/$defs/step").properties(), kind)
	}
}

// TestTheSchemaBoundsAreTheConstants keeps the limits of the schema equal to those of the
// code.
func TestTheSchemasBoundsAreTheConstants(t *testing.T) {
	t.Parallel()
	for address, bound := range map[string]float64{
		"#/properties/concurrency maximum":                               MaxConcurrency,
		"#/properties/steps maxProperties":                               MaxSteps,
		"#/properties/finally maxProperties":                             MaxSteps,
		"#/$defs/step/properties/foreach maxItems":                       MaxItems,
		"#/$defs/step/properties/foreach/properties/items maxItems":      MaxItems,
		"#/$defs/step/properties/foreach/properties/concurrency maximum": MaxConcurrency,
		"#/$defs/step/properties/retry maximum":                          MaxAttempts,
		"#/$defs/step/properties/retry/properties/attempts maximum":      MaxAttempts,
		"#/$defs/value maxItems":                                         MaxItems,
	} {
		at, word, _ := strings.Cut(address, " ")
		require.InDelta(t, bound, theGrammar().at(at)[word], 0, address)
	}
	require.Contains(t, theGrammar().at("#/$defs/name").text("pattern"), "{0,39}")
	require.Equal(t, 40, MaxName)
}

// fieldsOf are the JSON names of a struct's fields, in order.
func fieldsOf(of any) []string {
	names := map[string]bool{}
	for i := range reflect.TypeOf(of).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(of).Field(i).Tag.Get("json"), ",")
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}
