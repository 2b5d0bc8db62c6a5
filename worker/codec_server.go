package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ehpcflow/internal/codecserver"
	"ehpcflow/internal/encryption"
)

const (
	codecAddress = "127.0.0.1:8081"

	// codecStopPatience bounds the end of requests under way.
	codecStopPatience = 5 * time.Second
)

// codecOptions are the settings of the codec server.
type codecOptions struct {
	address   string
	origins   []string
	tokenFile string
}

// codecServerCommand is a process of its own: it holds the keys, and neither the cloud
// credential nor a connection to Temporal.
func codecServerCommand(stderr io.Writer) *cobra.Command {
	var o codecOptions
	cmd := &cobra.Command{
		Use:   "codec-server",
		Short: "Decrypt payloads for Temporal's Web UI",
		Long: `Decrypt payloads for Temporal's Web UI, with the key file that ` + encryption.Setting + ` names.

A browser that shows a run asks this server for the plain text. It needs no cloud
credential and no connection to Temporal. Tell the Web UI its address: in its settings
under Codec Server, or with TEMPORAL_CODEC_ENDPOINT of the ui-server.

On an address that other machines reach it answers only requests that bear the token
of --token-file, which an authenticating proxy in front of it adds for those who may
read.`,
		Example: "  worker codec-server --origin http://127.0.0.1:8233",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return settingError{"codec-server takes no arguments, only flags; see worker codec-server --help"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return o.serve(cmd.Context(), stderr) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.address, "address", cmp.Or(os.Getenv("EHPCFLOW_CODEC_ADDRESS"), codecAddress), "address to listen on; also EHPCFLOW_CODEC_ADDRESS")
	flags.StringSliceVar(&o.origins, "origin", split(os.Getenv("EHPCFLOW_CODEC_ORIGIN")), "origin of a Web UI that may ask, such as http://127.0.0.1:8233, or several with commas; also EHPCFLOW_CODEC_ORIGIN")
	flags.StringVar(&o.tokenFile, "token-file", os.Getenv("EHPCFLOW_CODEC_TOKEN_FILE"), "file with the token that each request has to bear (default: none, on loopback only); also EHPCFLOW_CODEC_TOKEN_FILE")
	flags.SortFlags = false
	return cmd
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// serve checks every setting, then serves until the context ends.
func (o codecOptions) serve(ctx context.Context, stderr io.Writer) error {
	keys, err := encryption.FromEnvironment()
	if err != nil {
		return settingError{err.Error()}
	}
	if keys == nil {
		return settingError{fmt.Errorf("%s is not set: name the key file to decrypt with", encryption.Setting).Error()}
	}
	options := codecserver.Options{Keys: keys, Origins: o.origins}
	if o.tokenFile != "" {
		token, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return settingError{fmt.Errorf("--token-file: %w", err).Error()}
		}
		if options.Token = strings.TrimSpace(string(token)); options.Token == "" {
			return settingError{fmt.Errorf("--token-file: %s is empty: put the token into it", o.tokenFile).Error()}
		}
	}
	if err := options.Check(o.address); err != nil {
		return settingError{fmt.Errorf("codec server: %w", err).Error()}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.address)
	if err != nil {
		return settingError{fmt.Errorf("codec server: %w: choose another --address", err).Error()}
	}
	server := codecserver.Server(options)
	ended := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(ended)
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), codecStopPatience)
		defer cancel()
		_ = server.Shutdown(ending) // requests that take longer are cut off by the end
	})
	fmt.Fprintf(stderr, "codec server: decrypting at http://%s for %s\n", listener.Addr(), cmp.Or(strings.Join(o.origins, ", "), "whoever bears the token"))
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("codec server: %w", err)
	}
	<-ended
	return nil
}
