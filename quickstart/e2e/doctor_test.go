package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/types/known/durationpb"

	"ehpcflow/activities"
	"ehpcflow/activities/checks"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/doctor"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// patient is a set-up to examine: the programs as a user starts them.
type patient struct {
	t      *testing.T
	sim    *ehpcsim.Simulator
	key    ehpcsim.AccessKey
	env    environment // of both programs
	worker environment // of the worker alone, added to it
	flags  []string    // of the worker
	served bool        // whether a worker is waited for
	args   []string    // of starter doctor
	sick   func()      // is done when the worker serves
}

// namespaceOf makes a namespace with these search attributes.
func namespaceOf(t *testing.T, attributes map[string]enumspb.IndexedValueType) string {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	c, err := client.DialContext(t.Context(), client.Options{HostPort: temporal.Address(), Namespace: name})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(72 * time.Hour),
	})
	require.NoError(t, err)
	if len(attributes) > 0 {
		await(t, time.Minute, "the search attributes are there", func() bool {
			_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{Namespace: name, SearchAttributes: attributes})
			return err == nil
		})
	}
	await(t, time.Minute, "workers can poll", func() bool {
		_, err := c.DescribeTaskQueue(t.Context(), "any", enumspb.TASK_QUEUE_TYPE_WORKFLOW)
		listed, listing := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: name})
		return err == nil && listing == nil && len(listed.GetCustomAttributes()) >= len(attributes)
	})
	return name
}

func allAttributes() map[string]enumspb.IndexedValueType {
	all := make(map[string]enumspb.IndexedValueType)
	for _, a := range workflows.SearchAttributes {
		all[a.Name] = a.Type
	}
	return all
}

// newPatient is a set-up in which nothing is wrong.
func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t, key: ehpcsim.NewAccessKey(), served: true, sick: func() {}}
	var err error
	p.sim, err = ehpcsim.New(ehpcsim.Config{
		Clusters: []ehpcsim.Cluster{ehpcsim.DemoCluster(stack.ClusterID, 2)}, AccessKeys: []ehpcsim.AccessKey{p.key},
	})
	require.NoError(t, err)
	server, err := p.sim.Listen("127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.NoError(t, p.sim.Close())
	})
	p.env = environment{
		"TEMPORAL_ADDRESS": temporal.Address(), "EHPCFLOW_TASK_QUEUE": t.Name(), "EHPCFLOW_ENDPOINT": server.URL(), "EHPCFLOW_REGION": "cn-hangzhou",
		"ALIBABA_CLOUD_ACCESS_KEY_ID": p.key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": p.key.Secret, "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
	}
	p.worker = environment{}
	return p
}

// examine starts the worker and has everything examined.
func (p *patient) examine() (outcome, doctor.Examination) {
	p.t.Helper()
	env := p.env
	for name, value := range p.worker {
		env = env.with(name, value)
	}
	if p.served {
		_, said := background(p.t, env, "worker", p.flags...)
		await(p.t, time.Minute, "the worker serves", func() bool { return strings.Contains(said.String(), "serving") })
	}
	p.sick()
	asStarter := p.env.with("ALIBABA_CLOUD_ACCESS_KEY_ID", "").with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "") // it needs none
	shown := program(p.t, asStarter, "starter", append([]string{"doctor"}, p.args...)...)
	asJSON := program(p.t, asStarter, "starter", append([]string{"doctor", "--json"}, p.args...)...)
	require.Equal(p.t, shown.code, asJSON.code)
	require.Empty(p.t, shown.stderr+asJSON.stderr)
	require.NotContains(p.t, shown.stdout+asJSON.stdout, p.key.ID)
	require.NotContains(p.t, shown.stdout+asJSON.stdout, p.key.Secret)
	var report doctor.Examination
	require.NoError(p.t, json.Unmarshal([]byte(asJSON.stdout), &report))
	return shown, report
}

func failedOf(report doctor.Examination) []string {
	failed := []string{}
	for _, check := range report.Checks {
		if check.State == checks.Failed {
			failed = append(failed, check.Name)
		}
	}
	return failed
}

func TestDoctorFindsNothingWhereNothingIsWrong(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.env["TEMPORAL_NAMESPACE"] = namespaceOf(t, allAttributes())
	p.flags = []string{"--output-store", t.TempDir()}
	p.args = []string{"--cluster", stack.ClusterID}
	shown, report := p.examine()
	require.Equal(t, 0, shown.code, shown.stdout)
	require.Zero(t, report.Failed+report.Warnings, shown.stdout)
	unprobed := []string{checks.Permission("InvokeShellCommand"), checks.Permission("StopJobs"), checks.Permission("SubmitJob")}
	for _, check := range report.Checks {
		require.Equal(t, slices.Contains(unprobed, check.Name), check.State == checks.Skipped, check)
	}
	require.Contains(t, shown.stdout, "\nnothing failed\n")
	require.Equal(t, len(unprobed), strings.Count(shown.stdout, "–"), shown.stdout)
	require.Zero(t, p.sim.Requests("InvokeShellCommand"), "an examination runs nothing")
	t.Log("\n" + shown.stdout)
}

