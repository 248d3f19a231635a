package render

import "strings"

// cardWidth is the width of one prediction, in CSS pixels.
const cardWidth = 250

// marks are words for the signs that the font lacks.
var marks = strings.NewReplacer("✓ ", "right: ", "✗ ", "wrong: ")

// cardsPNG draws all cards, three in a line.
func cardsPNG(cards []*card) []byte {
	const gap, line = 14 * sharp, 15 * sharp
	columns := min(3, len(cards))
	tall := 72 * sharp
	for _, c := range cards {
		tall = max(tall, line*(len(c.bars)+2))
		if c.picture != nil {
			tall = max(tall, c.picture.Bounds().Dy()*enlarge(c.picture, 72*sharp))
		}
	}
	rows := (len(cards) + columns - 1) / columns
	out := newCanvas(columns*(cardWidth*sharp+gap)-gap, rows*(tall+gap)-gap)
	for i, c := range cards {
		out.card(c, i%columns*(cardWidth*sharp+gap), i/columns*(tall+gap), line)
	}
	return out.png()
}

// card draws one prediction with its upper left corner at x, y.
func (c *canvas) card(p *card, x, y, line int) {
	const size, gap = 11, 6 * sharp
	right := x + cardWidth*sharp
	if p.picture != nil {
		side := enlarge(p.picture, 72*sharp)
		c.paste(p.picture, x, y, side)
		x += p.picture.Bounds().Dx()*side + 2*gap
	}
	ink := rgb(colorText, 1)
	base := line - 4*sharp
	if p.title != "" {
		c.text(c.fit(p.title, size, right-x), x, y+base, 0, size, ink)
		y += line
	}
	verdict, color := p.verdict()
	verdict = marks.Replace(verdict)
	c.text(c.fit(verdict, -size, right-x), x, y+base, 0, -size, rgb(color, 1))
	y += line
	name, number := 0, c.measure("100.0%", size)
	for _, b := range p.bars {
		name = max(name, min(c.measure(plain(b.class), size), 80*sharp))
	}
	room := max(right-x-name-number-2*gap, 4)
	for _, b := range p.bars {
		c.text(c.fit(b.class, size, name), x+name, y+base, 1, size, ink)
		c.fill(x+name+gap, y+2*sharp, max(2, int(float64(room)*b.length())), 10*sharp, rgb(b.paint(), 1))
		c.text(percent(b.prob), right, y+base, 1, size, ink)
		y += line
	}
}
