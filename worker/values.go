package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"ehpcflow/ehpc"
)

// typed is a value that is kept somewhere.
type typed[T any] struct {
	to    *T
	parse func(string) (T, error)
}

func (v typed[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err == nil {
		*v.to = parsed
	}
	return err
}

func (v typed[T]) String() string { return fmt.Sprint(*v.to) }

// text takes anything.
func text(to *string) value {
	return typed[string]{to, func(text string) (string, error) { return text, nil }}
}

// choice takes one of some words.
func choice(to *string, byDefault string, words ...string) value {
	*to = byDefault
	return typed[string]{to, func(text string) (string, error) {
		if !slices.Contains(words, text) {
			last := len(words) - 1
			return "", fmt.Errorf("use %s or %s", strings.Join(words[:last], ", "), words[last])
		}
		return text, nil
	}}
}

// count takes a whole number from 1.
func count(to *int, byDefault int) value {
	*to = byDefault
	return typed[int]{to, func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return 0, errors.New("use a whole number above 0")
		}
		return n, nil
	}}
}

// rate takes a positive number a second, up to a thousand.
func rate(to *float64, byDefault float64) value {
	*to = byDefault
	return typed[float64]{to, func(text string) (float64, error) {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n > 0 && n <= 1000) {
			return 0, errors.New("use a number of requests a second, above 0 and up to 1000")
		}
		return n, nil
	}}
}

// span takes a time between two others.
func span(to *time.Duration, byDefault, least, most time.Duration) value {
	*to = byDefault
	return typed[time.Duration]{to, func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil || d < least || d > most {
			return 0, fmt.Errorf("use a time with its unit, such as %v, from %v to %v", byDefault, least, most)
		}
		return d, nil
	}}
}

// listenAddress takes HOST:PORT or :PORT.
func listenAddress(to *string) value {
	return typed[string]{to, func(text string) (string, error) {
		_, port, err := net.SplitHostPort(text)
		if n, wrong := strconv.Atoi(port); err != nil || wrong != nil || n < 0 || n > 65535 {
			return "", errors.New("use HOST:PORT, such as 127.0.0.1:9090, or :9090 for every address of this machine")
		}
		return text, nil
	}}
}

// apiAddress takes what ehpc.Config takes as an Endpoint.
func apiAddress(to *string) value {
	return typed[string]{to, func(text string) (string, error) {
		if err := ehpc.CheckEndpoint(text); err != nil {
			return "", saysAll{err}
		}
		return text, nil
	}}
}

// collectorAddress takes a URL without a user: that would be a secret.
func collectorAddress(to *string) value {
	return typed[string]{to, func(text string) (string, error) {
		u, err := url.Parse(text)
		if strings.ContainsAny(text, "@?") {
			return "", saysAll{errors.New("write it without a user and query; a token goes into OTEL_EXPORTER_OTLP_HEADERS")}
		}
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", errors.New("use http://HOST:4317, or https:// for TLS")
		}
		return text, nil
	}}
}