// brokenSetups are what goes wrong, with the one check that fails for it and what the
// person is told to do.
var brokenSetups = map[string]struct {
	spoil func(*patient)
	fails string
	says  string
	code  int // 0 means 1
}{
	"Temporal is down": {func(p *patient) { p.env["TEMPORAL_ADDRESS"], p.served = "127.0.0.1:1", false },
		checks.Temporal, "start one, or set TEMPORAL_ADDRESS", 3},
	"the settings cannot be used": {func(p *patient) { p.env["TEMPORAL_TLS_CLIENT_CERT_PATH"], p.served = "/nonexistent", false },
		checks.Settings, "correct the TEMPORAL_ variables", 0},
	"no namespace": {func(p *patient) { p.env["TEMPORAL_NAMESPACE"], p.served = "nowhere", false },
		checks.Namespace, "create it, or set TEMPORAL_NAMESPACE", 0},
	"no search attributes": {func(p *patient) { p.env["TEMPORAL_NAMESPACE"] = namespaceOf(p.t, nil) },
		checks.Attributes, "run starter setup", 0},
	"a search attribute of another type": {func(p *patient) {
		attributes := allAttributes()
		attributes["EhpcflowFailedNodes"] = enumspb.INDEXED_VALUE_TYPE_DOUBLE
		p.env["TEMPORAL_NAMESPACE"] = namespaceOf(p.t, attributes)
	}, checks.Attributes, "EhpcflowFailedNodes is of type Double, not Int", 0},
	"no worker": {func(p *patient) { p.served = false },
		checks.Worker, "start the worker program with the same Temporal address, namespace and task queue", 0},
	"no credential": {func(p *patient) {
		delete(p.env, "ALIBABA_CLOUD_ACCESS_KEY_ID")
		delete(p.env, "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
		p.served = false
		refused := program(p.t, p.env, "worker")
		require.Equal(p.t, 2, refused.code, "such a worker does not serve at all")
		require.Contains(p.t, refused.stderr, "no usable cloud credential: set ALIBABA_CLOUD_ACCESS_KEY_ID")
	}, checks.Worker, "one that finds no credential, or a wrong setting, ends at once and says why", 0},
	"the credential went away": {func(p *patient) {
		delete(p.env, "ALIBABA_CLOUD_ACCESS_KEY_ID")
		delete(p.env, "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
		home := p.t.TempDir()
		profile := filepath.Join(home, "credentials")
		require.NoError(p.t, os.WriteFile(profile, []byte("[default]\ntype = access_key\naccess_key_id = "+p.key.ID+"\naccess_key_secret = "+p.key.Secret+"\n"), 0o600))
		p.worker["ALIBABA_CLOUD_CREDENTIALS_FILE"] = profile
		p.sim.Inject(ehpcsim.Fault{Action: "ListClusters", Code: "InvalidSecurityToken.Expired"}) // has it looked for anew
		p.sick = func() {
			require.NoError(p.t, os.Remove(profile))
			background(p.t, p.env, "starter", "clusters")
			await(p.t, time.Minute, "the credential is of no use", func() bool { return p.sim.Requests("ListClusters") > 0 })
		}
	}, checks.Credential, "set ALIBABA_CLOUD_ACCESS_KEY_ID", 0},
	"a wrong secret": {func(p *patient) { p.worker["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "wrong" },
		checks.Accepted, "correct the worker's ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET", 0},
	"an unknown key": {func(p *patient) { p.worker["ALIBABA_CLOUD_ACCESS_KEY_ID"] = "nobody" },
		checks.Accepted, "InvalidAccessKeyId.NotFound", 0},
	"an expired token": {func(p *patient) { p.sim.Inject(ehpcsim.Fault{Code: "InvalidSecurityToken.Expired", Times: -1}) },
		checks.Accepted, "renew the worker's temporary credential", 0},
	"a malformed token": {func(p *patient) { p.worker["ALIBABA_CLOUD_SECURITY_TOKEN"] = "garbage" },
		checks.Accepted, "InvalidSecurityToken.Malformed", 0},
	"nothing at the endpoint": {func(p *patient) { p.worker["EHPCFLOW_ENDPOINT"] = "http://127.0.0.1:1" },
		checks.Endpoint, "check the worker's network and its endpoint", 0},
	"an endpoint of no such name": {func(p *patient) { p.worker["EHPCFLOW_ENDPOINT"] = "ehpc.cn-nowhere.invalid" },
		checks.Endpoint, "the name is not known", 0},
	"an untrusted endpoint": {func(p *patient) {
		server := httptest.NewTLSServer(p.sim)
		p.t.Cleanup(server.Close)
		p.worker["EHPCFLOW_ENDPOINT"] = server.URL
	}, checks.Endpoint, "let it trust the certificate's issuer (SSL_CERT_FILE)", 0},
	"a web page at the endpoint": {func(p *patient) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html><body>It works!</body></html>"))
		}))
		p.t.Cleanup(server.Close)
		p.worker["EHPCFLOW_ENDPOINT"] = server.URL
	}, checks.API, "correct the worker's endpoint", 0},
	"a wrong clock": {func(p *patient) {
		p.worker["EHPCFLOW_ENDPOINT"] = p.elsewhen(time.Hour)
		p.sim.Inject(ehpcsim.Fault{Code: "InvalidTimeStamp.Expired", Times: -1})
	}, checks.ServiceClock, "set the worker's clock", 0},
	"another region": {func(p *patient) { p.worker["EHPCFLOW_REGION"] = "cn-beijing" },
		checks.Region, "correct the worker's region", 0},
	"an account in debt": {func(p *patient) { p.sim.Inject(ehpcsim.Fault{Code: "InDebt", Times: -1}) },
		checks.Account, "settle the account's overdue payment", 0},
	"a forbidden action": {func(p *patient) { p.sim.Forbid(p.key.ID, "ListInvocationResults") },
		checks.Permission("ListInvocationResults"), "allow the action ehpc:ListInvocationResults to the worker's RAM identity", 0},
	"the list of clusters forbidden": {func(p *patient) { p.sim.Forbid(p.key.ID, "ListClusters") },
		checks.Permission("ListClusters"), "allow the action ehpc:ListClusters", 0},
	"an output store that vanished": {func(p *patient) {
		dir := filepath.Join(p.t.TempDir(), "outputs")
		p.flags = []string{"--output-store", dir}
		p.sick = func() { require.NoError(p.t, os.RemoveAll(dir)) }
	}, checks.Store, "make the directory of the worker's --output-store writable", 0},
	"an unknown cluster": {func(p *patient) { p.args = []string{"--cluster", "ehpc-nowhere"} },
		checks.Cluster, "check the cluster id, which starter clusters lists, and the worker's region", 0},
	"a worker that is too old": {func(p *patient) {
		p.served = false
		c, err := client.DialContext(p.t.Context(), client.Options{HostPort: temporal.Address(), Namespace: p.env["TEMPORAL_NAMESPACE"]})
		require.NoError(p.t, err)
		p.t.Cleanup(c.Close)
		old := worker.New(c, p.t.Name(), worker.Options{})
		old.RegisterWorkflow(workflows.RunCommand)
		old.RegisterActivity(&activities.Activities{})
		require.NoError(p.t, old.Start())
		p.t.Cleanup(old.Stop)
	}, checks.Version, "bring every worker of the task queue up to date", 0},
}

