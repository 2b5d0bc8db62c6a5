package devserver

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
)

const (
	storeName      = "default"
	visibilityName = "visibility"
	clusterName    = "active"
	disabled       = "disabled"
)

// configuration is what a configuration file of the server would hold.
func configuration(o Options, p ports) *config.Config {
	cfg := &config.Config{
		Services: make(map[string]config.Service),
		Persistence: config.Persistence{
			DefaultStore:     storeName,
			VisibilityStore:  visibilityName,
			NumHistoryShards: 1,
			DataStores:       stores(o),
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {
				Enabled:                true,
				InitialFailoverVersion: 1,
				RPCAddress:             p.address(primitives.FrontendService),
			}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
		}},
		PublicClient: config.PublicClient{HostPort: p.address(primitives.FrontendService)},
	}
	cfg.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback}
	for service, port := range p.services {
		cfg.Services[string(service)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
	}
	return cfg
}

// settings are those that a server may change while it runs.
func settings(o Options) dynamicconfig.StaticClient {
	values := dynamicconfig.StaticClient{}
	if o.HistoryEvents > 0 {
		values[dynamicconfig.HistoryCountSuggestContinueAsNew.Key()] = o.HistoryEvents
	}
	return values
}

// stores are where workflows are kept, and where they are searched.
func stores(o Options) map[string]config.DataStore {
	if p := o.PostgreSQL; p != nil {
		return map[string]config.DataStore{
			storeName:      {SQL: p.store(workflowsDatabase)},
			visibilityName: {SQL: p.store(visibilityDatabase)},
		}
	}
	both := config.DataStore{SQL: store(o.Database)}
	return map[string]config.DataStore{storeName: both, visibilityName: both}
}

func store(database string) *config.SQL {
	sql := &config.SQL{
		PluginName:        sqlite.PluginName,
		DatabaseName:      database,
		ConnectAttributes: map[string]string{"mode": "rwc"},
	}
	if database == "" {
		sql.DatabaseName = fmt.Sprintf("ehpcflow-%d", rand.Uint64()) //nolint:gosec // a name, not a secret
		sql.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
	}
	return sql
}
