package drawing

import (
	"slices"

	"ehpcflow/pipeline"
)

// Distances, in pixels.
const (
	between = 26.0 // boxes of a layer
	past    = 12.0 // an edge that passes a layer, and its neighbours
	layers  = 64.0 // between layers
	margin  = 24.0
	height  = 42.0 // of a box

	// mostPassing is how many places of edges in layers that they pass are looked for. In
	// a graph with more, edges that pass layers are drawn straight.
	mostPassing = 20_000
	sweeps      = 12
)

// spot is a box, or the place of an edge in a layer that it passes.
type spot struct {
	node          *pipeline.Node // nil of others
	layer         int
	width, height float64
	x, y          float64 // of its left, and of its middle
	before, after []int   // spots that edges come from, and lead to
	order         int     // in its layer
}

// route is the way of an edge, through the spots that it passes.
type route struct {
	spots             []int
	failure, headless bool
}

// layout is a graph with a place for everything. It is the usual one of layers: each is
// ordered by where its neighbours are, until fewer edges cross no more, and then moved to
// where they are. (Graphviz as a library would take a third of a second of each start of
// the program, and runs what it finds compiled in a directory that all users share.)
type layout struct {
	spots  []spot
	layers [][]int
	routes []route
	ended  int // the spot where steps lead to before finally, or -1
}

func laidOut(g pipeline.Graph) *layout {
	l := &layout{ended: -1}
	at := l.boxes(g)
	passing := 0
	for _, edge := range edgesOf(g) {
		passing += max(0, l.spots[at[edge.To]].layer-l.spots[at[edge.From]].layer-1)
	}
	for _, edge := range edgesOf(g) {
		l.connect(at[edge.From], at[edge.To], edge, passing <= mostPassing)
	}
	for i, spot := range l.spots {
		for len(l.layers) <= spot.layer {
			l.layers = append(l.layers, nil)
		}
		l.layers[spot.layer] = append(l.layers[spot.layer], i)
	}
	l.number()
	l.untangle()
	l.place()
	return l
}

// edgesOf are the edges, with those to and from the point at which all steps have ended.
// Its name is "".
func edgesOf(g pipeline.Graph) []pipeline.Edge {
	edges := slices.Clone(g.Edges)
	if slices.ContainsFunc(g.Nodes, func(n pipeline.Node) bool { return n.Finally }) {
		for _, end := range g.Ends() {
			edges = append(edges, pipeline.Edge{From: end})
		}
	}
	return edges
}

// boxes makes a spot of each node, and of the point before finally, by their names.
func (l *layout) boxes(g pipeline.Graph) map[string]int {
	at := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		node := &g.Nodes[i]
		layer := node.Layer
		if node.Finally {
			if l.ended < 0 {
				l.ended = len(l.spots)
				at[""] = l.ended
				l.spots = append(l.spots, spot{layer: layer, width: 8, height: 8})
			}
			layer++
		}
		at[node.Step] = len(l.spots)
		l.spots = append(l.spots, spot{node: node, layer: layer, width: widthOf(*node), height: height})
	}
	return at
}

// connect lays an edge through the layers that it passes.
func (l *layout) connect(from, to int, edge pipeline.Edge, through bool) {
	way := []int{from}
	if through {
		for layer := l.spots[from].layer + 1; layer < l.spots[to].layer; layer++ {
			way = append(way, len(l.spots))
			l.spots = append(l.spots, spot{layer: layer})
		}
	}
	way = append(way, to)
	for i := 1; i < len(way); i++ {
		l.spots[way[i-1]].after = append(l.spots[way[i-1]].after, way[i])
		l.spots[way[i]].before = append(l.spots[way[i]].before, way[i-1])
	}
	l.routes = append(l.routes, route{spots: way, failure: edge.OnFailure, headless: edge.To == ""})
}

func (l *layout) number() {
	for _, layer := range l.layers {
		for order, i := range layer {
			l.spots[i].order = order
		}
	}
}

// untangle orders the layers, forth and back, and keeps the order in which the fewest
// edges cross.
func (l *layout) untangle() {
	best, fewest := l.orders(), l.crossings()
	for sweep := range sweeps {
		for k := range l.layers {
			layer := l.layers[k]
			if sweep%2 == 1 {
				layer = l.layers[len(l.layers)-1-k]
			}
			middle := make(map[int]float64, len(layer))
			for _, i := range layer {
				middle[i] = l.middle(i, sweep%2 == 0)
			}
			slices.SortStableFunc(layer, func(a, b int) int {
				switch {
				case middle[a] < middle[b]:
					return -1
				case middle[a] > middle[b]:
					return 1
				}
				return 0
			})
			for order, i := range layer {
				l.spots[i].order = order
			}
		}
		if crossings := l.crossings(); crossings < fewest {
			best, fewest = l.orders(), crossings
		}
	}
	l.layers = best
	l.number()
}

