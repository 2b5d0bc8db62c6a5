package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/protobuf/encoding/protojson"

	"ehpcflow/activities"
	"ehpcflow/ehpc/catalogue"
	"ehpcflow/ehpcsim"
	"ehpcflow/quickstart/stack"
)

// faultsOf is everything that can go wrong with a request of an action.
func faultsOf(action string) []ehpcsim.Fault {
	faults := []ehpcsim.Fault{
		{Action: action, Drop: ehpcsim.DropBefore}, {Action: action, Drop: ehpcsim.DropAfter},
		{Action: action, Body: ehpcsim.HalfBody}, {Action: action, Body: ehpcsim.GarbageBody},
	}
	for _, entry := range catalogue.Entries() {
		if entry.HTTP != 0 && entry.Code != catalogue.HTTPCode(407) {
			faults = append(faults, ehpcsim.Fault{Action: action, Code: entry.Code})
		}
	}
	return faults
}

func TestNoSecretReachesALogAnErrorOrAHistoryWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"ListNodes", "InvokeShellCommand", "ListInvocationStatus", "ListInvocationResults"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			log := &logBuffer{}
			core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(log), zapcore.DebugLevel)
			pace := quickPace()
			pace.Soon = activities.Bounds{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond}
			pace.Throttled, pace.Later = pace.Soon, pace.Soon
			s := newSystemWith(t, stack.Options{
				Pace: pace, Logger: zap.New(core),
				Key: ehpcsim.AccessKey{ID: "STS.LTAIsecretkey", Secret: "secret/of+key=", SecurityToken: "CAIS/token+of=key"},
			})
			faults := faultsOf(action)
			for _, fault := range faults {
				s.Simulator.SetFaults(ehpcsim.Faults{Faults: []ehpcsim.Fault{fault}})
				report := s.run("true")
				history, err := protojson.Marshal(s.history(report.RunID))
				require.NoError(t, err)
				shown, err := json.Marshal(report)
				require.NoError(t, err)
				for _, text := range []string{string(history), string(shown), fmt.Sprintf("%+v", report)} {
					requireNoSecret(t, s.Key, text, fault)
				}
			}
			require.Greater(t, s.Simulator.Requests(action), len(faults)-1, "every fault was met")
			require.NotEmpty(t, log.String())
			requireNoSecret(t, s.Key, log.String(), ehpcsim.Fault{Action: action})
		})
	}
}

func requireNoSecret(t *testing.T, key ehpcsim.AccessKey, text string, fault ehpcsim.Fault) {
	t.Helper()
	for _, secret := range []string{key.ID, key.Secret, key.SecurityToken, "Signature=", "AccessKeyId="} {
		require.NotContains(t, text, secret, "%+v", fault)
		require.NotContains(t, text, url.QueryEscape(secret), "%+v", fault)
	}
}
