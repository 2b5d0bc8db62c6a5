package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthPatience is for the worker's answer, which waits for Temporal's.
const healthPatience = readyPatience + 2*time.Second

// healthCommand asks a worker on this machine, for images that hold no other program
// which could.
func healthCommand(stdout io.Writer) *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say whether the worker on this machine can take work",
		Long: `Say whether the worker on this machine can take work: 0 when it is ready, 1 when it is
not or does not answer. It asks /readyz at the address that the worker serves its
metrics on, and suits a health check of a container.`,
		Example: "  worker health --metrics-address 127.0.0.1:9090",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return settingError{"health takes no arguments, only flags; see worker health --help"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return askReady(cmd.Context(), address, stdout) },
	}
	cmd.Flags().StringVar(&address, "metrics-address", os.Getenv("EHPCFLOW_METRICS_ADDRESS"), "address that the worker serves its metrics on; also EHPCFLOW_METRICS_ADDRESS")
	return cmd
}

func askReady(ctx context.Context, address string, stdout io.Writer) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return settingError{fmt.Sprintf("--metrics-address is %q: name the address that the worker serves its metrics on, such as 127.0.0.1:9090", address)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return settingError{fmt.Sprintf("--metrics-address is %q: %v", address, err)}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the worker does not answer: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("the worker's answer broke off: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the worker is not ready: %s", strings.TrimSpace(string(said)))
	}
	fmt.Fprintf(stdout, "the worker is %s\n", strings.TrimSpace(string(said)))
	return nil
}
