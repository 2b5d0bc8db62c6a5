package ehpc

import (
	"errors"
	"strconv"
	"strings"
)

// Retry says whether, and how soon, the same call may be made again.
type Retry int

const (
	// Never means that the same call will fail again until somebody changes something.
	Never Retry = iota
	// Soon means a passing failure; seconds.
	Soon
	// Throttled means that the account is over its request quota; a second at the least.
	Throttled
	// Later means that another operation has to end first; a quarter of a minute or more.
	Later
	// WhileNew means that the object may not be visible yet; soon, but only right after
	// it was made.
	WhileNew
)

// Judgement is what an error means for the caller.
type Judgement struct {
	// Code is the service's code or one of the Code constants.
	Code string
	// Read is what a call that changes nothing should do.
	Read Retry
	// Submit is what a call that starts something should do. It is Never
	// whenever MayHaveRun is set: the caller has to find out first.
	Submit Retry
	// MayHaveRun is set when a submit that failed so may have started its
	// command on some or all nodes.
	MayHaveRun bool
}

// Judge says what an error of this package means. An error of another origin is
// judged as unknown: a read may repeat it, a submit may have run.
func Judge(err error) Judgement {
	var e *Error
	if !errors.As(err, &e) {
		return Judgement{Code: "Unknown", Read: Soon, MayHaveRun: true}
	}
	f := faultOf(e)
	return Judgement{Code: e.Code, Read: f.read, Submit: f.submit, MayHaveRun: f.mayHaveRun}
}

// fault is a row of the table: what is known about a code.
type fault struct {
	read, submit Retry
	mayHaveRun   bool
	advice       string
}

const (
	adviceWait     = "ehpcflow waits and tries again"
	adviceOperator = "an administrator of the cloud account has to settle this"
	adviceKey      = "correct the worker's ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	adviceBackend  = "if it stays, look at the cluster's nodes in the E-HPC console"
	adviceNetwork  = "check the worker's network and its endpoint"
)

// faults has a row per code. A code with a dotted suffix that is not listed is
// judged by the longest listed prefix: AgentError.Job.ListFailure is AgentError.
// Sources: the error table of the ListInvocationStatus page, the gateway's common
// codes, and for the retry columns the vendor's own SDKs and Terraform provider.
var faults = map[string]fault{
	// Rejected before anything ran; somebody has to change something.
	"InvalidParams":        {Never, Never, false, "correct the parameter that the message names"},
	"InvalidParameter":     {Never, Never, false, "correct the parameter that the message names"},
	"UnsupportedParameter": {Never, Never, false, "correct the parameter that the message names"},
	"MissingParameter":     {Never, Never, false, "give the parameter that the message names"},
	"InvalidAction":        {Never, Never, false, "check that the endpoint is one of E-HPC 1.0 (API 2018-04-12)"},
	"NotEnabled":           {Never, Never, false, "activate E-HPC for this account in its console"},
	"InDebt":               {Never, Never, false, "settle the account's overdue payment"},
	"InsufficientBalance":  {Never, Never, false, "settle the account's balance"},
	"ClusterNotFound":      {Never, Never, false, "check the cluster id and the worker's region"},
	"NotAuthorized":        {Never, Never, false, "allow the action ehpc:<action> to the worker's RAM identity"},
	"NoPermission":         {Never, Never, false, "allow the action ehpc:<action> to the worker's RAM identity"},
	"Forbidden":            {Never, Never, false, "allow the action ehpc:<action> to the worker's RAM identity"},

	"Forbidden.RiskControl":      {Never, Never, false, adviceOperator},
	"Forbidden.UserVerification": {Never, Never, false, adviceOperator},

	"SignatureDoesNotMatch": {Never, Never, false, adviceKey},
	"IncompleteSignature":   {Never, Never, false, adviceKey},
	"InvalidAccessKeyId":    {Never, Never, false, adviceKey},
	"InvalidSecurityToken":  {Never, Never, false, "renew the worker's temporary credential"},
	"InvalidTimeStamp":      {Soon, Soon, false, "set the worker's clock: it is more than 15 minutes off"},

	// Rejected before anything ran; passes by itself.
	"ConflictOpt":         {Later, Later, false, adviceWait},
	"Throttling":          {Throttled, Throttled, false, adviceWait},
	"Rejected.Throttling": {Throttled, Throttled, false, adviceWait},

	// The cluster's state: a watch outlives it; whether a submit should wait for
	// it is the user's decision.
	"InvalidClusterStatus": {Later, Never, false, "check that the cluster is running"},
	"ManagerNotFound":      {Later, Never, false, "check the cluster's manager node"},
	"ComputeNotFound":      {Later, Never, false, "check the node ids"},

	"ObjectNotFound": {WhileNew, Never, false, "the cluster no longer knows this object"},

	// Something behind the API failed; a submit may have reached some nodes.
	"EcsError":           {Soon, Never, true, adviceBackend},
	"AgentError":         {Soon, Never, true, adviceBackend},
	"AliyunError":        {Soon, Never, true, adviceBackend},
	"DbError":            {Soon, Never, true, adviceBackend},
	"AckError":           {Soon, Never, true, adviceBackend},
	"PartFailure":        {Soon, Never, true, adviceBackend},
	"UnknownError":       {Soon, Never, true, adviceBackend},
	"InternalError":      {Soon, Never, true, adviceBackend},
	"ServiceUnavailable": {Soon, Never, true, adviceWait},

	// E-HPC answers 407 with a code (NotAuthorized); a proxy answers without.
	codeHTTP + "407": {Never, Never, false, "a proxy between the worker and the cloud asks for a login"},

	// An earlier copy of this very request has already arrived.
	"SignatureNonceUsed": {Soon, Never, true, ""},

	CodeBadRequest:     {Never, Never, false, ""},
	CodeNoCredentials:  {Soon, Never, false, ""},
	CodeUnreachable:    {Soon, Soon, false, adviceNetwork},
	CodeConnectionLost: {Soon, Never, true, adviceNetwork},
	CodeTimeout:        {Soon, Never, true, adviceNetwork},
	CodeCanceled:       {Soon, Never, true, ""},
	CodeBadResponse:    {Soon, Never, true, adviceNetwork},
}

func faultOf(e *Error) fault {
	for code := e.Code; code != ""; {
		if f, ok := faults[code]; ok {
			f.advice = strings.ReplaceAll(f.advice, "<action>", e.Action)
			return f
		}
		dot := strings.LastIndexByte(code, '.')
		code = code[:max(dot, 0)]
	}
	return unlisted(e)
}

// unlisted judges a code that is in no row by its HTTP status.
func unlisted(e *Error) fault {
	status := e.HTTPStatus
	if text, ok := strings.CutPrefix(e.Code, codeHTTP); ok {
		if n, err := strconv.Atoi(text); err == nil {
			status = n
		}
	}
	switch {
	case status == 429 || strings.HasPrefix(e.Code, "Throttling"):
		return fault{Throttled, Throttled, false, adviceWait}
	case strings.HasPrefix(e.Code, "Missing"):
		return fault{Never, Never, false, "give the parameter that the message names"}
	case status == 408 || status == 409 || status == 406 || status >= 500:
		return fault{Soon, Never, true, adviceBackend}
	case status >= 300 && status < 500 && strings.HasPrefix(e.Code, codeHTTP):
		return fault{Never, Never, false, adviceNetwork}
	case status >= 300 && status < 500:
		return fault{Never, Never, false, "look this code up in the vendor's error centre"}
	default:
		return fault{Soon, Never, true, adviceNetwork}
	}
}
