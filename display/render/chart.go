package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Chart returns the living chart of a trainer and its epoch table. Each update
// is a whole output that takes the place of the one before, under one display
// ID per trainer: a page that missed some, or was loaded anew, misses nothing.
//
// In a page that runs scripts and has the Library, the chart itself lives on
// from output to output. Elsewhere the table is there, and when the bundle is
// final also the picture of the chart, inside the HTML and as a PNG.
//
// Numbers that are not finite are gaps.
func (r *Renderer) Chart(run wire.Run, final bool) []wire.Item {
	list := plots(run)
	end := span(run, list)
	var picture []byte
	inside := `<span class="dim">The chart comes when training ends. For a living one, let the page run scripts and restart the kernel.</span>`
	if final {
		picture = chartPNG(list, epochs(end))
		inside = img(picture, chartWidth, chartHeight, "chart of the training of "+run.Info.Name)
	}
	page, text := headline(run.Info)
	if len(run.Points)+len(run.Epochs) == 0 && final {
		return bundle(frame(page+noEpoch), nil, text+"\n")
	}
	page += slot(cmp.Or(run.ID, run.Info.Name), list, epochs(end), inside)
	if len(run.Epochs) > 0 {
		t := epochTable(run.Epochs)
		page += t.html()
		text += "\n\n" + strings.TrimRight(t.text(), "\n")
	}
	return bundle(frame(page)+"<script>"+wake+"</script>\n", picture, text+"\n")
}

// noEpoch stands where a history would be.
const noEpoch = `<div class="dim">no epoch completed yet</div>` + "\n"

// slot is the place of the living chart: the script of the page finds it by its
// attributes.
func slot(key string, list []plot, x axis, inside string) string {
	data, err := option(list, x)
	if err != nil { // the table still tells all
		return ""
	}
	return fmt.Sprintf(`<div class="slot" data-metalnb="%s" data-height="%d" data-option='%s'>%s</div>`+"\n",
		esc(key), chartHeight, data, inside)
}

// headline tells a trainer's state in one line, as HTML and as text.
func headline(info wire.TrainerInfo) (page, text string) {
	parts := []string{progress(info)}
	if info.StepsPerSec > 0 {
		parts = append(parts, speed(info.StepsPerSec))
	}
	parts = append(parts, "lr "+short(info.LR))
	if info.Note != "" {
		parts = append(parts, info.Note)
	}
	page = fmt.Sprintf(`<div class="head"><b>%s</b> <span>%s</span> <span class="dim">%s</span></div>`+"\n",
		esc(info.Name), stateHTML(info.State), esc(strings.Join(parts, " · ")))
	return page, plain(info.Name + ": " + strings.Join(append([]string{info.State}, parts...), ", "))
}

// stateHTML is the state with a dot in its colour.
func stateHTML(state string) string {
	color := map[string]string{
		wire.StateCompiling: colorGood, wire.StateRunning: colorGood, wire.StatePaused: colorValid,
		wire.StateStopping: colorValid, wire.StateFailed: colorBad,
	}[state]
	if color == "" {
		color = colorText
	}
	return fmt.Sprintf(`<span class="dot" style="background-color:%s"></span>%s`, color, esc(state))
}

// progress tells how far the training is.
func progress(info wire.TrainerInfo) string {
	s := fmt.Sprintf("epoch %d", info.Epoch)
	if info.Training() && info.Goal > 0 {
		s = fmt.Sprintf("epoch %d of %d", min(info.Epoch+1, info.Goal), info.Goal)
	}
	if info.EpochStep > 0 && info.StepsPerEpoch > 0 {
		s += fmt.Sprintf(", step %s of %s", count(info.EpochStep), count(info.StepsPerEpoch))
	}
	return s
}

// speed writes steps a second.
func speed(perSec float64) string {
	if perSec < 10 {
		return fmt.Sprintf("%.1f steps/s", perSec)
	}
	return count(int(perSec+0.5)) + " steps/s"
}
