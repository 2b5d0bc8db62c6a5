package ehpcsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

const (
	apiVersion = "2018-04-12"
	product    = "EHPC"
)

// actions are those that the simulator knows. They are called with the lock held.
var actions = map[string]func(*Simulator, url.Values) (any, *apiError){
	"InvokeShellCommand":    (*Simulator).invokeShellCommand,
	"ListInvocationStatus":  (*Simulator).listInvocationStatus,
	"ListInvocationResults": (*Simulator).listInvocationResults,
	"ListCommands":          (*Simulator).listCommands,
	"ListClusters":          (*Simulator).listClusters,
	"DescribeCluster":       (*Simulator).describeCluster,
	"ListNodes":             (*Simulator).listNodes,
	"ListNodesByQueue":      (*Simulator).listNodesByQueue,
	"SubmitJob":             (*Simulator).submitJob,
	"ListJobs":              (*Simulator).listJobs,
	"DescribeJob":           (*Simulator).describeJob,
	"GetJobLog":             (*Simulator).getJobLog,
	"StopJobs":              (*Simulator).stopJobs,
}

// ServeHTTP answers one call of the API. Parameters ride in the query of a GET; a
// POST may carry them as a form.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		refuse(w, r, fail("InvalidParameter"))
		return
	}
	if failure := s.admit(r); failure != nil {
		refuse(w, r, failure)
		return
	}
	fault := s.arrive(r.Form)
	if fault.Drop == DropBefore {
		panic(http.ErrAbortHandler)
	}
	answer, failure := s.perform(r.Form, fault)
	if fault.Twice {
		answer, failure = s.perform(r.Form, fault)
	}
	s.delay(r.Context(), fault.Delay)
	switch {
	case fault.Drop == DropAfter:
		panic(http.ErrAbortHandler)
	case failure != nil:
		refuse(w, r, failure)
	default:
		reply(w, r, http.StatusOK, r.Form.Get("Action")+"Response", answer, fault.Body)
	}
}

// admit checks what the gateway checks before it passes a call on.
func (s *Simulator) admit(r *http.Request) *apiError {
	if failure := s.authenticate(r.Method, r.Form); failure != nil {
		return failure
	}
	if r.Form.Get("Version") != apiVersion {
		return fail("InvalidVersion")
	}
	if _, known := actions[r.Form.Get("Action")]; !known {
		return fail("InvalidAction.NotFound")
	}
	return s.authorize(r.Form.Get("AccessKeyId"), r.Form.Get("Action"))
}

// perform does the action, or fails as the fault says.
func (s *Simulator) perform(params url.Values, fault Fault) (any, *apiError) {
	if failure := s.overQuota(); failure != nil {
		return nil, failure
	}
	if failure := fault.failure(); failure != nil {
		return nil, failure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return actions[params.Get("Action")](s, params)
}

// errorAnswer is the body of a refused call.
type errorAnswer struct {
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
	Code      string
	Message   string
	Recommend string
}

func refuse(w http.ResponseWriter, r *http.Request, failure *apiError) {
	for name, value := range failure.header {
		w.Header().Set(name, value)
	}
	reply(w, r, failure.status, "Error", errorAnswer{
		RequestID: newRequestID(),
		HostID:    "ehpc." + region + ".aliyuncs.com",
		Code:      failure.code,
		Message:   failure.message,
		Recommend: "https://api.aliyun.com/troubleshoot?q=" + failure.code + "&product=" + product,
	}, WholeBody)
}

// reply writes an answer in the form that the call asks for: JSON or, as the
// gateway does by default, XML.
func reply(w http.ResponseWriter, r *http.Request, status int, root string, answer any, how Body) {
	var body bytes.Buffer
	var err error
	if r.Form.Get("Format") == "JSON" {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		err = json.NewEncoder(&body).Encode(answer)
	} else {
		w.Header().Set("Content-Type", "text/xml;charset=utf-8")
		err = toXML(&body, root, answer)
	}
	if err != nil {
		http.Error(w, "the answer could not be encoded", http.StatusInternalServerError)
		return
	}
	text := body.Bytes()
	switch how {
	case HalfBody:
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		text = text[:len(text)/2]
	case DoubleBody:
		text = bytes.Repeat(text, 2)
	case GarbageBody:
		text = []byte("<html><body>It works!</body></html>")
	case WholeBody:
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that has gone away is its own business
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

// findCluster reads ClusterId.
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
