package pipeline

import (
	"slices"

	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
)

// circles are steps that need each other, one circle for each knot, in the order of the
// file. Each step needs the next, and the last the first.
func circles(steps []named) [][]named {
	index := make(map[string]int, len(steps))
	for i, step := range slices.Backward(steps) {
		index[step.name] = i
	}
	graph := simple.NewDirectedGraph()
	for i := range steps {
		graph.AddNode(simple.Node(i))
	}
	for i, step := range steps {
		for _, need := range step.step.Needs {
			if to, known := index[need]; known && to != i && steps[to].beside(step) {
				graph.SetEdge(graph.NewEdge(simple.Node(i), simple.Node(to)))
			}
		}
	}
	var found [][]named
	for _, knot := range topo.TarjanSCC(graph) {
		if len(knot) < 2 {
			continue
		}
		within := make(map[int]bool, len(knot))
		for _, each := range knot {
			within[int(each.ID())] = true
		}
		first := len(steps)
		for i := range within {
			first = min(first, i)
		}
		found = append(found, circle(steps, index, within, first))
	}
	slices.SortFunc(found, func(a, b []named) int { return index[a[0].name] - index[b[0].name] })
	return found
}

// circle follows the needs of a step within a knot until they come back to one that they
// went through.
func circle(steps []named, index map[string]int, within map[int]bool, from int) []named {
	var way []int
	for at := from; ; {
		if begin := slices.Index(way, at); begin >= 0 {
			way = way[begin:]
			break
		}
		way = append(way, at)
		for _, need := range steps[at].step.Needs {
			if next, known := index[need]; known && next != at && within[next] && steps[next].beside(steps[at]) {
				at = next
				break
			}
		}
	}
	first := slices.Index(way, slices.Min(way))
	circle := make([]named, 0, len(way))
	for _, i := range append(way[first:len(way):len(way)], way[:first]...) {
		circle = append(circle, steps[i])
	}
	return circle
}
