package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ehpcflow/activities/checks"
	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// probed stands where a probe needs the name of something that need not exist.
const probed = "ehpcflow-doctor"

// permissions calls what only reads, a page of one item at a time.
func (x *examination) permissions(ctx context.Context) {
	for action, why := range map[string]string{
		"InvokeShellCommand": "a probe would run something; the first run tells",
		"SubmitJob":          "a probe would run something; the first job tells",
		"StopJobs":           "a probe could stop something; the first stop of a job tells",
	} {
		x.note(checks.Skip(checks.Permission(action), why))
	}
	if x.clusterID == "" {
		return
	}
	id := x.clusterID
	var probes sync.WaitGroup
	probe := func(action string, call func(context.Context) error) {
		ctx, cancel := context.WithTimeout(ctx, probePatience)
		defer cancel()
		x.judge(action, call(ctx))
	}
	probes.Go(func() {
		probe("ListNodes", func(ctx context.Context) error {
			_, err := x.api.ListNodes(ctx, ehpc.ListNodesRequest{ClusterID: id, PageNumber: 1, PageSize: 1})
			return err
		})
	})
	probes.Go(func() {
		probe("ListNodesByQueue", func(ctx context.Context) error {
			_, err := x.api.ListNodesByQueue(ctx, ehpc.ListNodesByQueueRequest{ClusterID: id, QueueName: probed, PageNumber: 1, PageSize: 1})
			return err
		})
	})
	probes.Go(func() {
		command := probed
		probe("ListCommands", func(ctx context.Context) error {
			page, err := x.api.ListCommands(ctx, ehpc.ListCommandsRequest{ClusterID: id, PageNumber: 1, PageSize: 1})
			if err == nil && len(page.Items) > 0 {
				command = page.Items[0].ID
			}
			return err
		})
		probe("ListInvocationStatus", func(ctx context.Context) error {
			_, err := x.api.ListInvocationStatus(ctx, ehpc.ListInvocationStatusRequest{ClusterID: id, CommandID: command})
			return err
		})
		probe("ListInvocationResults", func(ctx context.Context) error {
			_, err := x.api.ListInvocationResults(ctx, ehpc.ListInvocationResultsRequest{ClusterID: id, CommandID: command, PageNumber: 1, PageSize: 1})
			return err
		})
	})
	probes.Go(func() {
		job := probed
		probe("ListJobs", func(ctx context.Context) error {
			page, err := x.api.ListJobs(ctx, ehpc.ListJobsRequest{ClusterID: id, PageNumber: 1, PageSize: 1})
			if err == nil && len(page.Items) > 0 {
				job = page.Items[0].ID
			}
			return err
		})
		probe("DescribeJob", func(ctx context.Context) error {
			_, err := x.api.DescribeJob(ctx, ehpc.DescribeJobRequest{ClusterID: id, JobID: job})
			return err
		})
		probe("GetJobLog", func(ctx context.Context) error {
			_, err := x.api.GetJobLog(ctx, ehpc.GetJobLogRequest{ClusterID: id, JobID: job, Size: 1})
			return err
		})
	})
	probes.Wait()
}

// judge notes what a call says of the set-up. It returns whether the service let the
// credential pass, so that further calls are worth making.
func (x *examination) judge(action string, err error) bool {
	permitted := checks.Permission(action)
	if err == nil {
		x.note(checks.Pass(checks.Accepted, "the service accepts it"))
		x.note(checks.Pass(checks.Account, "the account may use E-HPC"))
		x.note(checks.Pass(permitted, "allowed"))
		return true
	}
	var failure *ehpc.Error
	if !errors.As(err, &failure) {
		x.note(checks.Skip(permitted, "the call failed"))
		return false
	}
	entry := catalogue.Find(failure.Code, failure.HTTPStatus)
	finding := said(failure)
	advice := strings.ReplaceAll(entry.Advice, "<action>", action)
	switch blamed := culprit(failure.Code, entry); blamed {
	case checks.Permission(""):
		x.note(checks.Pass(checks.Accepted, "the service accepts it"))
		refused := checks.Fail
		if slices.Contains(checks.JobActions, action) {
			refused, finding = checks.Warn, finding+"; jobs of pipelines need it, commands do not"
		}
		x.note(refused(permitted, finding, ""))
		return true
	case checks.Quota:
		x.note(checks.Skip(permitted, "the service throttles"))
		x.note(checks.Warn(checks.Quota, finding, ""))
		return false
	case checks.Cluster: // the service looked for it, and so let the call through
		x.note(checks.Fail(checks.Cluster, finding, advice))
		x.note(checks.Pass(permitted, "let through: the service answers "+failure.Code))
		return true
	case "":
		x.note(checks.Skip(permitted, finding))
		return false
	case answered:
		x.note(checks.Pass(permitted, "let through: the service answers "+failure.Code))
		return true
	default:
		x.note(checks.Fail(blamed, finding, advice))
		x.explain("the service refuses every call; see " + blamed)
		return false
	}
}

// answered is no check: the service got as far as to look for what was asked about.
const answered = "answered"

// culprit is the check that an error fails; "" when it tells nothing of the set-up.
func culprit(code string, entry catalogue.Entry) string {
	begins := func(with ...string) bool {
		for _, beginning := range with {
			if strings.HasPrefix(code, beginning) {
				return true
			}
		}
		return false
	}
	switch class := entry.Class.Name; {
	case begins("InvalidTimeStamp"):
		return checks.ServiceClock
	case begins("Signature", "IncompleteSignature", "InvalidAccessKeyId", "InvalidSecurityToken"):
		return checks.Accepted
	case begins("InvalidVersion", "InvalidAction", "NoSuchVersion", "InvalidApi", "InvalidProduct"):
		return checks.API
	case begins("HTTP.407"):
		return checks.Endpoint
	case class == "access":
		return checks.Permission("")
	case class == "account":
		return checks.Account
	case class == "throttling":
		return checks.Quota
	case code == "ClusterNotFound":
		return checks.Cluster
	case class == "young", class == "request" && !begins("Client."), class == "busy", class == "cluster":
		return answered
	case code == catalogue.NoCredentials:
		return checks.Credential
	}
	return ""
}

// said is what the service said, without the advice.
func said(failure *ehpc.Error) string {
	text := failure.Action + ": " + failure.Code
	if failure.HTTPStatus != 0 {
		text += fmt.Sprintf(" (HTTP %d)", failure.HTTPStatus)
	}
	if failure.Message != "" {
		text += ": " + strings.TrimRight(failure.Message, ". ")
	}
	return text
}
