// Package activities is where the E-HPC API meets Temporal: one activity per API
// action, named as the action is. It turns API errors into application errors
// whose type is the API's code, and decides which of them may be retried and how
// soon. It takes no decision about a run; package workflows does.
package activities

import (
	"ehpcflow/activities/outputs"
	"ehpcflow/activities/secrets"
	"ehpcflow/ehpc"
)

// Activities holds what the activities work with. Register it with a worker; its
// methods are the activities.
type Activities struct {
	EHPC    *ehpc.Client
	Pace    Pace
	Watcher *Watcher      // of the worker
	Outputs outputs.Store // of complete outputs; nil stores none
	Secrets secrets.Dir   // that runs name; "" has none
}
