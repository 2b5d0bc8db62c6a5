// Package devserver runs a whole Temporal service in this process, on loopback:
// the server on SQLite or PostgreSQL, one history shard, and the Web UI beside it.
package devserver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"

	"ehpcflow/workflows"
)

// The ports that Temporal tools expect.
const (
	UsualPort   = 7233
	UsualUIPort = 8233
)

// Namespace is registered at the start; it is the one that all tools default to.
const Namespace = "default"

// Options of a server. A zero value serves from memory, silently, on ports that
// the system chooses.
type Options struct {
	// Database is the file that keeps workflows over restarts; it is made when
	// it does not exist. Empty means memory.
	Database string

	// PostgreSQL keeps workflows in two databases of a PostgreSQL server instead;
	// they are made, and their schema is brought up to date. Nil is SQLite.
	PostgreSQL *PostgreSQL

	// NoUI leaves the Web UI out, for one that runs by itself: see StartUI.
	NoUI bool

	// Port and UIPort are used when they are free, others otherwise. 0 lets
	// the system choose.
	Port, UIPort int

	// HistoryEvents is from how many events on the server suggests that a
	// workflow go on as a new one. 0 is the server's default, 4,096.
	HistoryEvents int

	// CodecEndpoint is where the Web UI has payloads decrypted, such as
	// http://127.0.0.1:8081. Empty is nowhere.
	CodecEndpoint string

	// Logger takes the server's own log. Nil drops it.
	Logger log.Logger
}

// Server is a running Temporal service.
type Server struct {
	temporal temporal.Server
	ui       *UI // nil without one
	address  string
	stop     sync.Once
	stopErr  error
}

// starting keeps two servers of this process from choosing the same free ports:
// a port is free until the server, or the Web UI, has begun to listen on it.
var starting sync.Mutex

// Start starts the service and returns when it answers.
func Start(o Options) (*Server, error) {
	starting.Lock()
	defer starting.Unlock()
	if o.Logger == nil {
		o.Logger = log.NewNoopLogger()
	}
	ports, err := choosePorts(o)
	if err != nil {
		return nil, err
	}
	cfg := configuration(o, ports)
	if err := prepareStore(o, cfg); err != nil {
		return nil, err
	}
	srv, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(ports.hosts()),
		temporal.WithLogger(o.Logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporal.WithDynamicConfigClient(settings(o)),
	)
	if err != nil {
		return nil, fmt.Errorf("assemble the Temporal server: %w", err)
	}
	if err := srv.Start(); err != nil {
		return nil, fmt.Errorf("start the Temporal server: %w", err)
	}
	s := &Server{temporal: srv, address: ports.address(primitives.FrontendService)}
	if o.PostgreSQL != nil {
		err = registerNamespace(s.address)
	}
	if err == nil && !o.NoUI {
		s.ui, err = StartUI(s.address, ports.ui, o.CodecEndpoint)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Address of the server, for clients: host and port.
func (s *Server) Address() string { return s.address }

// UIURL is the address of the Web UI, or empty without one.
func (s *Server) UIURL() string {
	if s.ui == nil {
		return ""
	}
	return s.ui.URL()
}

// RunURL is the Web UI's page of a workflow.
func (s *Server) RunURL(workflowID string) string {
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", s.UIURL(), Namespace, url.PathEscape(workflowID))
}

// Stop ends everything. It may be called twice.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		if s.ui != nil {
			s.ui.Stop()
		}
		s.stopErr = s.temporal.Stop()
	})
	return s.stopErr
}

// DatabaseError says that the file for the workflows cannot be used.
type DatabaseError struct {
	File  string
	cause error
}

func (e *DatabaseError) Error() string {
	return fmt.Sprintf("the database file %s cannot be used (%v): name a new file, or one that was made here", e.File, e.cause)
}

// prepareStore makes the schema of a new database file, and the namespace.
// Memory gets its schema from the server's plug-in.
func prepareStore(o Options, cfg *config.Config) error {
	if o.PostgreSQL != nil {
		return o.PostgreSQL.prepare(o.Logger)
	}
	sql := cfg.Persistence.DataStores[storeName].SQL
	if o.Database != "" {
		_, err := os.Stat(o.Database)
		if errors.Is(err, os.ErrNotExist) {
			err = sqlite.SetupSchema(sql)
		}
		if err != nil {
			return &DatabaseError{o.Database, err}
		}
	}
	namespace, err := sqlite.NewNamespaceConfig(clusterName, Namespace, false, searchAttributes())
	if err == nil {
		err = sqlite.CreateNamespaces(sql, namespace)
	}
	if err != nil && o.Database != "" {
		return &DatabaseError{o.Database, err}
	}
	if err != nil {
		return fmt.Errorf("create the namespace %s: %w", Namespace, err)
	}
	return nil
}

// searchAttributes are those that a new namespace has from the start. One that was made
// before gets what it lacks by setup.Ensure.
func searchAttributes() map[string]enumspb.IndexedValueType {
	types := make(map[string]enumspb.IndexedValueType)
	for _, attribute := range workflows.SearchAttributes {
		types[attribute.Name] = attribute.Type
	}
	return types
}

// ports of the parts of the service, all on loopback.
type ports struct {
	services map[primitives.ServiceName]int
	ui       int
}

const loopback = "127.0.0.1"

func choosePorts(o Options) (ports, error) {
	wanted := map[primitives.ServiceName]int{
		primitives.FrontendService: o.Port,
		primitives.HistoryService:  0,
		primitives.MatchingService: 0,
		primitives.WorkerService:   0,
	}
	chosen := ports{services: make(map[primitives.ServiceName]int)}
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close() // held only so that no port is chosen twice
		}
	}()
	choose := func(port int) (int, error) {
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port))) //nolint:noctx // it begins at once
		if err != nil {
			l, err = net.Listen("tcp", net.JoinHostPort(loopback, "0")) //nolint:noctx // it begins at once
		}
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		listeners = append(listeners, l)
		return l.Addr().(*net.TCPAddr).Port, nil
	}
	var err error
	for service, port := range wanted {
		if chosen.services[service], err = choose(port); err != nil {
			return ports{}, err
		}
	}
	chosen.ui, err = choose(o.UIPort)
	return chosen, err
}

func (p ports) address(service primitives.ServiceName) string {
	return net.JoinHostPort(loopback, strconv.Itoa(p.services[service]))
}

// hosts spares the server its membership protocol: each service is one host.
func (p ports) hosts() map[primitives.ServiceName]static.Hosts {
	hosts := make(map[primitives.ServiceName]static.Hosts)
	for service := range p.services {
		hosts[service] = static.SingleLocalHost(p.address(service))
	}
	return hosts
}
