package ehpcsim

import (
	"net/url"
	"strconv"
)

type commandsAnswer struct {
	RequestID  string `json:"RequestId"`
	TotalCount int
	PageNumber int
	PageSize   int
	Commands   commandList
}

type commandList struct{ Command []commandInfo }

type commandInfo struct {
	CommandID      string `json:"CommandId"`
	CommandContent string
	WorkingDir     string
	Timeout        string
}

// listCommands lists the newest first, each once it is visible; see
// ListLate.
func (s *Simulator) listCommands(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	number, size, failure := page(params, 50)
	if failure != nil {
		return nil, failure
	}
	only := params.Get("CommandId")
	now := s.clock.Now()
	matching := []commandInfo{}
	for i := len(s.commandOrder) - 1; i >= 0; i-- {
		c := s.commandOrder[i]
		if c.clusterID != cluster.ID || now.Before(c.listedAt) || only != "" && only != c.id {
			continue
		}
		matching = append(matching, commandInfo{c.id, c.text, c.workingDir, strconv.Itoa(int(c.timeout.Seconds()))})
	}
	return commandsAnswer{
		RequestID: newRequestID(), TotalCount: len(matching), PageNumber: number, PageSize: size,
		Commands: commandList{slicePage(matching, number, size)},
	}, nil
}
