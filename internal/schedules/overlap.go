package schedules

import (
	"cmp"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
)

// The ways to deal with a firing while the run before goes on, by their names.
const (
	skip        = "skip"
	bufferOne   = "buffer-one"
	bufferAll   = "buffer-all"
	cancelOther = "cancel-other"
	allowAll    = "allow-all"

	// terminateOther is Temporal's too, and refused.
	terminateOther = "terminate-other"
)

// overlaps are all there are.
var overlaps = []struct {
	name   string
	policy enumspb.ScheduleOverlapPolicy
}{
	{skip, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP},
	{bufferOne, enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE},
	{bufferAll, enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL},
	{cancelOther, enumspb.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER},
	{allowAll, enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL},
}

type overlap struct {
	policy enumspb.ScheduleOverlapPolicy
}

// overlapOf reads the name of a policy; "" is skip.
func overlapOf(name string) (overlap, bool) {
	for _, o := range overlaps {
		if o.name == cmp.Or(name, skip) {
			return overlap{o.policy}, true
		}
	}
	return overlap{}, false
}

// CheckOverlap refuses what is no way to deal with a firing; "" is one.
func CheckOverlap(name string) error {
	if _, known := overlapOf(name); !known {
		return fmt.Errorf("--overlap is %q: use %s", name, overlapNames())
	}
	return nil
}

// overlapName is the name of a policy; Temporal's own word of one that has none here.
func overlapName(policy enumspb.ScheduleOverlapPolicy) string {
	for _, o := range overlaps {
		if o.policy == policy {
			return o.name
		}
	}
	return policy.String()
}

func overlapNames() string {
	names := make([]string, len(overlaps))
	for i, o := range overlaps {
		names[i] = o.name
	}
	return strings.Join(names, ", ")
}
