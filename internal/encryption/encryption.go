// Package encryption encrypts what a program sends to Temporal, and decrypts what it
// reads from it: the inputs and results of runs and activities, heartbeats, orders and
// answers, memos, summaries and details, and the messages of failures. The server, its
// database and its histories hold ciphertext.
//
// It works on the calls to the server, below the SDK: nothing that a program sends as a
// payload can be forgotten, and a worker that lacks a key never hands a task that it
// cannot read to workflow code. See docs/security.md for what stays readable.
//
// It knows payloads and the calls that carry them, and nothing of runs.
package encryption

import (
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// What the metadata of an encrypted payload says, a contract with all that was ever
// written.
const (
	Encoding    = "binary/encrypted"
	KeyIDField  = "encryption-key-id"
	cipherField = "encryption-cipher"
	aes256GCM   = "AES-256-GCM"
)

// Encode encrypts each payload whole, metadata included, with the active key and a nonce
// of its own. One that is encrypted already passes unchanged.
//
// Payloads are not compressed: a run that fits into Temporal's 2 MiB for a payload only
// when it is compressed would fail on the day that encryption is turned off, and the
// length of compressed text tells of its content. A payload grows by some 130 bytes.
func (k *Keyring) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if isEncrypted(payload) {
			encoded[i] = payload
			continue
		}
		plain, err := proto.Marshal(payload)
		if err != nil {
			return nil, fmt.Errorf("encrypt a payload: %w", err)
		}
		encoded[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(Encoding),
				cipherField:                []byte(aes256GCM),
				KeyIDField:                 []byte(k.active),
			},
			Data: k.keys[k.active].Seal(nil, nil, plain, authenticated(k.active)), //nolint:gosec // the cipher makes a random nonce itself and takes none
		}
	}
	return encoded, nil
}

// Decode decrypts each payload with the key that its metadata names. One that is not
// encrypted passes unchanged: it is from before. The error is an *UnreadableError. A nil
// keyring decrypts nothing.
func (k *Keyring) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if !isEncrypted(payload) {
			decoded[i] = payload
			continue
		}
		var err error
		if decoded[i], err = k.open(payload); err != nil {
			return nil, err
		}
	}
	return decoded, nil
}

func (k *Keyring) open(payload *commonpb.Payload) (*commonpb.Payload, error) {
	id := string(payload.GetMetadata()[KeyIDField])
	if k == nil {
		return nil, &UnreadableError{KeyID: id, reason: noKeys}
	}
	key, held := k.keys[id]
	if !held {
		return nil, &UnreadableError{KeyID: id, file: k.file, reason: noSuchKey}
	}
	plain, err := key.Open(nil, nil, payload.GetData(), authenticated(id))
	if err != nil {
		return nil, &UnreadableError{KeyID: id, file: k.file, reason: doesNotFit}
	}
	opened := &commonpb.Payload{}
	if err := proto.Unmarshal(plain, opened); err != nil {
		return nil, &UnreadableError{KeyID: id, file: k.file, reason: doesNotFit}
	}
	return opened, nil
}

func isEncrypted(payload *commonpb.Payload) bool {
	return string(payload.GetMetadata()[converter.MetadataEncoding]) == Encoding
}

// authenticated is the metadata that a payload is bound to: altered, it does not open.
func authenticated(keyID string) []byte {
	return []byte(Encoding + "\x00" + aes256GCM + "\x00" + keyID)
}
