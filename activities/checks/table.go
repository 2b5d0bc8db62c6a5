package checks

// The checks on the starter's side.
const (
	Settings   = "settings"
	Temporal   = "temporal"
	Namespace  = "namespace"
	Attributes = "search attributes"
	Worker     = "worker"
	Version    = "worker version"
	Clock      = "clock"
)

// The checks on the worker's side, beside the permissions.
const (
	Endpoint     = "endpoint"
	API          = "api"
	ServiceClock = "service clock"
	Credential   = "credential"
	Accepted     = "credential accepted"
	Account      = "account"
	Region       = "region"
	Quota        = "quota"
	Cluster      = "cluster"
	Store        = "output store"
)

// Actions of the API that a worker calls, each of which has to be allowed to it. A test
// keeps them, and the RAM policy in deploy/ram, equal to what the activities call.
var Actions = []string{
	"DescribeJob", "GetJobLog", "InvokeShellCommand", "ListClusters", "ListCommands", "ListInvocationResults", "ListInvocationStatus",
	"ListJobs", "ListNodes", "ListNodesByQueue", "StopJobs", "SubmitJob",
}

// JobActions are those of Actions that only jobs need: a worker that may not call one of
// them is warned of it, for it serves commands nevertheless.
var JobActions = []string{"DescribeJob", "GetJobLog", "ListJobs", "StopJobs", "SubmitJob"}

// OnStarter are the checks on the starter's side, in their order.
var OnStarter = []string{Settings, Temporal, Namespace, Attributes, Worker, Version, Clock}

// OnWorker are those on the worker's side.
func OnWorker() []string {
	names := []string{Endpoint, API, ServiceClock, Credential, Accepted, Account, Region, Quota, Cluster}
	for _, action := range Actions {
		names = append(names, Permission(action))
	}
	return append(names, Store)
}

// Entry is what is known of a check.
type Entry struct {
	Name   string // permission stands for one check an action
	Asks   string // what has to hold
	Remedy string // what to do when it does not
}

// Table lists every check, in the order in which they are shown.
var Table = []Entry{
	{Settings, "the settings of the Temporal connection can be used", "correct the TEMPORAL_ variables, or the profile file"},
	{Temporal, "a Temporal server answers at the address", "start one, or set TEMPORAL_ADDRESS"},
	{Namespace, "the namespace exists, and keeps ended runs for a day or longer: a run is found, and its name is taken, for so long only", "create it, or set TEMPORAL_NAMESPACE"},
	{Attributes, "the namespace has the search attributes of runs, with the right types", "run starter setup"},
	{Worker, "a worker takes workflows and activities from the task queue", "start the worker program with the same Temporal address, namespace and task queue; one that finds no credential, or a wrong setting, ends at once and says why"},
	{Version, "the worker knows this examination; of several workers one is asked", "bring every worker of the task queue up to date"},
	{Clock, "the clocks of this machine and of Temporal are less than a minute apart", "set the clock of this machine, or of the Temporal server"},

	{Endpoint, "the worker reaches the endpoint: its name is known, it accepts the connection, and its certificate is trusted", "check the worker's network and its endpoint (--region, --endpoint)"},
	{API, "what answers there is the E-HPC API 2018-04-12", "correct the worker's endpoint (--endpoint), or leave it out to use the region's"},
	{ServiceClock, "the clocks of the worker and of the service are less than a minute apart; beyond 15 minutes every call is refused", "set the worker's clock"},
	{Credential, "the worker finds a cloud credential", "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET for the worker, or give its machine a role"},
	{Accepted, "the service accepts the credential: key, signature and token", "correct the worker's credential"},
	{Account, "the account may use E-HPC", "an administrator of the cloud account has to settle this"},
	{Region, "the clusters that the service lists are of the worker's region", "correct the worker's region (--region) or endpoint (--endpoint)"},
	{Quota, "the service does not throttle the account now", "lower the worker's --api-rate, or find out who else uses the account's quota"},
	{Cluster, "the cluster that --cluster names is there and running", "check the cluster id, which starter clusters lists, and the worker's region"},
	{permission, "the worker's identity may call the action; those of InvokeShellCommand, SubmitJob and StopJobs are not checked, for that would run or stop something. One that only jobs need is a warning", "allow the action ehpc:ACTION to the worker's RAM identity, as deploy/ram/worker-policy.json does"},
	{Store, "the worker can write to its output store", "make the directory of the worker's --output-store writable for it, or mount it again"},
}
