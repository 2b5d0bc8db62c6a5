package activities

import (
	"context"
	"encoding/base64"
	"unicode/utf8"

	"go.temporal.io/sdk/activity"

	"ehpcflow/activities/columns"
	"ehpcflow/activities/guard"
)

// MaxListedCommands is how many commands are listed at a time, and maxListedText how
// many characters of each: together they fit into one payload, whatever the characters.
const (
	MaxListedCommands = 500
	maxListedText     = 300
)

// ListAllCommandsInput names a cluster.
type ListAllCommandsInput struct {
	ClusterID string `json:"clusterId"`

	// Limit is how many are listed at most, 1 to MaxListedCommands.
	Limit int `json:"limit"`
}

// ListAllCommandsResult holds commands of a cluster, in the order of the service, which
// is not documented, and whether there are more.
type ListAllCommandsResult struct {
	Commands Commands `json:"commands"`
	More     bool     `json:"more,omitempty"` // there are more than were asked for
}

// Commands are those of a cluster; a long list is written as columns.
type Commands []ClusterCommand

// MarshalJSON writes the list; see package columns.
func (c Commands) MarshalJSON() ([]byte, error) { return columns.Marshal(c) }

// UnmarshalJSON reads it, also as a plain array.
func (c *Commands) UnmarshalJSON(text []byte) error {
	return columns.Unmarshal(text, (*[]ClusterCommand)(c))
}

// ClusterCommand is one that a cluster was given. The API tells neither when, nor by whom, nor
// on which nodes.
type ClusterCommand struct {
	CommandID string `json:"commandId"`

	// Text as a person wrote it, of which Cut leaves the beginning only. Of a stop, and
	// of what another version of ehpcflow wrote around a command, it is all of the text.
	Text string `json:"text,omitempty"`
	Cut  bool   `json:"cut,omitempty"`

	// Token of a command that ehpcflow submitted; "" of others, and of those that were
	// submitted as they are (--raw).
	Token string `json:"token,omitempty"`

	// Stop says that it stops the command of that token.
	Stop bool `json:"stop,omitempty"`

	WorkingDir     string `json:"workingDir,omitempty"`
	TimeoutSeconds *int   `json:"timeoutSeconds,omitempty"` // nil where the service does not say
}

// ListAllCommands reads the commands of a cluster, whoever submitted them.
func (a *Activities) ListAllCommands(ctx context.Context, in ListAllCommandsInput) (*ListAllCommandsResult, error) {
	stop := keepAlive(ctx, "listing")
	defer stop()
	result := &ListAllCommandsResult{Commands: Commands{}}
	for command, err := range a.EHPC.Commands(ctx, in.ClusterID) {
		if err != nil {
			return nil, a.readFailure(err, activity.GetInfo(ctx).Attempt)
		}
		if len(result.Commands) == min(in.Limit, MaxListedCommands) {
			result.More = true
			break
		}
		listed := ClusterCommand{CommandID: command.ID, Text: command.Content, WorkingDir: command.WorkingDir, TimeoutSeconds: command.Timeout}
		listed.read(command.Content)
		if utf8.RuneCountInString(listed.Text) > maxListedText {
			listed.Text, listed.Cut = string([]rune(listed.Text)[:maxListedText]), true
		}
		result.Commands = append(result.Commands, listed)
	}
	return result, nil
}

// read says of a text that the service may answer in base64, see carries, whether it is
// of ours. Only of what guard.Wrap writes, word for word, is the command shown alone: what
// merely looks like it may do something else.
func (c *ClusterCommand) read(content string) {
	if decoded, err := base64.StdEncoding.DecodeString(content); err == nil {
		content = string(decoded)
	}
	ours, found := guard.Recognise(content)
	if !found {
		return
	}
	c.Token, c.Stop, c.Text = ours.Token, ours.Stop, content
	if _, command, exactly := guard.Unwrap(content); exactly {
		c.Text = command
	}
}
