package conformance

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dockerfile is the instructions of the Dockerfile, one a line, and where each stage
// begins.
func dockerfile(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	var lines []string
	for line := range strings.Lines(joined) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return lines
}

// The image is built here by its own command, without an engine.
func TestTheImageHoldsThreeStaticPrograms(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile(`CGO_ENABLED=0 go build (.*) -o /out/ (.*)`).FindStringSubmatch(strings.Join(dockerfile(t), "\n"))
	require.Len(t, found, 3, "the Dockerfile builds without C")
	out := t.TempDir()
	args := append(strings.Fields(found[1]), "-o", out+"/")
	build := exec.Command("go", append([]string{"-C", "..", "build"}, append(args, strings.Fields(found[2])...)...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	for _, program := range []string{"worker", "starter", "ehpcsim"} {
		file, err := elf.Open(filepath.Join(out, program))
		require.NoError(t, err)
		for _, part := range file.Progs {
			require.NotEqual(t, elf.PT_INTERP, part.Type, "%s needs a library of the system", program)
		}
		require.NoError(t, file.Close())
	}
}

func TestTheImageRunsAsNobodyWithoutAShell(t *testing.T) {
	t.Parallel()
	lines := dockerfile(t)
	last := 0
	for i, line := range lines {
		if strings.HasPrefix(line, "FROM ") {
			last = i
		}
	}
	require.Regexp(t, `^FROM gcr.io/distroless/static-[a-z0-9]+:nonroot$`, lines[last])
	stage := lines[last+1:]
	require.Contains(t, stage, "USER 65532:65532")
	require.Contains(t, stage, "COPY --from=build /out/ /usr/local/bin/")
	for _, line := range stage {
		require.NotRegexp(t, `^RUN `, line, "there is no shell to run it")
	}
}

// What the build copies has to be in its context, and little more.
func TestTheBuildContextHoldsWhatIsBuilt(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../.dockerignore")
	require.NoError(t, err)
	ignore := strings.Split(string(text), "\n")
	require.Contains(t, ignore, "*")
	out, err := exec.Command("go", "-C", "..", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}",
		"./worker", "./starter", "./cmd/ehpcsim").Output()
	require.NoError(t, err)
	for _, pkg := range strings.Fields(string(out)) {
		top, _, _ := strings.Cut(strings.TrimPrefix(pkg, "ehpcflow/"), "/")
		require.Contains(t, ignore, "!"+top, "package %s is built into the image", pkg)
	}
}
