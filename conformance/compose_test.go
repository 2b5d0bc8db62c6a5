package conformance

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// ours are the services of this project's images, by the program that each runs.
var ours = map[string]string{
	"setup": "starter", "starter": "starter", "worker": "worker", "demo-worker": "worker", "simulator": "cmd/ehpcsim",
}

// loadCompose reads docker-compose.yml as docker compose does: with its schema, the
// references between services, and nothing of the machine's own environment.
func loadCompose(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithProfiles(profiles), cli.WithEnv([]string{}))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	return project
}

func TestEachProfileOfTheComposeFileIsAWholeSystem(t *testing.T) {
	t.Parallel()
	base := []string{"namespace", "password", "postgresql", "schema", "setup", "temporal", "web-ui"}
	for profile, more := range map[string][]string{
		"demo":  {"demo-worker", "simulator"},
		"cloud": {"worker"},
		"tools": {"starter"},
	} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			project := loadCompose(t, profile)
			want := slices.Sorted(slices.Values(append(more, base...)))
			require.Equal(t, want, slices.Sorted(maps.Keys(project.Services)))
			for name, service := range project.Services {
				for other := range service.DependsOn {
					require.Contains(t, project.Services, other, "%s waits for it", name)
				}
				for _, volume := range service.Volumes {
					require.Contains(t, project.Volumes, volume.Source, name)
				}
			}
		})
	}
}

func TestNoServiceIsOpenToOtherMachinesOrUnbounded(t *testing.T) {
	t.Parallel()
	for name, service := range loadCompose(t, "*").Services {
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "port %s of %s", port.Published, name)
		}
		if name == "postgresql" {
			require.Empty(t, service.Ports)
		}
		require.NotNil(t, service.Deploy, name)
		require.NotNil(t, service.Deploy.Resources.Limits, name)
		require.Positive(t, service.Deploy.Resources.Limits.MemoryBytes, name)
		require.Equal(t, []string{"ALL"}, service.CapDrop, name)
		require.Contains(t, service.SecurityOpt, "no-new-privileges:true", name)
		if name != "starter" { // started by hand
			require.NotEmpty(t, service.Restart, name)
		}
		if service.Restart == "unless-stopped" {
			require.NotNil(t, service.HealthCheck, name)
		}
	}
}

func TestEveryImageIsPinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[a-z/-]+:\d+\.\d+(\.\d+)?$`)
	for name, service := range loadCompose(t, "*").Services {
		if ours[name] != "" {
			require.NotNil(t, service.Build, name)
			continue
		}
		require.Nil(t, service.Build, name)
		require.Regexp(t, pinned, service.Image, name)
	}
}

// What the demo's key opens is a simulator on the loopback of its own container.
func TestThereIsNoPasswordInTheComposeFile(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`PASSWORD|PWD|SECRET|TOKEN|_KEY`)
	project := loadCompose(t, "*")
	for name, service := range project.Services {
		for variable, value := range service.Environment {
			if !secret.MatchString(variable) || strings.HasSuffix(variable, "_FILE") {
				continue
			}
			if name == "simulator" || name == "demo-worker" {
				require.Equal(t, "demo", *value)
				continue
			}
			require.Empty(t, *value, "%s of %s", variable, name)
		}
	}
	require.Empty(t, project.Services["simulator"].Ports)
	require.Equal(t, "service:simulator", project.Services["demo-worker"].NetworkMode)
	require.Contains(t, project.Services["simulator"].Command, "127.0.0.1:8765")
	require.Contains(t, *project.Services["demo-worker"].Environment["EHPCFLOW_ENDPOINT"], "//127.0.0.1:8765")
}

// TEMPORAL_ variables are read by Temporal's own library, ALIBABA_CLOUD_ ones by the
// vendor's too; all others are ours, and named in the help of the program.
func TestEveryVariableAndFlagOfOurServicesIsKnown(t *testing.T) {
	t.Parallel()
	vendor := goSource(t, filepath.Join(moduleDir(t, "github.com/aliyun/alibaba-cloud-sdk-go"), "sdk", "auth"))
	temporal := goSource(t, moduleDir(t, "go.temporal.io/sdk/contrib/envconfig"))
	project := loadCompose(t, "*")
	helps := make(map[string]string)
	for name, program := range ours {
		if helps[program] == "" {
			helps[program] = helpOf(t, program)
		}
		help := helps[program]
		for variable := range project.Services[name].Environment {
			switch {
			case strings.HasPrefix(variable, "TEMPORAL_"):
				require.True(t, strings.Contains(temporal, `"`+variable+`"`), "%s of %s", variable, name)
			case strings.HasPrefix(variable, "ALIBABA_CLOUD_"):
				require.True(t, strings.Contains(vendor, `"`+variable+`"`), "%s of %s", variable, name)
			default:
				require.Contains(t, help, variable, name)
			}
		}
		for _, word := range project.Services[name].Command {
			if strings.HasPrefix(word, "--") {
				require.Contains(t, help, word+" ", name)
			}
		}
	}
}

// helpOf is what a program says of its flags and variables.
func helpOf(t *testing.T, program string) string {
	t.Helper()
	built := filepath.Join(t.TempDir(), "program")
	said, err := exec.Command("go", "-C", "..", "build", "-o", built, "./"+program).CombinedOutput()
	require.NoError(t, err, "%s", said)
	help, err := exec.Command(built, "--help").CombinedOutput()
	require.NoError(t, err, "%s", help)
	return string(help)
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	dir, err := exec.Command("go", "-C", "..", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(dir))
}

// goSource is the Go code below a directory, without tests and other modules.
func goSource(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "quickstart" || entry.Name() == "conformance"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	}))
	return b.String()
}
