package activities

import (
	"errors"
	"net"

	"ehpcflow/activities/checks"
	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// unreachable says why no connection to the endpoint was made.
func unreachable(endpoint string, err error) checks.Check {
	var failure *ehpc.Error
	var name *net.DNSError
	message, code := err.Error(), ""
	if errors.As(err, &failure) {
		message, code = failure.Message, failure.Code
	}
	finding := endpoint + " is not reached: " + message
	switch {
	case errors.As(err, &name):
		return checks.Fail(checks.Endpoint, finding, "correct the worker's --region or --endpoint, or its name server: the name is not known")
	case code == catalogue.Untrusted:
		return checks.Fail(checks.Endpoint, finding, catalogue.Find(code, 0).Advice)
	}
	return checks.Fail(checks.Endpoint, finding, "")
}
