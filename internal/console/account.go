package console

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// encode writes a value for machines.
func encode(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// WriteClusterList writes the clusters of an account for people.
func WriteClusterList(out io.Writer, listed workflows.ShowClustersResult) error {
	if len(listed.Clusters) == 0 {
		_, err := fmt.Fprintln(out, "the account has no clusters in the worker's region")
		return err
	}
	var rows [][]string
	for _, c := range listed.Clusters {
		nodes := ""
		if c.ComputeNodes != nil && c.RunningNodes != nil {
			nodes = fmt.Sprintf("%d, %d running", *c.ComputeNodes, *c.RunningNodes)
		}
		rows = append(rows, printables(c.ClusterID, c.Name, c.Status, c.Region, c.Scheduler, nodes))
	}
	return WriteTable(out, []string{"cluster", "name", "status", "region", "scheduler", "compute nodes"}, rows)
}

// WriteClusterListJSON writes them for machines, each as an object.
func WriteClusterListJSON(out io.Writer, listed workflows.ShowClustersResult) error {
	return encode(out, struct {
		Clusters []activities.Cluster `json:"clusters"`
	}{each(listed.Clusters)})
}

// WriteNodeList writes nodes of a cluster for people: all of them, however many they are.
func WriteNodeList(out io.Writer, listed workflows.ShowNodesResult) error {
	header := []string{"role", "host", "status", "node", "remark"}
	queues := len(listed.Cluster.Queues) > 0
	if queues {
		header = slices.Insert(header, 1, "queue")
	}
	var rows [][]string
	for _, node := range listed.Nodes {
		remark := ""
		if node.Unfit != "" && node.Unfit != node.Status {
			remark = "cannot run a command: " + node.Unfit
		}
		row := printables(strings.Join(node.Roles, ", "), node.HostName, node.Status, node.InstanceID, remark)
		if queues {
			row = slices.Insert(row, 1, printable(strings.Join(node.Queues, ", ")))
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		if err := WriteTable(out, header, rows); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	_, err := fmt.Fprintln(out, printable(listed.Headline()))
	return err
}

// WriteNodeListJSON writes them for machines, each as an object.
func WriteNodeListJSON(out io.Writer, listed workflows.ShowNodesResult) error {
	return encode(out, struct {
		workflows.ShowNodesResult
		Nodes []activities.Node `json:"nodes"`
	}{listed, each(listed.Nodes)})
}

// shownText is how many characters of a command a table shows.
const shownText = 60

// WriteCommandList writes commands of a cluster for people.
func WriteCommandList(out io.Writer, listed workflows.ShowCommandsResult) error {
	if len(listed.Commands) == 0 {
		_, err := fmt.Fprintln(out, "the service lists no commands of this cluster")
		return err
	}
	var rows [][]string
	for _, c := range listed.Commands {
		timeout := ""
		if c.TimeoutSeconds != nil {
			timeout = strconv.Itoa(*c.TimeoutSeconds) + "s"
		}
		rows = append(rows, printables(c.CommandID, origin(c), timeout, shortened(c)))
	}
	if err := WriteTable(out, []string{"command", "submitted by", "timeout", "text"}, rows); err != nil {
		return err
	}
	more := ""
	if listed.More {
		more = "there are more (--limit). "
	}
	_, err := fmt.Fprintf(out, "\n%sThe service tells neither when a command was submitted nor how it stands;\nstarter attach --cluster ID --command-id COMMAND follows one.\n", more)
	return err
}

// WriteCommandListJSON writes them for machines, each as an object.
func WriteCommandListJSON(out io.Writer, listed workflows.ShowCommandsResult) error {
	return encode(out, struct {
		Commands []activities.ClusterCommand `json:"commands"`
		More     bool                        `json:"more"`
	}{each(listed.Commands), listed.More})
}

func origin(c activities.ClusterCommand) string {
	switch {
	case c.Stop:
		return "ehpcflow, to stop " + c.Token
	case c.Token != "":
		return "ehpcflow, as " + c.Token
	}
	return "others"
}

// shortened is the text in one line.
func shortened(c activities.ClusterCommand) string {
	text := strings.Join(strings.Fields(c.Text), " ")
	if runes := []rune(text); len(runes) > shownText {
		return string(runes[:shownText]) + "…"
	}
	if c.Cut {
		return text + "…"
	}
	return text
}

func printables(texts ...string) []string {
	for i := range texts {
		texts[i] = printable(texts[i])
	}
	return texts
}

// each is a list as machines expect it: not turned on its side, and never null.
func each[L ~[]T, T any](list L) []T { return append([]T{}, list...) }
