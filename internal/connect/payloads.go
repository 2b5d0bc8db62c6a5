package connect

import (
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// Payloads reads and writes payloads as the client does that was made by the options.
func Payloads(options client.Options) converter.DataConverter {
	if options.DataConverter != nil {
		return options.DataConverter
	}
	return converter.GetDefaultDataConverter()
}
