package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitStopped     = 0 // asked to stop, and stopped in order
	exitFailed      = 1 // could not go on
	exitUsage       = 2 // wrong flags or settings
	exitUnreachable = 3 // Temporal could not be reached
)

// settingError is what is wrong with the settings, all of it.
type settingError []string

func (e settingError) Error() string {
	if len(e) == 1 {
		return e[0]
	}
	return fmt.Sprintf("%d settings cannot be used:\n  %s", len(e), strings.Join(e, "\n  "))
}

func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	all := o.settings()
	var printOnly bool
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Carry out the runs of a task queue",
		Long: `Carry out the runs of a task queue.

The Temporal server is found by TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and their
like, or by Temporal's profile file; without any, at 127.0.0.1:7233.

The cloud credential is found by the vendor's own chain: the variables
ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, an OIDC role, the
CLI's profile, the credentials file, or the ECS role of this machine.

What goes to Temporal is encrypted when EHPCFLOW_ENCRYPTION_KEYS names a key file, as
starter keygen makes it.

Every setting is a flag, a variable or a key of the configuration file, in this
order; an empty one counts as not set.`,
		Example: `  worker --region cn-hangzhou --metrics-address 127.0.0.1:9090
  worker --region cn-hangzhou --print-config > worker.yaml
  worker --config worker.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return settingError{"worker takes no arguments, only flags; see worker --help"}
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if problems := append(all.resolve(cmd.Flags()), o.problems()...); len(problems) > 0 {
				return settingError(problems)
			}
			if printOnly {
				return all.print(stdout)
			}
			s, err := o.open(cmd.Context(), all)
			if err != nil {
				return err
			}
			return s.serve(cmd.Context())
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return settingError{err.Error() + "; see worker --help"}
	})
	all.register(cmd.Flags())
	cmd.Flags().BoolVar(&printOnly, "print-config", false, "print the effective settings as a configuration file, with where each came from, and start nothing")
	cmd.Flags().SortFlags = false
	cmd.AddCommand(codecServerCommand(stderr), healthCommand(stdout))
	cmd.SetArgs(args)
	cmd.SetOut(stderr)
	cmd.SetErr(stderr)

	err := cmd.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "worker: %v\n", err)
	}
	return exitCode(err)
}

// problems are those of settings that do not go together.
func (o *options) problems() []string {
	var problems []string
	if (o.work.Deployment == "") != (o.work.BuildID == "") {
		problems = append(problems, fmt.Sprintf("deployment is %q and build-id %q: set both, or neither", o.work.Deployment, o.work.BuildID))
	}
	if protocol := os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); o.otlp != "" && protocol != "" && protocol != "grpc" {
		problems = append(problems, fmt.Sprintf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: the worker speaks grpc only, which collectors take on port 4317", protocol))
	}
	return problems
}

// saysAll is an error that is shown without the text that it is about, which may hold a
// secret.
type saysAll struct{ error }

func describe(from origin, text string, err error) string {
	var all saysAll
	if errors.As(err, &all) {
		return fmt.Sprintf("%s: %v", from, err)
	}
	return fmt.Sprintf("%s is %q: %v", from, text, err)
}
