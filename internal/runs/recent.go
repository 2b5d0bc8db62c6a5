package runs

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// Recent are the names of the latest runs that begin so, each once, at the most so many.
func Recent(ctx context.Context, c client.Client, beginning string, most int) ([]string, error) {
	query := fmt.Sprintf("WorkflowType IN ('%s', '%s', '%s')", runCommandType, rolloutType, clustersType)
	if beginning != "" && !strings.ContainsAny(beginning, `'"\`) {
		query += fmt.Sprintf(" AND WorkflowId STARTS_WITH '%s'", beginning)
	}
	answer, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: int32(most)}) //nolint:gosec // it is a few
	var names []string
	known := make(map[string]bool)
	for _, execution := range answer.GetExecutions() {
		id := execution.GetExecution().GetWorkflowId()
		if strings.HasPrefix(id, beginning) && !known[id] {
			known[id] = true
			names = append(names, id)
		}
	}
	return names, err
}
