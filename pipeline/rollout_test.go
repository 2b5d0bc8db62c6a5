package pipeline_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/pipeline"
	"ehpcflow/workflows/policy"
)

func TestARolloutHasTheWordsOfAPolicy(t *testing.T) {
	t.Parallel()
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"properties"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(pipeline.Schema, &schema))
	words := slices.Sorted(maps.Keys(schema.Defs["command"].Properties["rollout"].Properties))
	require.Equal(t, slices.Sorted(slices.Values(policy.Keys())), words)
}
