package ehpcsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

const (
	apiVersion = "2018-04-12"
	product    = "EHPC"
)

// actions are those that the simulator knows.
var actions = map[string]func(*Simulator, url.Values) (any, *apiError){
	"InvokeShellCommand":    (*Simulator).invokeShellCommand,
	"ListInvocationStatus":  (*Simulator).listInvocationStatus,
	"ListInvocationResults": (*Simulator).listInvocationResults,
	"ListNodes":             (*Simulator).listNodes,
}

// ServeHTTP answers one call of the API. Parameters ride in the query of a GET; a
// POST may carry them as a form.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		refuse(w, fail("InvalidParameter"))
		return
	}
	params := r.Form
	if failure := s.authenticate(r.Method, params); failure != nil {
		refuse(w, failure)
		return
	}
	name := params.Get("Action")
	action, known := actions[name]
	switch {
	case params.Get("Version") != apiVersion:
		refuse(w, fail("InvalidVersion"))
		return
	case !known:
		refuse(w, fail("InvalidAction.NotFound"))
		return
	}
	fault := s.count(name)
	if fault.Drop == DropBefore {
		panic(http.ErrAbortHandler)
	}
	var answer any
	failure := fault.failure()
	if failure == nil {
		answer, failure = action(s, params)
	}
	s.delay(r.Context(), fault.Delay)
	switch {
	case fault.Drop == DropAfter:
		panic(http.ErrAbortHandler)
	case failure != nil:
		refuse(w, failure)
	default:
		reply(w, http.StatusOK, answer)
	}
}

// errorAnswer is the body of a refused call.
type errorAnswer struct {
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
	Code      string
	Message   string
	Recommend string
}

func refuse(w http.ResponseWriter, failure *apiError) {
	reply(w, failure.status, errorAnswer{
		RequestID: newRequestID(),
		HostID:    "ehpc.cn-hangzhou.aliyuncs.com",
		Code:      failure.code,
		Message:   failure.message,
		Recommend: "https://api.aliyun.com/troubleshoot?q=" + failure.code + "&product=" + product,
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone away is its own business
}

// page reads PageNumber and PageSize.
func page(params url.Values, largest int) (number, size int, failure *apiError) {
	if number, failure = whole(params, "PageNumber", 1, 1, 1<<30); failure != nil {
		return 0, 0, failure
	}
	size, failure = whole(params, "PageSize", 10, 1, largest)
	return number, size, failure
}

// whole reads a whole number within bounds.
func whole(params url.Values, name string, otherwise, least, most int) (int, *apiError) {
	text := params.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, invalid(name)
	}
	return n, nil
}

// slicePage cuts a page out of a list.
func slicePage[T any](all []T, number, size int) []T {
	start := min((number-1)*size, len(all))
	return all[start:min(start+size, len(all))]
}

// findCluster reads ClusterId. The lock is held.
func (s *Simulator) findCluster(params url.Values) (*Cluster, *apiError) {
	id := params.Get("ClusterId")
	if id == "" {
		return nil, missing("ClusterId")
	}
	cluster := s.clusters[id]
	if cluster == nil {
		return nil, fail("ClusterNotFound")
	}
	return cluster, nil
}
