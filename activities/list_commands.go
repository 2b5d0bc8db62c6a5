package activities

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"ehpcflow/activities/guard"
	"ehpcflow/ehpc/catalogue"
)

// ListCommandsInput names a submit whose commands are looked for.
type ListCommandsInput struct {
	ClusterID string `json:"clusterId"`
	Token     string `json:"token"`

	// Known are the commands of that token that need not be found.
	Known []string `json:"known,omitempty"`

	// DoubtAt is when one may have arrived at the latest. It may be listed later.
	DoubtAt time.Time `json:"doubtAt"`
}

// ListCommandsResult holds what was found.
type ListCommandsResult struct {
	CommandIDs []string `json:"commandIds,omitempty"`
}

// ListCommands looks for commands that carry a token, until one is found or none has
// been listed for so long that none has arrived. How soon the service lists a
// command is not documented; see Pace.NewFor.
func (a *Activities) ListCommands(ctx context.Context, in ListCommandsInput) (*ListCommandsResult, error) {
	info := activity.GetInfo(ctx)
	stop := keepAlive(ctx, "looking")
	defer stop()
	for look := int32(1); ; look++ {
		window := time.Until(in.DoubtAt.Add(a.Pace.NewFor))
		found, err := a.commandsOf(ctx, in)
		if err != nil {
			return nil, a.attendedFailure(err, in.DoubtAt, info.ScheduledTime, info.Attempt)
		}
		if len(found) > 0 || window < 0 {
			return &ListCommandsResult{CommandIDs: found}, nil
		}
		select {
		case <-time.After(min(a.Pace.backoff(catalogue.Soon, min(look, 3)), window+time.Millisecond)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (a *Activities) commandsOf(ctx context.Context, in ListCommandsInput) ([]string, error) {
	var found []string
	for command, err := range a.EHPC.Commands(ctx, in.ClusterID) {
		if err != nil {
			return nil, err
		}
		if carries(command.Content, in.Token) && !slices.Contains(in.Known, command.ID) {
			found = append(found, command.ID)
		}
	}
	return found, nil
}

// carries says whether the text of a command was submitted under a token. It is
// documented as verbatim; the sister product answers in base64.
func carries(content, token string) bool {
	if decoded, err := base64.StdEncoding.DecodeString(content); err == nil {
		content = string(decoded)
	}
	return guard.Carries(token, content)
}
