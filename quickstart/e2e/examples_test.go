package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// example is a pipeline of the project's examples, how it is run, and what it comes to.
type example struct {
	name    string
	file    string
	inputs  []string
	approve string // the step that waits for an approval
	exit    int
	states  map[string]workflows.StepState // of the steps that do not succeed
	runs    int                            // commands that run on nodes, over all nodes of both clusters
	jobs    int
}

var examples = []example{
	{name: "a case is staged, solved and checked", file: "solve.yaml", inputs: []string{"cells=4000"}, runs: 4 * 4, jobs: 1},
	{name: "a sweep", file: "sweep.yaml", exit: 4, states: map[string]workflows.StepState{"simulate": workflows.StepFailed}, runs: 1, jobs: 6},
	{name: "a driver is upgraded", file: "driver-upgrade.yaml", approve: "approve", runs: 3 * 4,
		states: map[string]workflows.StepState{"rollback": workflows.StepSkipped}},
	{name: "a driver is rolled back", file: "driver-upgrade.yaml", inputs: []string{"broken=compute000"}, approve: "approve", exit: 1, runs: 4 + 1 + 1,
		states: map[string]workflows.StepState{"upgrade": workflows.StepFailed, "verify": workflows.StepSkipped}},
	{name: "a driver is there already", file: "driver-upgrade.yaml", inputs: []string{"version=550.90"}, runs: 4,
		states: map[string]workflows.StepState{"approve": workflows.StepSkipped, "upgrade": workflows.StepSkipped, "verify": workflows.StepSkipped, "rollback": workflows.StepSkipped}},
	{name: "all is healthy", file: "nightly-health.yaml", runs: 2 * 4, states: map[string]workflows.StepState{"examine": workflows.StepSkipped}},
	{name: "every disk is too full", file: "nightly-health.yaml", inputs: []string{"fullest=0"}, exit: 1, runs: 3 * 4,
		states: map[string]workflows.StepState{"disks": workflows.StepFailed, "examine": workflows.StepFailed}},
	{name: "two clusters side by side", file: "two-clusters.yaml", runs: 3 * (4 + 2)},
}

// circumstances are what an example has to get over.
var circumstances = []struct {
	name   string
	faults bool // of a tenth of the requests to the API
	kill   bool // the worker, while steps run
}{
	{name: "as it is"},
	{name: "worker killed", kill: true},
	{name: "API faulty", faults: true},
}

// What people copy comes to what it says, and each command and job of it runs once,
// whatever happens to the worker and the API meanwhile.
func TestTheExamplesComeToTheirVerdicts(t *testing.T) {
	t.Parallel()
	for _, example := range examples {
		for _, c := range circumstances {
			t.Run(example.name+", "+c.name, func(t *testing.T) {
				t.Parallel()
				s := newSystemWith(t, stack.Options{Clusters: stack.DemoClusters(4), Pace: activities.DefaultPace(), Logger: zap.NewNop()})
				s.StopWorker()
				if c.faults {
					s.Simulator.SetFaults(faultyAPI())
				}
				worker := s.workerProgram()
				id := runs.NewID()
				ended := make(chan outcome, 1)
				go func() { ended <- programWithin(t, 6*time.Minute, s.forPrograms(), "starter", example.args(id)...) }()
				if c.kill {
					s.awaitRunningStep(id)
					kill(t, worker)
					s.workerProgram()
				}
				if example.approve != "" {
					s.approve(workflows.StepRunID(id, example.approve))
				}
				got := <-ended
				require.Equal(t, example.exit, got.code, "%s\n%s", got.stdout, got.stderr)
				require.Equal(t, example.states, s.unsuccessful(id, got.stdout), got.stdout)
				await(t, time.Minute, "the nodes are quiet", func() bool { return s.Simulator.Stats().Running == 0 })
				stats := s.Simulator.Stats()
				require.Equal(t, example.runs, sum(stats.Executions), "commands on nodes")
				require.Equal(t, example.jobs, sum(s.Simulator.JobsNamed("")), "jobs")
			})
		}
	}
}

