// Command cell shows what a cell could show, through metalnb's display pipe. The test of package gonb reads it as gonb
// does. It is a process of its own because encoding/gob refuses two types under one name.
package main

import (
	"log"

	"github.com/metalnb/metalnb/nb/pipe"
)

func main() {
	if !pipe.Available() {
		log.Fatal("the pipe does not see gonb's environment")
	}
	chart := pipe.Data{
		DisplayID: "chart",
		Data:      map[string]any{"text/plain": "a chart", "image/png": []byte{1, 2, 3}, "application/json": map[string]any{"k": 1.5}},
		Metadata:  map[string]any{"width": 640},
	}
	for _, d := range []pipe.Data{chart, {Data: map[string]any{"text/html": "<b>x</b>"}}} {
		if err := pipe.Show(d); err != nil {
			log.Fatal(err)
		}
	}
	if err := pipe.Sync(); err != nil {
		log.Fatal(err)
	}
}
