package e2e

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protojson"

	"ehpcflow/internal/logging"
	"ehpcflow/quickstart/devserver"
)

// holds says whether a dump holds a text, or what base64 makes of it at any place.
func holds(dump, text string) bool {
	if strings.Contains(dump, text) {
		return true
	}
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
		if strings.Contains(dump, encoded[4:len(encoded)-4]) { // what its neighbours do not change
			return true
		}
	}
	return false
}

// filesBeside are the bytes of a database file and of what belongs to it.
func filesBeside(t *testing.T, database string) string {
	t.Helper()
	files, err := filepath.Glob(database + "*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all strings.Builder
	for _, file := range files {
		held, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(held)
	}
	return all.String()
}

// tablesOf is every row of every table of an SQLite database.
func tablesOf(t *testing.T, database string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+database+"?mode=ro&_pragma=busy_timeout(20000)")
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // it was only read
	var tables []string
	names, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'table'")
	require.NoError(t, err)
	for names.Next() {
		var name string
		require.NoError(t, names.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, names.Err())
	require.Contains(t, tables, "history_node")
	require.Contains(t, tables, "executions_visibility")

	var all strings.Builder
	for _, table := range tables {
		rows, err := db.Query("SELECT * FROM " + table)
		require.NoError(t, err, table)
		columns, err := rows.Columns()
		require.NoError(t, err)
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		for rows.Next() {
			require.NoError(t, rows.Scan(places...))
			for _, value := range values {
				if bytes, is := value.([]byte); is {
					value = string(bytes)
				}
				fmt.Fprintln(&all, value)
			}
		}
		require.NoError(t, rows.Err())
	}
	return all.String()
}

// rawHistories are all histories of a server as it holds them, beside what it lists of
// their runs.
func rawHistories(t *testing.T, address string) []*historypb.History {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: address, Logger: logging.ForTemporal(zap.NewNop())})
	require.NoError(t, err)
	defer c.Close()
	listed, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: devserver.Namespace})
	require.NoError(t, err)
	require.NotEmpty(t, listed.GetExecutions())
	var histories []*historypb.History
	for _, execution := range listed.GetExecutions() {
		history := &historypb.History{}
		events := c.GetWorkflowHistory(t.Context(), execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId(),
			false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(t, err)
			history.Events = append(history.Events, event)
		}
		histories = append(histories, history)
	}
	return histories
}

// historiesOf are all histories as JSON, followed by the data of their payloads.
func historiesOf(t *testing.T, address string) string {
	t.Helper()
	var all strings.Builder
	for _, history := range rawHistories(t, address) {
		text, err := protojson.Marshal(history)
		require.NoError(t, err)
		all.Write(text)
		require.NoError(t, proxy.VisitPayloads(t.Context(), history, proxy.VisitPayloadsOptions{
			Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
				for _, p := range payloads {
					all.Write(p.GetData())
				}
				return payloads, nil
			},
		}))
	}
	return all.String()
}
