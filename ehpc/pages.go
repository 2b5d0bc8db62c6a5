package ehpc

import (
	"fmt"
	"iter"
)

// page is one page of a listing: the items, and how many there are on all pages.
type page[T any] struct {
	items []T
	total int
}

// allPages yields the items of every page, each once: pages shift while they are
// read when items come or go. It ends after the first error.
func allPages[T any](id func(T) string, read func(number int) (page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		seen := make(map[string]bool)
		for number, count := 1, 0; ; number++ {
			got, err := read(number)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range got.items {
				if seen[id(item)] {
					continue
				}
				seen[id(item)] = true
				if !yield(item, nil) {
					return
				}
			}
			count += len(got.items)
			if count >= got.total || len(got.items) == 0 {
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
