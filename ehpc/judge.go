package ehpc

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"ehpcflow/ehpc/catalogue"
)

// Judgement is what an error means for the caller.
type Judgement struct {
	// Code is the service's, or one of the catalogue's own.
	Code string

	// Read and Submit say whether, and how soon, the same call may be made
	// again; MayHaveRun, whether a submit may have started its command. See
	// catalogue.Class.
	Read, Submit catalogue.Retry
	MayHaveRun   bool

	// RetryAfter is the least time to wait that the service asked for; 0 when
	// it did not.
	RetryAfter time.Duration
}

// Judge says what an error of this package means. An error of another origin is
// judged as unknown: a read may repeat it, a submit may have run.
func Judge(err error) Judgement {
	var e *Error
	if !errors.As(err, &e) {
		return Judgement{Code: "Unknown", Read: catalogue.Soon, Submit: catalogue.Never, MayHaveRun: true}
	}
	class := catalogue.Find(e.Code, e.HTTPStatus).Class
	return Judgement{
		Code: e.Code, Read: class.Read, Submit: class.Submit, MayHaveRun: class.MayHaveRun,
		RetryAfter: e.RetryAfter,
	}
}

// maxRetryAfter bounds what the service may ask for: a wrong clock or unit must not
// stop a run for a day.
const maxRetryAfter = time.Minute

// retryAfter reads how long the service asks to wait: the standard header, in
// seconds or as a date, or the gateway's x-ratelimit-user-api and
// x-ratelimit-user, whose form is "Limit:1,Remain:0,TimeLeft:2000,Reset:1234" with
// the time left in milliseconds.
func retryAfter(header http.Header, now time.Time) time.Duration {
	var asked time.Duration
	if text := header.Get("Retry-After"); text != "" {
		if seconds, err := strconv.Atoi(text); err == nil {
			asked = time.Duration(seconds) * time.Second
		} else if at, err := http.ParseTime(text); err == nil {
			asked = at.Sub(now)
		}
	}
	for _, name := range []string{"X-Ratelimit-User-Api", "X-Ratelimit-User"} {
		for part := range strings.SplitSeq(header.Get(name), ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(part), ":")
			if milliseconds, err := strconv.Atoi(value); err == nil && strings.EqualFold(key, "TimeLeft") {
				asked = max(asked, time.Duration(milliseconds)*time.Millisecond)
			}
		}
	}
	return min(max(asked, 0), maxRetryAfter)
}
