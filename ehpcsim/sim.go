// Package ehpcsim is an E-HPC endpoint to run against: it speaks the wire of API
// 2018-04-12 as its documentation describes it, over clusters whose nodes really
// run the commands that they are given, on this machine.
//
// It was written from the documents and never imports the client: the two meet on
// the wire only. Since it executes what people type, it listens on loopback only.
package ehpcsim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Config is what a simulator knows from the start.
type Config struct {
	Clusters   []Cluster
	AccessKeys []AccessKey // who may call; at least one

	// ScratchDir holds a directory for each node. Empty means a new temporary
	// one, which Close removes.
	ScratchDir string

	// Script decides what becomes of commands and jobs. Nil means that they really
	// run.
	Script *Script

	// Jobs is how the clusters' schedulers behave.
	Jobs JobSettings

	// Unconfined keeps nodes from being confined where they could be.
	Unconfined bool

	// Clock of the clusters. Nil is the real one; commands that really run take
	// their real time whatever it shows.
	Clock Clock
}

// AccessKey is a credential that the simulator accepts. With a SecurityToken it
// is a temporary one, and calls must carry the token.
type AccessKey struct{ ID, Secret, SecurityToken string }

// NewAccessKey makes a key of random characters. A simulator should have one of
// its own: with a key that others know, any page in a browser on this machine
// could run commands through it.
func NewAccessKey() AccessKey { return AccessKey{ID: "sim-" + newID(), Secret: newID() + newID()} }

// Cluster is a simulated cluster.
type Cluster struct {
	ID     string
	Status string // "" means running
	Nodes  []Node
}

// Node is a simulated machine.
type Node struct {
	InstanceID string
	HostName   string
	Status     string   // "" means running
	Roles      []string // none means Compute
	Queue      string   // of the scheduler that it serves

	// LockReason says why the cloud holds the machine back, such as recycling
	// for a spot instance; "" when it does not.
	LockReason string
}

const (
	nodeRunning = "running"
	roleCompute = "Compute"
	region      = "cn-hangzhou"
)

// plainID is an id that can name a directory.
var plainID = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// DemoCluster makes a cluster of running nodes.
func DemoCluster(id string, nodes int) Cluster {
	cluster := Cluster{ID: id}
	for i := range nodes {
		cluster.Nodes = append(cluster.Nodes, Node{
			InstanceID: fmt.Sprintf("i-sim%012d", i+1),
			HostName:   fmt.Sprintf("compute%03d", i),
			Status:     nodeRunning,
		})
	}
	return cluster
}

// Simulator is the service. It is an http.Handler, safe for concurrent use.
type Simulator struct {
	keys        map[string]AccessKey
	scratch     string
	ownsScratch bool
	id          string // of this simulator, in the marks of its processes
	closing     chan struct{}
	running     sync.WaitGroup

	unconfined error // why commands are not confined; nil when they are

	script      *Script
	jobSettings JobSettings
	clock       Clock

	mu           sync.Mutex
	closed       bool
	clusters     map[string]*Cluster
	commands     map[string]*command
	commandOrder []*command // as they came
	jobs         []*job     // as they came
	jobCount     int
	silent       map[string]bool // nodes that never answer
	listedAfter  time.Duration   // how late ListCommands and ListJobs show what is new
	quota        *rate.Limiter   // nil is none
	throttled    int
	nonces       map[string]bool // used since then
	noncesSince  time.Time
	oldNonces    map[string]bool     // used before
	forbidden    map[string][]string // actions, by the key that may not call them
	faults       []*Fault
	faultsHit    map[string]int
	requests     map[string]int
	executions   map[string]int
	machines     map[string]*machine // by their nodes' directories
}

// New makes a simulator. It serves nobody until it is given to an HTTP server or
// told to Listen. Close it.
func New(cfg Config) (*Simulator, error) {
	if len(cfg.AccessKeys) == 0 {
		return nil, errors.New("a simulator needs an access key that it accepts")
	}
	s := &Simulator{
		keys:    make(map[string]AccessKey),
		id:      newID(),
		scratch: cfg.ScratchDir,
		script:  cfg.Script, jobSettings: cfg.Jobs,
		clock:      cfg.Clock,
		silent:     make(map[string]bool),
		closing:    make(chan struct{}),
		clusters:   make(map[string]*Cluster),
		commands:   make(map[string]*command),
		requests:   make(map[string]int),
		executions: make(map[string]int),
		machines:   make(map[string]*machine),
		faultsHit:  make(map[string]int),
	}
	if s.clock == nil {
		s.clock = realClock{}
	}
	for _, key := range cfg.AccessKeys {
		s.keys[key.ID] = key
	}
	for _, cluster := range cfg.Clusters {
		cluster.Status = cmp.Or(cluster.Status, nodeRunning)
		cluster.Nodes = slices.Clone(cluster.Nodes)
		for i := range cluster.Nodes {
			cluster.Nodes[i].Status = cmp.Or(cluster.Nodes[i].Status, nodeRunning)
			if len(cluster.Nodes[i].Roles) == 0 {
				cluster.Nodes[i].Roles = []string{roleCompute}
			}
			if !plainID.MatchString(cluster.Nodes[i].InstanceID) {
				return nil, fmt.Errorf("instance id %q: use letters, digits and dashes", cluster.Nodes[i].InstanceID)
			}
		}
		if !plainID.MatchString(cluster.ID) {
			return nil, fmt.Errorf("cluster id %q: use letters, digits and dashes", cluster.ID)
		}
		s.clusters[cluster.ID] = &cluster
	}
	if s.scratch == "" {
		dir, err := os.MkdirTemp("", "ehpcsim-")
		if err != nil {
			return nil, fmt.Errorf("make the scratch directory: %w", err)
		}
		s.scratch, s.ownsScratch = dir, true
	}
	s.unconfined = errUnconfined
	if !cfg.Unconfined {
		s.unconfined = s.canConfine()
	}
	if s.unconfined != nil {
		if err := s.installHostname(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Warning says in a few lines, for people, what must be known before a command is
// run: on which machine, as whom, and how far it is confined.
func (s *Simulator) Warning() string {
	name := "this user"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	text := "Simulated nodes really run their commands, on THIS machine, as " + name + ".\n"
	if s.unconfined != nil {
		return text + "They are not confined (" + s.unconfined.Error() + "):\nrun nothing here that you would not run yourself.\n"
	}
	return text + "Each sees its own host name and processes and writes to its own directory only.\nThe network is not fenced off.\n"
}

// ScratchDir holds a directory for each node that has run a command.
func (s *Simulator) ScratchDir() string { return s.scratch }

// Close ends the simulator: every process that it started is killed, those that
// made themselves daemons included, and its own scratch directory is removed. It
// may be called twice.
func (s *Simulator) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	machines := slices.Collect(maps.Values(s.machines))
	s.mu.Unlock()

	for _, m := range machines {
		m.end()
	}
	killMarked(s.id) // also what earlier commands left in the background
	s.running.Wait()
	for _, m := range machines {
		m.gone()
	}
	killMarked(s.id) // and what was just being started
	if s.ownsScratch {
		return os.RemoveAll(s.scratch)
	}
	return nil
}

func (c *Cluster) node(id string) *Node {
	i := slices.IndexFunc(c.Nodes, func(node Node) bool { return node.InstanceID == id })
	if i < 0 {
		return nil
	}
	return &c.Nodes[i]
}

func (s *Simulator) nodeDir(clusterID, instanceID string) string {
	return filepath.Join(s.scratch, clusterID, instanceID)
}
