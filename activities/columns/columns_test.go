package columns_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/columns"
)

type item struct {
	ID   string `json:"id"`
	Kind string `json:"kind,omitempty"`
	Code *int   `json:"code"`
}

func items(n int) []item {
	seven := 7
	list := make([]item, n)
	for i := range list {
		list[i].ID = fmt.Sprintf("i-%05d", i)
		if i > n/2 {
			list[i].Kind, list[i].Code = `a "kind", é`, &seven
		}
	}
	return list
}

func TestAListReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, columns.From - 1, columns.From, 1000} {
		text, err := columns.Marshal(items(n))
		require.NoError(t, err)
		var got []item
		require.NoError(t, columns.Unmarshal(text, &got))
		require.Equal(t, items(n), got, "%d", n)
	}
}

func TestAShortListIsAPlainArray(t *testing.T) {
	t.Parallel()
	text, err := columns.Marshal(items(2))
	require.NoError(t, err)
	want, err := json.Marshal(items(2))
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))
}

func TestAValueThatNeighboursShareStandsOnce(t *testing.T) {
	t.Parallel()
	text, err := columns.Marshal(items(10_000))
	require.NoError(t, err)
	require.Less(t, len(text), 10_000*len(`"i-00000",`)+200)
	require.Contains(t, string(text), `"code":{"values":[null,7],"times":[5001,4999]}`)
}

func TestABrokenTableIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"rows":2,"columns":{"id":{"values":["a"]}}}`,
		`{"rows":2,"columns":{"id":{"values":["a","b","c"]}}}`,
		`{"rows":2,"columns":{"id":{"values":["a"],"times":[3]}}}`,
		`{"rows":1,"columns":{"id":{"values":[5]}}}`,
		`{"rows":-1,"columns":{}}`,
		`{"rows":`,
	} {
		var got []item
		require.Error(t, columns.Unmarshal([]byte(text), &got), text)
	}
}
