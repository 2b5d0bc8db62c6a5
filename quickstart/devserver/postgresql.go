package devserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The databases, with the names that Temporal's own images give them.
const (
	workflowsDatabase  = "temporal"
	visibilityDatabase = "temporal_visibility"
)

const (
	// serverDatabase is there in every PostgreSQL server, to create others from.
	serverDatabase = "postgres"

	// emptySchema is the version before the first.
	emptySchema = "0.0"

	// connections of one service to one database; there are four services.
	connections = 10

	// retention of workflows that have ended.
	retention = 72 * time.Hour

	// namespacePatience is what the server may take until it can register one.
	namespacePatience = 30 * time.Second
)

// PostgreSQL is a server that keeps the databases temporal and temporal_visibility.
type PostgreSQL struct {
	Address  string // host and port
	User     string // who may create databases
	Password string
}

func (p *PostgreSQL) store(database string) *config.SQL {
	return &config.SQL{
		PluginName: postgresql.PluginName, DatabaseName: database,
		ConnectAddr: p.Address, ConnectProtocol: "tcp", User: p.User, Password: p.Password,
		MaxConns: connections, MaxIdleConns: connections, MaxConnLifetime: time.Hour,
	}
}

// prepare does what temporal-sql-tool does with create, setup-schema and
// update-schema. Databases that have their schema are only brought up to date.
func (p *PostgreSQL) prepare(logger log.Logger) error {
	for database, name := range map[string]string{
		workflowsDatabase:  "postgresql/v12/temporal",
		visibilityDatabase: "postgresql/v12/visibility",
	} {
		if err := p.prepareDatabase(database, name, logger); err != nil {
			return fmt.Errorf("prepare the database %s at %s: %w", database, p.Address, err)
		}
	}
	return nil
}

func (p *PostgreSQL) prepareDatabase(database, schemaName string, logger log.Logger) error {
	if err := sql.DoCreateDatabase(p.store(database), serverDatabase, logger); err != nil {
		return err
	}
	db, err := sql.NewConnection(p.store(database), logger)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ReadSchemaVersion(); err != nil { // a new database has no table of versions
		if err := schema.NewSetupSchemaTask(db, &schema.SetupConfig{InitialVersion: emptySchema}, logger).Run(); err != nil {
			return err
		}
	}
	return schema.NewUpdateSchemaTask(db, &schema.UpdateConfig{DBName: database, SchemaName: schemaName}, logger).Run()
}

// registerNamespace registers the namespace of a server that has just started, unless
// it is there.
func registerNamespace(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), namespacePatience)
	defer cancel()
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: address})
	if err != nil {
		return fmt.Errorf("connect to the Temporal server: %w", err)
	}
	defer namespaces.Close()
	err = namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{ // the client tries again until it is ready
		Namespace: Namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	if err != nil && !errors.As(err, new(*serviceerror.NamespaceAlreadyExists)) {
		return fmt.Errorf("register the namespace %s: %w", Namespace, err)
	}
	return nil
}
