package policy

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func size(t *testing.T, text string) Size {
	t.Helper()
	s, err := ParseSize(text)
	require.NoError(t, err, text)
	return s
}

func TestASizeIsReadAndWrittenAlike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "20": "20", "10%": "10%", "100%": "100%", "0.25%": "0.25%", "12.50%": "12.5%", "5.0%": "5%", "0.01%": "0.01%", "0%": "0",
	} {
		require.Equal(t, want, size(t, text).String(), text)
		require.Equal(t, want, size(t, " "+text+" ").String(), "spaces do not matter")
	}
}

func TestWhatIsNoSizeIsRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"": "neither a number of nodes", "-1": "neither", "1.5": "neither", "many": "neither", "1e3": "neither", "99999999999999999999": "neither",
		"%": "is no share", "-5%": "is no share", "0.001%": "up to two decimals", ".5%": "is no share", "5.-1%": "is no share", "5 %": "is no share", "1.5.5%": "is no share",
		"101%": "more than all", "100.01%": "more than all",
	} {
		_, err := ParseSize(text)
		require.ErrorContains(t, err, says, text)
	}
	_, err := ParseSizes("1,,100%")
	require.Error(t, err)
	sizes, err := ParseSizes("1, 10%,100%")
	require.NoError(t, err)
	require.Equal(t, []Size{Number(1), size(t, "10%"), size(t, "100%")}, sizes)
}

func TestASizeInJSONIsANumberOrAText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Size{`20`: Number(20), `"20"`: Number(20), `"10%"`: size(t, "10%"), `0`: {}, `null`: {}} {
		var got Size
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for _, s := range []Size{{}, Number(7), size(t, "0.25%"), size(t, "100%")} {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		var back Size
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, s, back, string(text))
	}
	for _, text := range []string{`true`, `1.5`, `-1`, `"x"`, `[1]`, `{}`, `"101%"`} {
		require.Error(t, json.Unmarshal([]byte(text), new(Size)), text)
	}
}

func TestAPolicyInJSONHasOnlyWhatItSays(t *testing.T) {
	t.Parallel()
	none := Number(0)
	for want, p := range map[string]Policy{
		`{}`: {},
		`{"waves":[1,"10%"],"concurrency":20,"budget":{"whole":0}}`: {Waves: []Size{Number(1), size(t, "10%")}, Concurrency: Number(20), Budget: Budget{Whole: &none}},
	} {
		text, err := json.Marshal(p)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
		var back Policy
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, p, back)
		require.Equal(t, want == `{}`, back.IsZero())
	}
}

func TestABudgetIsBreachedByMoreAndAQuorumReachedByAsMany(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		size     string
		of       int
		allows   int // the most that does not exceed
		suffices int // the least that reaches
	}{
		{"5%", 500, 25, 25},
		{"5%", 510, 25, 26}, // of 25.5
		{"10%", 5, 0, 1},    // of half a node
		{"33.33%", 3, 0, 1},
		{"33.34%", 3, 1, 2},
		{"0.01%", 10_000, 1, 1},
		{"100%", 7, 7, 7},
		{"3", 500, 3, 3},
		{"0", 500, 0, 0},
	} {
		s, what := size(t, tc.size), fmt.Sprintf("%s of %d", tc.size, tc.of)
		require.False(t, s.Exceeded(tc.allows, tc.of), what)
		require.True(t, s.Exceeded(tc.allows+1, tc.of), what)
		require.True(t, s.Reached(tc.suffices, tc.of), what)
		require.False(t, s.Reached(tc.suffices-1, tc.of), what)
	}
}

func FuzzWhatASizeWritesItReads(f *testing.F) {
	for _, text := range []string{"0", "20", "10%", "0.25%", "100.00%", "5.%", "+3", "007%", "é%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSize(text)
		if err != nil {
			require.Zero(t, s)
			return
		}
		back, err := ParseSize(s.String())
		require.NoError(t, err)
		require.Equal(t, s, back)
		require.GreaterOrEqual(t, s.Of(whole), 0)
		require.False(t, s.Exceeded(s.Of(whole), whole), "as many as it is are not too many")
	})
}
