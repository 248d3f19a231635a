package render

import (
	_ "embed"
	"encoding/base64"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// echarts is Apache ECharts, see the README beside it.
//
//go:embed echarts/echarts.min.js.gz
var echarts []byte

// page is what runs in the page: it keeps the living charts.
//
//go:embed page/page.js
var page string

// wake lets the page mount a chart that has just arrived. A page without the
// Library, because the cell that brought it has run again since, takes the one
// that the browser remembers.
const wake = `(m => { if (m) m.scan?.(); else try { Function(localStorage.getItem("metalnb") || "")() } catch {} })(globalThis.__metalnb)`

// Library returns the script that puts ECharts into the page, about 500 kB. A
// notebook needs it once; a page that has it already ignores a second one. It
// shows nothing.
func (r *Renderer) Library() []wire.Item { return r.library }

// library packs ECharts so that no module loader of the page can catch it
// (RequireJS swallows a plain script) and no content rule for script addresses
// applies: it is unpacked and evaluated in place.
func library() []wire.Item {
	packed := base64.StdEncoding.EncodeToString(echarts)
	script := strings.NewReplacer("%ECHARTS%", packed).Replace(strings.TrimSpace(page))
	return bundle("<script>"+script+"</script>\n", nil, "")
}
