package ehpcsim

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

type plainAnswer struct {
	RequestID string `json:"RequestId"`
}

// stopJobs ends jobs that are queued or running; one that is neither refuses the
// whole call.
func (s *Simulator) stopJobs(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	if params.Get("Jobs") == "" {
		return nil, missing("Jobs")
	}
	var ids []struct{ ID string }
	if json.NewDecoder(strings.NewReader(params.Get("Jobs"))).Decode(&ids) != nil || len(ids) == 0 || len(ids) > 100 {
		return nil, invalid("Jobs")
	}
	now := s.clock.Now()
	s.schedule(now)
	var stopping []*job
	for _, id := range ids {
		j := s.findJob(cluster.ID, id.ID)
		if j == nil || j.state == jobFinished {
			return nil, fail("ObjectNotFound")
		}
		stopping = append(stopping, j)
	}
	for _, j := range stopping {
		s.stopJob(j, now)
	}
	s.schedule(now)
	return plainAnswer{newRequestID()}, nil
}

// stopJob ends a job after what a stop takes. The lock is held.
func (s *Simulator) stopJob(j *job, now time.Time) {
	if !j.stopAt.IsZero() {
		return
	}
	j.stopAt = now.Add(s.jobSettings.StopTakes)
	if j.state == jobRunning && j.fate == nil {
		time.AfterFunc(s.jobSettings.StopTakes, func() { close(j.stopped) })
	}
}

// RemoveJob makes the scheduler forget a job, and kills what runs of it.
func (s *Simulator) RemoveJob(clusterID, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.findJob(clusterID, id)
	if j == nil {
		return
	}
	j.gone = true
	if j.state == jobRunning && j.fate == nil && j.stopAt.IsZero() {
		close(j.stopped)
	}
	j.stopAt = s.clock.Now()
	s.schedule(j.stopAt)
}
