package ehpc

import "github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"

// rpc is the part that all requests share. Parameters ride in the query of a
// GET: the API's metadata lists no other method.
type rpc struct {
	*requests.RpcRequest
	metrics *callMetrics // of the client that sent it
}

func (r *rpc) countedBy(m *callMetrics) { r.metrics = m }
func (r *rpc) counted() *callMetrics    { return r.metrics }

func newRPC(action string) rpc {
	r := rpc{RpcRequest: &requests.RpcRequest{}}
	r.InitWithApiInfo("EHPC", apiVersion, action, "ehs", "openAPI")
	r.Method = requests.GET
	return r
}

// instance is the vendor's repeated parameter Instance.N.Id.
type instance struct {
	ID string `name:"Id"`
}

func instancesOf(ids []string) *[]instance {
	list := make([]instance, len(ids))
	for i, id := range ids {
		list[i].ID = id
	}
	return &list
}
