// Package version tells which build a program is, by what the Go toolchain recorded in it.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Info is what is known of a build. What the toolchain did not record is empty: a build
// outside a checkout has no commit.
type Info struct {
	Version     string `json:"version"`               // such as v1.2.3; "(devel)" of a build from a checkout without one
	Commit      string `json:"commit,omitempty"`      // of the sources
	CommittedAt string `json:"committedAt,omitempty"` // time of the commit, as RFC 3339 says
	Modified    bool   `json:"modified,omitempty"`    // the sources were changed since that commit
	Go          string `json:"go"`                    // version of the toolchain
	Platform    string `json:"platform"`              // operating system and processor, such as linux/amd64

	// TemporalSDK is the version of Temporal's SDK that is in it, and TemporalServer that
	// of the server where that was asked.
	TemporalSDK    string `json:"temporalSdk,omitempty"`
	TemporalServer string `json:"temporalServer,omitempty"`
}

// Read reads what is known of this program's build.
func Read() Info {
	build, _ := debug.ReadBuildInfo()
	return of(build)
}

func of(build *debug.BuildInfo) Info {
	info := Info{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if build == nil {
		return info
	}
	if build.Main.Version != "" {
		info.Version = build.Main.Version
	}
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			info.Commit = setting.Value
		case "vcs.time":
			info.CommittedAt = setting.Value
		case "vcs.modified":
			info.Modified = setting.Value == "true"
		}
	}
	for _, module := range build.Deps {
		if module.Path == "go.temporal.io/sdk" {
			info.TemporalSDK = module.Version
		}
	}
	return info
}

// String is the build in a line, such as "v1.2.3 (commit 0123456789ab, modified), go1.26.8 linux/amd64".
func (i Info) String() string {
	var of []string
	if i.Commit != "" {
		of = append(of, "commit "+i.Commit[:min(12, len(i.Commit))])
	}
	if i.Modified {
		of = append(of, "modified")
	}
	text := i.Version
	if len(of) > 0 {
		text += " (" + strings.Join(of, ", ") + ")"
	}
	return fmt.Sprintf("%s, %s %s", text, i.Go, i.Platform)
}
