package encryption

import (
	"context"
	"fmt"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// DialOption puts a keyring into a connection to Temporal. Without keys (nil) it sends
// everything as it is, and refuses what it would have to decrypt with an UnreadableError:
// every connection of ehpcflow has one.
func DialOption(keys *Keyring) (grpc.DialOption, error) {
	strict, err := codecCalls(inbound{keys})
	if err != nil {
		return nil, err
	}
	lenient, err := codecCalls(lenientInbound{keys})
	if err != nil {
		return nil, err
	}
	chain := []grpc.UnaryClientInterceptor{copied}
	if keys != nil {
		failures, err := converter.NewFailureGRPCClientInterceptor(converter.NewFailureGRPCClientInterceptorOptions{EncodeCommonAttributes: true})
		if err != nil {
			return nil, fmt.Errorf("encrypt failures: %w", err)
		}
		chain = append(chain, failures) // before the payloads that it makes are encrypted
	}
	return grpc.WithChainUnaryInterceptor(append(chain, handBack, func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if lists(method) {
			return lenient(ctx, method, req, reply, cc, invoker, opts...)
		}
		return strict(ctx, method, req, reply, cc, invoker, opts...)
	})...), nil
}

func codecCalls(codec converter.PayloadCodec) (grpc.UnaryClientInterceptor, error) {
	calls, err := converter.NewPayloadCodecGRPCClientInterceptor(converter.PayloadCodecGRPCClientInterceptorOptions{
		Codecs: []converter.PayloadCodec{codec},
	})
	if err != nil {
		return nil, fmt.Errorf("encrypt payloads: %w", err)
	}
	return calls, nil
}

// copied spares the caller's request: a call that is tried again must find it as it was.
func copied(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if message, is := req.(proto.Message); is {
		req = proto.Clone(message)
	}
	return invoker(ctx, method, req, reply, cc, opts...)
}

// inbound is the codec of a connection: without keys nothing is encrypted.
type inbound struct{ keys *Keyring }

func (c inbound) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if c.keys == nil {
		return payloads, nil
	}
	return c.keys.Encode(payloads)
}

func (c inbound) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return c.keys.Decode(payloads)
}

// lists says of a call that it answers with many runs, of which one that cannot be read
// must not hide the others.
func lists(method string) bool {
	return strings.HasPrefix(method[strings.LastIndexByte(method, '/')+1:], "List")
}

// lenientInbound leaves what cannot be decrypted as it is.
type lenientInbound struct{ keys *Keyring }

func (c lenientInbound) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return inbound(c).Encode(payloads)
}

func (c lenientInbound) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		decoded[i] = payload
		if opened, err := c.keys.Decode([]*commonpb.Payload{payload}); err == nil {
			decoded[i] = opened[0]
		}
	}
	return decoded, nil
}
