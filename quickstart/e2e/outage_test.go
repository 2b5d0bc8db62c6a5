package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// The server is ended while one run submits, one watches and one collects. The
// submit is answered while the server is away, the results come when it is back.
func TestARunOutlivesTheTemporalServer(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*server){"stopped in order": (*server).stop, "killed": (*server).kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const nodes = 2
			server := newServer(t)
			s := newSystemWith(t, stack.Options{Temporal: server.address(), Nodes: nodes, Pace: activities.DefaultPace(), Logger: zap.NewNop()})
			s.StopWorker()
			background(t, s.forPrograms().with("TEMPORAL_ADDRESS", server.address()), "worker")
			slow := func(action string, delay time.Duration) {
				s.Simulator.Inject(ehpcsim.Fault{Action: action, Delay: delay})
			}
			var begun []counted
			begin := func(c counted) counted {
				s.begin(&c, nodes)
				begun = append(begun, c)
				return c
			}

			watching := begin(counted{number: 19, pause: 20})
			await(t, 20*time.Second, "one is watched", func() bool { return s.phase(watching.id) == workflows.Watching })
			slow("ListInvocationResults", 12*time.Second)
			begin(counted{number: 1})
			await(t, 20*time.Second, "one is collected", func() bool { return s.Simulator.Requests("ListInvocationResults") == 1 })
			slow("InvokeShellCommand", 3*time.Second)
			begin(counted{number: 2})
			await(t, 10*time.Second, "one is submitted", func() bool { return s.Simulator.Requests("InvokeShellCommand") == 3 })
			require.Equal(t, workflows.Watching, s.phase(watching.id))

			away := time.Now()
			end(server)
			time.Sleep(time.Until(away.Add(5 * time.Second)))
			server.start()
			t.Logf("the server was away for %v", time.Since(away))
			for _, c := range begun {
				report := s.end(c.id)
				require.Empty(t, s.truth(nodes).lies(c, report, nodes))
			}
		})
	}
}
