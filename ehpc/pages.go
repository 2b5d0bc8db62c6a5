package ehpc

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
)

// Page is one page of a listing.
type Page[T any] struct {
	RequestID  string
	TotalCount int // items on all pages
	Items      []T
}

// readPage sends a request for a page and reads the items that the answer holds
// under a key. A is an item as the answer has it.
func readPage[A, T any](
	ctx context.Context, send func(context.Context, request) ([]byte, error), req request, key string, item func(A) T,
) (*Page[T], error) {
	body, err := send(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID  scalar `json:"RequestId"`
		TotalCount scalar
	}
	var members map[string]json.RawMessage
	body = unwrapped(body)
	if json.Unmarshal(body, &answer) != nil || json.Unmarshal(body, &members) != nil || answer.TotalCount.number() == nil {
		return nil, unusable(req, "the answer holds no TotalCount")
	}
	page := &Page[T]{RequestID: string(answer.RequestID), TotalCount: *answer.TotalCount.number()}
	for _, element := range elements(members[key]) {
		var a A
		if json.Unmarshal(element, &a) == nil {
			page.Items = append(page.Items, item(a))
		}
	}
	return page, nil
}

// allPages yields the items of every page, each once: pages shift while they are
// read when items come or go. It ends after the first error.
func allPages[T any](id func(T) string, read func(number int) (*Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		seen := make(map[string]bool)
		for number, count := 1, 0; ; number++ {
			page, err := read(number)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if seen[id(item)] {
					continue
				}
				seen[id(item)] = true
				if !yield(item, nil) {
					return
				}
			}
			count += len(page.Items)
			if count >= page.TotalCount || len(page.Items) == 0 {
				return
			}
		}
	}
}

// pageProblem says what is wrong with a request for a page; "" when nothing is.
func pageProblem(clusterID string, number, size, largest int) string {
	switch {
	case clusterID == "":
		return "no cluster id"
	case number < 1 || size < 1 || size > largest:
		return fmt.Sprintf("pages count from 1 and hold 1 to %d items", largest)
	}
	return ""
}
