package ehpcsim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// apiError is a refused call.
type apiError struct {
	code    string
	status  int
	message string
	header  map[string]string
}

// documented are the errors of the API and of the gateway before it.
var documented = map[string]apiError{
	"InvalidParams":        {status: 400, message: "The specified parameter %s is invalid."},
	"NotEnabled":           {status: 400, message: "You have not enabled this service"},
	"InDebt":               {status: 400, message: "Your account has overdue payments."},
	"InvalidClusterStatus": {status: 403, message: "The operation failed due to invalid cluster status."},
	"ConflictOpt":          {status: 403, message: "A conflicting operation is running."},
	"ClusterNotFound":      {status: 404, message: "The specified cluster does not exist."},
	"ObjectNotFound":       {status: 404, message: "The specified object is not found."},
	"NotAuthorized":        {status: 407, message: "You are not authorized by RAM for this request."},
	"EcsError":             {status: 406, message: "An error occurred while calling the ECS API operation."},
	"AgentError":           {status: 406, message: "The agent service request failed."},
	"AliyunError":          {status: 406, message: "An Alibaba Cloud product error occurred."},
	"PartFailure":          {status: 409, message: "Part of the batch operation failed."},
	"UnknownError":         {status: 500, message: "An unknown error occurred."},
	"ServiceUnavailable":   {status: 503, message: "The request has failed due to a temporary failure of the server"},

	"ManagerNotFound": {status: 404, message: "The manager node does not exist or its status is abnormal."},
	"ComputeNotFound": {status: 404, message: "The specified compute node does not exist."},
	"DbError":         {status: 406, message: "Failed to call the database."},
	"InternalError":   {status: 500, message: "The request processing has failed due to some unknown error."},

	"Throttling":      {status: 400, message: "Request was denied due to request throttling."},
	"Throttling.User": {status: 400, message: "Request was denied due to user flow control."},
	"Throttling.Api":  {status: 400, message: "Request was denied due to api flow control."},

	"MissingParameter":                           {status: 400, message: "A required parameter is missing."},
	"InvalidParameter":                           {status: 400, message: "A parameter could not be read."},
	"InvalidVersion":                             {status: 404, message: "The specified version does not exist."},
	"InvalidAction.NotFound":                     {status: 404, message: "The specified API is not found."},
	"SignatureDoesNotMatch":                      {status: 400, message: "The specified signature does not match the calculated one."},
	"IncompleteSignature":                        {status: 400, message: "The request signature does not conform to the standards."},
	"SignatureNonceUsed":                         {status: 400, message: "The specified signature nonce was used already."},
	"InvalidTimeStamp.Expired":                   {status: 400, message: "The specified time stamp or date value is expired."},
	"InvalidTimeStamp.Format":                    {status: 400, message: "The specified time stamp or date value is not well formatted."},
	"InvalidAccessKeyId.NotFound":                {status: 404, message: "The specified access key is not found."},
	"InvalidAccessKeyId.Inactive":                {status: 400, message: "The specified access key is disabled."},
	"InvalidSecurityToken.Expired":               {status: 400, message: "The specified security token is expired."},
	"InvalidSecurityToken.Malformed":             {status: 400, message: "The specified security token is malformed."},
	"Forbidden.RAM":                              {status: 403, message: "The user is not authorized to operate on the specified resource."},
	"InvalidSecurityToken.MismatchWithAccessKey": {status: 400, message: "The security token does not belong to the access key."},
	"Forbidden":                                  {status: 403, message: "You are not authorized to operate on the specified resource."},
	"Forbidden.RiskControl":                      {status: 403, message: "This operation is forbidden by risk control."},
	"Forbidden.UserVerification":                 {status: 403, message: "Your account has to be verified."},
	"InsufficientBalance":                        {status: 400, message: "Your account does not have enough balance."},
	"UnsupportedParameter":                       {status: 400, message: "A parameter is not supported."},
	"AckError":                                   {status: 406, message: "Failed to call ACK."},
	"Rejected.Throttling":                        {status: 400, message: "Request was denied due to request throttling."},
	"NoPermission":                               {status: 403, message: "You are not authorized to do this action."},
}

// DocumentedCodes are the codes that a Fault can name, sorted.
func DocumentedCodes() []string { return slices.Sorted(maps.Keys(documented)) }

// fail makes a documented error. A code of nowhere is a mistake of whoever uses
// the simulator.
func fail(code string, args ...any) *apiError {
	e, ok := documented[code]
	if !ok {
		return &apiError{code: code, status: http.StatusInternalServerError, message: "ehpcsim knows no such code"}
	}
	if len(args) > 0 {
		e.message = fmt.Sprintf(e.message, args...)
	}
	e.code = code
	return &e
}

func invalid(parameter string) *apiError { return fail("InvalidParams", parameter) }

// missing is named after the parameter: MissingClusterId.
func missing(parameter string) *apiError {
	return &apiError{code: "Missing" + parameter, status: http.StatusBadRequest, message: parameter + " is mandatory for this action."}
}