func (e example) args(id string) []string {
	args := []string{"pipeline", "run", filepath.Join("..", "..", "examples", e.file), "--id", id, "--json"}
	for _, input := range e.inputs {
		args = append(args, "--input", input)
	}
	return args
}

// passing are the faults that pass, and that a pipeline has to get over; what the API
// refuses for good ends a step.
func passing() []ehpcsim.Fault {
	faults := []ehpcsim.Fault{
		{Drop: ehpcsim.DropBefore}, {Drop: ehpcsim.DropAfter},
		{Body: ehpcsim.HalfBody}, {Body: ehpcsim.DoubleBody}, {Body: ehpcsim.GarbageBody},
		{Delay: 2 * time.Second},
	}
	for _, code := range []string{"ConflictOpt", "ServiceUnavailable", "InternalError", "Throttling.User", "DbError"} {
		faults = append(faults, ehpcsim.Fault{Code: code})
	}
	return faults
}

// faultyAPI lets a tenth of the requests of every action that pipelines call go wrong.
func faultyAPI() ehpcsim.Faults {
	var faults ehpcsim.Faults
	for _, action := range append([]string{"SubmitJob", "ListJobs", "DescribeJob", "GetJobLog"}, chaosActions...) {
		faults.Faults = append(faults.Faults, evenly(action, passing(), chaosPart)...)
	}
	return faults
}

// workerProgram starts a worker as a process of its own.
func (s *system) workerProgram() *exec.Cmd {
	s.t.Helper()
	worker, _ := background(s.t, s.forPrograms(), "worker", "--api-rate", "200", "--log-level", "error")
	return worker
}

func kill(t *testing.T, process *exec.Cmd) {
	t.Helper()
	require.NoError(t, process.Process.Kill())
	require.Error(t, process.Wait())
}

// awaitRunningStep returns when a step of a pipeline runs.
func (s *system) awaitRunningStep(id string) {
	s.t.Helper()
	await(s.t, time.Minute, "a step runs", func() bool {
		got := s.starter("status", id, "--json")
		var status workflows.PipelineStatus
		return got.code == 0 && json.Unmarshal([]byte(got.stdout), &status) == nil &&
			slices.ContainsFunc(status.Steps, func(step workflows.StepResult) bool { return step.State == workflows.StepRunning })
	})
}

// approve says yes to a step as soon as it waits for that.
func (s *system) approve(run string) {
	s.t.Helper()
	var last outcome
	if !assert.Eventually(s.t, func() bool {
		last = s.starter("approve", run, "--why", "the test says so")
		return last.code == 0
	}, 3*time.Minute, time.Second) {
		s.t.Fatalf("%s cannot be approved: %d %s\n%s", run, last.code, last.stderr, s.starter("status", path.Dir(run)).stdout)
	}
}

// unsuccessful are the steps of a pipeline that did not succeed, by its result.
func (s *system) unsuccessful(id, stdout string) map[string]workflows.StepState {
	s.t.Helper()
	var result workflows.PipelineStatus
	require.NoError(s.t, json.Unmarshal([]byte(stdout), &result), stdout)
	require.NotEmpty(s.t, result.Steps, id)
	var states map[string]workflows.StepState
	for _, step := range append(result.Steps, result.Finally...) {
		if step.State != workflows.StepSucceeded {
			if states == nil {
				states = make(map[string]workflows.StepState)
			}
			states[step.Name] = step.State
		}
	}
	return states
}

func sum(counts map[string]int) int {
	n := 0
	for count := range maps.Values(counts) {
		n += count
	}
	return n
}

// Every file of the examples is one that the project shows to be right.
func TestEveryExampleIsValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/*.yaml")
	require.NoError(t, err)
	used := []string{"site.yaml"} // of two-clusters.yaml
	for _, example := range examples {
		used = append(used, example.file)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if !strings.Contains(string(text), "\nsteps:") {
			continue // it is no pipeline
		}
		require.Contains(t, used, filepath.Base(file), "a test runs it")
		got := program(t, nil, "starter", "pipeline", "validate", file)
		require.Zero(t, got.code, got.stderr)
	}
}