// middle of the orders of a spot's neighbours on one side; its own where it has none.
func (l *layout) middle(i int, before bool) float64 {
	neighbours := l.spots[i].after
	if before {
		neighbours = l.spots[i].before
	}
	if len(neighbours) == 0 {
		return float64(l.spots[i].order)
	}
	sum := 0
	for _, n := range neighbours {
		sum += l.spots[n].order
	}
	return float64(sum) / float64(len(neighbours))
}

func (l *layout) orders() [][]int {
	orders := make([][]int, len(l.layers))
	for i, layer := range l.layers {
		orders[i] = slices.Clone(layer)
	}
	return orders
}

// crossings of edges between neighbouring layers: for each edge, in the order of where
// they begin, those before it that end behind it.
func (l *layout) crossings() int {
	total := 0
	for k, layer := range l.layers {
		if k+1 == len(l.layers) {
			break
		}
		tree := make([]int, 1+len(l.layers[k+1]))
		seen := 0
		for _, i := range layer {
			var ends []int
			for _, to := range l.spots[i].after {
				if l.spots[to].layer == k+1 {
					ends = append(ends, l.spots[to].order)
				}
			}
			for _, end := range ends {
				upTo := 0
				for at := end + 1; at > 0; at -= at & -at {
					upTo += tree[at]
				}
				total += seen - upTo
			}
			for _, end := range ends {
				seen++
				for at := end + 1; at < len(tree); at += at & -at {
					tree[at]++
				}
			}
		}
	}
	return total
}

// place finds where the spots are: layers from left to right, and in each the spots as near
// to their neighbours as their order allows.
func (l *layout) place() {
	x := margin
	for _, layer := range l.layers {
		widest, y := 0.0, 0.0
		for k, i := range layer {
			widest = max(widest, l.spots[i].width)
			if k > 0 {
				y += l.apart(layer[k-1], i)
			}
			l.spots[i].y = y
		}
		for _, i := range layer {
			l.spots[i].x = x + (widest-l.spots[i].width)/2
			if l.spots[i].node == nil {
				l.spots[i].x, l.spots[i].width = x, widest
			}
		}
		x += widest + layers
	}
	for sweep := range 2 * sweeps {
		for k := range l.layers {
			if sweep%2 == 1 {
				k = len(l.layers) - 1 - k
			}
			l.settle(l.layers[k], sweep%2 == 0)
		}
	}
	top := 0.0
	for i, spot := range l.spots {
		if i == 0 || spot.y-spot.height/2 < top {
			top = spot.y - spot.height/2
		}
	}
	for i := range l.spots {
		l.spots[i].y += margin - top
	}
}

// apart is how far the middles of two neighbours of a layer are, at the least.
func (l *layout) apart(a, b int) float64 {
	gap := between
	if l.spots[a].node == nil || l.spots[b].node == nil {
		gap = past
	}
	return (l.spots[a].height+l.spots[b].height)/2 + gap
}

// settle moves the spots of a layer to the middle of their neighbours on one side. Where
// there is no room for that, it is half way between what they have to be when the first
// comes first, and when the last does.
func (l *layout) settle(layer []int, before bool) {
	down, up := make([]float64, len(layer)), make([]float64, len(layer))
	for k, i := range layer {
		neighbours := l.spots[i].after
		if before {
			neighbours = l.spots[i].before
		}
		wish := l.spots[i].y
		if len(neighbours) > 0 {
			wish = 0
			for _, n := range neighbours {
				wish += l.spots[n].y / float64(len(neighbours))
			}
		}
		down[k], up[k] = wish, wish
	}
	for k := 1; k < len(layer); k++ {
		down[k] = max(down[k], down[k-1]+l.apart(layer[k-1], layer[k]))
	}
	for k := len(layer) - 2; k >= 0; k-- {
		up[k] = min(up[k], up[k+1]-l.apart(layer[k], layer[k+1]))
	}
	for k, i := range layer {
		l.spots[i].y = (down[k] + up[k]) / 2
	}
}
