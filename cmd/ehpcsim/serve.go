package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ehpcflow/ehpcsim"
)

// The exit codes.
const (
	exitStopped = 0
	exitFailed  = 1
	exitUsage   = 2
)

const maxNodes = 10_000

const (
	envID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	envSecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
)

// usageError is a mistake on the command line.
type usageError struct{ error }

type options struct {
	listen  string
	cluster string
	nodes   int
	faults  string
	admin   string
}

func execute(ctx context.Context, args []string, stderr io.Writer) int {
	var o options
	cmd := &cobra.Command{
		Use:   "ehpcsim",
		Short: "Serve a simulated E-HPC endpoint whose nodes run commands on this machine",
		Long: `Serve a simulated E-HPC endpoint whose nodes run commands on this machine.

Callers sign with the key in ALIBABA_CLOUD_ACCESS_KEY_ID and
ALIBABA_CLOUD_ACCESS_KEY_SECRET of this process or, without them, with a new one
that is printed at the start.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{errors.New("ehpcsim takes no arguments, only flags; see ehpcsim --help")}
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.serve(cmd.Context(), stderr) },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see ehpcsim --help", err)}
	})
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8765", "loopback address to listen on; port 0 lets the system choose")
	flags.StringVar(&o.cluster, "cluster", "ehpc-sim-demo", "id of the simulated cluster")
	flags.IntVar(&o.nodes, "nodes", 4, fmt.Sprintf("nodes of the cluster, 1 to %d", maxNodes))
	flags.StringVar(&o.faults, "faults", "", "YAML file of what goes wrong (quota, listLate, faults)")
	flags.StringVar(&o.admin, "admin", "", "loopback address for /stats, /metrics and PUT /faults (default: none)")
	flags.SortFlags = false
	cmd.SetArgs(args)
	cmd.SetOut(stderr)
	cmd.SetErr(stderr)

	err := cmd.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitStopped
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "ehpcsim: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "ehpcsim: %v\n", err)
	return exitFailed
}

func (o options) serve(ctx context.Context, stderr io.Writer) error {
	if o.nodes < 1 || o.nodes > maxNodes {
		return usageError{fmt.Errorf("%d nodes: choose 1 to %d", o.nodes, maxNodes)}
	}
	key := ehpcsim.AccessKey{ID: os.Getenv(envID), Secret: os.Getenv(envSecret)}
	ownKey := key.ID == "" && key.Secret == ""
	switch {
	case ownKey:
		key = ehpcsim.NewAccessKey()
	case key.ID == "" || key.Secret == "":
		return usageError{fmt.Errorf("of %s and %s one is set: set both, or neither", envID, envSecret)}
	}
	cluster := ehpcsim.DemoCluster(o.cluster, o.nodes)
	sim, err := ehpcsim.New(ehpcsim.Config{Clusters: []ehpcsim.Cluster{cluster}, AccessKeys: []ehpcsim.AccessKey{key}})
	if err != nil {
		return usageError{err}
	}
	defer sim.Close() //nolint:errcheck // closed with its error returned below
	if err := o.setFaults(sim); err != nil {
		return err
	}
	server, err := sim.Listen(o.listen)
	if err != nil {
		return cannotListen(err, "--listen")
	}
	defer server.Close() //nolint:errcheck // closed with its error returned below
	if o.admin != "" {
		admin, err := sim.ListenAdmin(o.admin)
		if err != nil {
			return cannotListen(err, "--admin")
		}
		defer admin.Close() //nolint:errcheck // only read from
	}
	if !ownKey {
		key = ehpcsim.AccessKey{}
	}
	fmt.Fprintln(stderr, sim.Warning())
	introduce(stderr, server.URL(), cluster, key)
	<-ctx.Done()
	return errors.Join(server.Close(), sim.Close())
}

// cannotListen names the flag for another address where the system refused one.
func cannotListen(err error, flag string) error {
	var refused *net.OpError
	if errors.As(err, &refused) {
		return usageError{fmt.Errorf("%w: choose another address with %s; port 0 lets the system choose", err, flag)}
	}
	return usageError{err}
}

func (o options) setFaults(sim *ehpcsim.Simulator) error {
	if o.faults == "" {
		return nil
	}
	file, err := os.Open(o.faults)
	if err != nil {
		return usageError{err}
	}
	defer file.Close() //nolint:errcheck // only read from
	faults, err := ehpcsim.ReadFaults(file)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", o.faults, err)}
	}
	sim.SetFaults(faults)
	return nil
}

// introduce says what to set for a worker. A key that was taken from the environment
// is not repeated.
func introduce(out io.Writer, url string, cluster ehpcsim.Cluster, key ehpcsim.AccessKey) {
	var b strings.Builder
	fmt.Fprintf(&b, "Cluster %s with nodes %s to %s. For a worker:\n\n", cluster.ID,
		cluster.Nodes[0].InstanceID, cluster.Nodes[len(cluster.Nodes)-1].InstanceID)
	fmt.Fprintf(&b, "  export EHPCFLOW_ENDPOINT=%s EHPCFLOW_REGION=cn-hangzhou\n", url)
	if key.ID != "" {
		fmt.Fprintf(&b, "  export %s=%s %s=%s\n", envID, key.ID, envSecret, key.Secret)
	}
	b.WriteString("\nCtrl-C ends it, and every command that still runs.\n")
	fmt.Fprint(out, b.String())
}