// elsewhen is the simulator with another time on its answers.
func (p *patient) elsewhen(ahead time.Duration) string {
	to, err := url.Parse(p.env["EHPCFLOW_ENDPOINT"])
	require.NoError(p.t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	p.t.Cleanup(server.Close)
	return server.URL
}

func TestDoctorFindsEachBrokenSetupByName(t *testing.T) {
	t.Parallel()
	well := namespaceOf(t, allAttributes())
	for name, tc := range brokenSetups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			p.env["TEMPORAL_NAMESPACE"] = well
			tc.spoil(p)
			shown, report := p.examine()
			require.Equal(t, []string{tc.fails}, failedOf(report), shown.stdout)
			require.Equal(t, max(tc.code, 1), shown.code)
			require.Contains(t, shown.stdout, "✗ "+tc.fails)
			require.Contains(t, shown.stdout, "\nfailed: "+tc.fails)
			require.Contains(t, shown.stdout, tc.says)
			for _, check := range report.Checks {
				require.Equal(t, check.State == checks.Failed || check.State == checks.Warned, check.Remedy != "", "%+v", check)
				require.NotEmpty(t, check.Finding)
			}
			require.Zero(t, p.sim.Requests("InvokeShellCommand"))
		})
	}
}

func TestAWorkerThatMayFollowNoJobsIsWarnedAndFailsNothing(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.env["TEMPORAL_NAMESPACE"] = namespaceOf(t, allAttributes())
	p.args = []string{"--cluster", stack.ClusterID}
	p.sim.Forbid(p.key.ID, checks.JobActions...)
	shown, report := p.examine()
	require.Equal(t, 0, shown.code, shown.stdout)
	require.Equal(t, 3, report.Warnings, "those of SubmitJob and StopJobs are not examined:\n%s", shown.stdout)
	require.Contains(t, shown.stdout, "! permission GetJobLog")
	require.Contains(t, shown.stdout, "jobs of pipelines need it, commands do not")
	require.Contains(t, shown.stdout, "allow the action ehpc:GetJobLog")
	t.Log("\n" + shown.stdout)
}

func TestAThrottledAccountIsToldAndFailsNothing(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.env["TEMPORAL_NAMESPACE"] = namespaceOf(t, allAttributes())
	p.sim.Inject(ehpcsim.Fault{Code: "Throttling.User", Times: -1})
	shown, report := p.examine()
	require.Equal(t, 0, shown.code, shown.stdout)
	require.Equal(t, 1, report.Warnings)
	require.Contains(t, shown.stdout, "! quota")
	require.Contains(t, shown.stdout, "lower the worker's --api-rate")
}
