package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/runs"
)

// completionPatience is how long a shell waits for names of runs.
const completionPatience = time.Second

// mostCompleted names are offered, the latest runs first.
const mostCompleted = 50

// completeRuns lets a shell complete the name of a run wherever a subcommand takes one as
// its first argument. What goes wrong is not said: the person is in the middle of a line.
func completeRuns(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if words := strings.Fields(cmd.Use); len(words) > 1 && words[1] == "RUN" && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = runNames
		}
		completeRuns(cmd)
	}
}

func runNames(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
	defer cancel()
	c, _, err := connect.Temporal(ctx, logging.ForTemporal(zap.NewNop()))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer c.Close()
	names, _ := runs.Recent(ctx, c, begun, mostCompleted) // those that came in time
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
