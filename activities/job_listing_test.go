package activities

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
)

func TestFinishedJobsAreReadFromTheEndsAndFromWhereSomeWereFound(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{9, 2, 8, 3, 7, 4, 6, 5}[0:2], further(9, 0, 0)[0:2])
	require.Equal(t, []int{5, 9}, slices.Sorted(slices.Values(further(9, 5, 0)[0:2])))
	require.Empty(t, further(1, 0, 3))
	require.Empty(t, further(0, 0, 3))
	for pages := range 40 {
		for _, skip := range []int{0, 1, 20, 75} {
			numbers := slices.Sorted(slices.Values(further(pages, 7, skip)))
			require.Len(t, slices.Compact(numbers), max(pages-1, 0), "each page but the first, once")
		}
	}
}

// A look that reads less than there is does not say of a job that it was not submitted.
func TestAJobOfAListingThatShowsLessThanItCountsMayHaveBeenSubmitted(t *testing.T) {
	t.Parallel()
	const shown = `{"Id": "7.manager", "Name": "other", "State": "QUEUED"}`
	for answer, whole := range map[string]bool{
		`{"TotalCount": 0}`: true,
		`{"TotalCount": 1, "Jobs": {"JobInfo": [` + shown + `]}}`: true,
		`{"TotalCount": 1}`:                                                      false,
		`{"TotalCount": 1, "Jobs": {"JobInfo": [7]}}`:                            false,
		`{"TotalCount": 2, "Jobs": {"JobInfo": [` + shown + `]}}`:                false,
		`{"TotalCount": 1, "Jobs": {"JobInfo": [{"Name": "jaaaabbbbcccc7.s"}]}}`: false,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		t.Cleanup(server.Close)
		client, err := ehpc.New(ehpc.Config{
			Region: "cn-hangzhou", Endpoint: server.URL, Budget: ehpc.NewBudget(10_000), Credentials: credentials.NewStaticAKCredentialsProvider("id", "secret"),
		})
		require.NoError(t, err)
		for finds, counts := range map[bool]bool{true: whole, false: true} {
			w := &jobWatch{finds: finds, in: ListJobsInput{Name: "jaaaabbbbcccc7.s"}, activities: &Activities{EHPC: client, Pace: DefaultPace()}}
			look := &sharedLook{activities: w.activities, clusterID: "ehpc-1"}
			seen, err := w.see(look.list(t.Context(), map[*heldWatch]*jobWatch{{}: w}, 0, time.Now()))
			require.NoError(t, err, answer)
			require.False(t, seen.shown, answer)
			require.Equal(t, counts, seen.whole, answer)
		}
	}
}

func TestAFinishedJobIsFoundWhereverItIsListed(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, ehpcsim.Config{Script: &ehpcsim.Script{}}, 200)
	const jobs = (2*finishedPages + 3) * ehpc.MaxJobsPage
	ids := make(map[string]string)
	for i := range jobs {
		name := fmt.Sprintf("solve.%d", i)
		id := c.submit(name)
		if i%311 == 0 {
			ids[name] = id
		}
	}
	for name, id := range ids {
		require.Equal(t, JobFinished, c.follow(name, id))
	}
}
