// Command bench compares ehpcflow's way of waiting for a command with those that
// Temporal's users copy from its samples: every way does the same job, on this
// machine, in the same run. Each has a Temporal server and a worker of its own, in
// processes of their own, so that what they use is told apart. The cluster is
// simulated and runs nothing; it knows when each node ended.
//
// It needs Linux, which tells what another process has used.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
	"github.com/spf13/cobra"

	"ehpcflow/quickstart/bench/peers"
)

func main() {
	if code, played := play(os.Args[1:]); played {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	patterns    []string
	concurrency []int
	duration    time.Duration
	ramp        time.Duration
	out         string
	machine     string
}

func execute(ctx context.Context, args []string, stderr io.Writer) int {
	var o options
	cmd := &cobra.Command{
		Use:           "bench",
		Short:         "Compare ways of waiting for a command, peers in the same run",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), stderr) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.patterns, "patterns", patternNames(), "ways of waiting to compare")
	flags.IntSliceVar(&o.concurrency, "concurrency", []int{100, 1000}, "runs at once; above 1000 only heartbeat-loop and ehpcflow are measured")
	flags.DurationVar(&o.duration, "duration", 40*time.Second, "longest time of a command on a node, 1s or more; the shortest is a quarter")
	flags.DurationVar(&o.ramp, "ramp", 10*time.Second, "time over which each 1000 runs are started")
	flags.StringVar(&o.out, "out", "../docs/bench", "directory for results.json, results.md and results.svg")
	flags.StringVar(&o.machine, "machine", "", "what to call this machine in the results (default: its cores and memory)")
	flags.SortFlags = false
	cmd.SetArgs(args)
	cmd.SetOut(stderr)
	cmd.SetErr(stderr)
	if err := cmd.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// run measures everything, writes what it has after each measurement, and fails when
// a run did.
func (o options) run(ctx context.Context, stderr io.Writer) error {
	var chosen []pattern
	for _, name := range o.patterns {
		p, err := patternNamed(name)
		if err != nil {
			return err
		}
		chosen = append(chosen, p)
	}
	if o.duration < time.Second {
		return fmt.Errorf("--duration is %v: use 1s or more", o.duration)
	}
	report, err := o.newReport()
	if err != nil {
		return err
	}
	var failures []string
	for _, runs := range o.concurrency {
		for _, p := range chosen {
			if p.most > 0 && runs > p.most {
				continue
			}
			fmt.Fprintf(stderr, "%d runs at once, %s ...\n", runs, p.name)
			m, err := measure(ctx, p, load{runs, o.duration, o.ramp * time.Duration(runs) / 1000})
			if err != nil {
				return fmt.Errorf("%s, %d runs at once: %w", p.name, runs, err)
			}
			fmt.Fprintf(stderr, "  %.0f s: %.0f events a run, end lag %.2f s, server %.1f s of CPU, worker %.1f s, %d failed\n",
				m.Wall, m.Events, m.EndLag.P50, m.ServerCPU, m.WorkerCPU, len(m.Failures))
			failures = append(failures, m.Failures...)
			report.Measurements = append(report.Measurements, m)
			if err := report.write(o.out); err != nil {
				return err
			}
		}
	}
	if len(failures) > 0 {
		return fmt.Errorf("%d runs failed:\n%s", len(failures), strings.Join(failures, "\n"))
	}
	return nil
}

func (o options) newReport() (*Report, error) {
	report := &Report{
		Machine: o.machine, Go: runtime.Version(), MeasuredAt: time.Now().UTC().Truncate(time.Second),
		Nodes: nodes, PollSeconds: peers.Every.Seconds(),
		ShortestSeconds: o.duration.Seconds() / 4, LongestSeconds: o.duration.Seconds(), RampSeconds: o.ramp.Seconds(),
	}
	if report.Machine != "" {
		return report, nil
	}
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return nil, err
	}
	memory, err := proc.Meminfo()
	if err != nil {
		return nil, err
	}
	report.Machine = fmt.Sprintf("%d cores, %.0f GB of memory", runtime.NumCPU(), float64(*memory.MemTotalBytes)/1e9)
	return report, nil
}
