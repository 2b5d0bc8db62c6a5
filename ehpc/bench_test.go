package ehpc_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"ehpcflow/ehpc"
)

// BenchmarkCall is what one call costs beside the network: signing, encoding and
// decoding. Its namesake in module conformance measures the vendor's last generated
// client for the same answer; make bench-client runs both.
func BenchmarkCall(b *testing.B) {
	const body = `{"RequestId":"R","CommandId":"c-1","InvokeStatus":"Running","InvokeInstances":{"InvokeInstance":[` +
		`{"InstanceId":"i-a","InstanceInvokeStatus":"Running"},{"InstanceId":"i-b","InstanceInvokeStatus":"Finished"}]}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	b.Cleanup(server.Close)
	c, err := ehpc.New(ehpc.Config{
		Region: "cn-hangzhou", Endpoint: server.URL, Credentials: static(), Budget: ehpc.NewBudget(1e9),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		got, err := c.ListInvocationStatus(b.Context(), statusRequest())
		if err != nil || len(got.Instances) != 2 {
			b.Fatal(got, err)
		}
	}
}
